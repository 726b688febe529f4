// The version of this package, which a bundle's manifest names as that of its producer.
import { createRequire } from "node:module";

const description = createRequire(import.meta.url)("../package.json") as { version: string };

/** As in package.json. */
export const version: string = description.version;
