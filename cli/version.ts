// The version of this package.
import { createRequire } from "node:module";

const { version: own } = createRequire(import.meta.url)("../package.json") as { version: string };

/** As in package.json. */
export const version: string = own;
