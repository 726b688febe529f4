// The names of sizes that only data tell: see told.ts.
import { type Dim, termsOf } from "./dims.ts";

const names = new Set<string>();

/** Takes a name for a size that only data tell. */
export function takeName(symbol: string): string {
  names.add(symbol);
  return symbol;
}

/** Whether there are any such names in this process. */
export const areTold = (): boolean => names.size > 0;

/** The sizes that only data tell among those that a size is computed of. */
export const toldIn = (dim: Dim): string[] =>
  typeof dim === "number" || names.size === 0
    ? []
    : termsOf(dim).flatMap(([, symbols]) => symbols.filter((symbol) => names.has(symbol)));

/** Whether a size is one that only data tell, or is computed of one. */
export const isTold = (dim: Dim): boolean => toldIn(dim).length > 0;

/** Whether two sizes are the same, or may be: what only data tell is not refused before they do. */
export const mayAgree = (a: Dim | undefined, b: Dim | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && (isTold(a) || isTold(b)));
