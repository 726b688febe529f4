// Passes that the environment leaves out: for a look at what one does, without a change to a program.

/** The names in `INNERLOOP_WITHOUT`, with commas between them; a page has none. */
export function leftOut(): readonly string[] {
  const named = typeof process === "undefined" ? undefined : process.env?.INNERLOOP_WITHOUT;
  return named
    ? named
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== "")
    : [];
}
