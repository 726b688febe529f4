// Looking up by index.
export { Gather, OneHot, Range } from "./internal/gathering.ts";
