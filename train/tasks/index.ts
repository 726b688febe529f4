// The data room under the path that it had.
export * from "../data/index.ts";
