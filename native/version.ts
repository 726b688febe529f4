// The version of this package, which reports name as that of what computes.
import { createRequire } from "node:module";

const description = createRequire(import.meta.url)("../package.json") as { version: string };

/** As in package.json. */
export const version: string = description.version;
