// Where things of the repository are, from test/ and from what is compiled into test/dist alike.
import { fileURLToPath } from "node:url";

const compiled = import.meta.url.includes("/test/dist/");

/** The repository, as a path. */
export const repository = fileURLToPath(new URL(compiled ? "../../.." : "../..", import.meta.url));
