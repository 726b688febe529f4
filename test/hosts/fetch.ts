// Run by `npm run test:hosts`, before the tests.
import { fetchPlaces } from "./places.ts";

fetchPlaces();
