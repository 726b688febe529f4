// Run by `npm run test:hosts`, before the tests.
import { fetchPlaces } from "./places.ts";

fetchPlaces(["node-14", "node-18", "node-22", "node-24", "bun", "deno", "jest"]);
