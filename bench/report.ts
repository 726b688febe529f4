// What measurements mean: whether two results are equal, whether a ratio got worse; and tables.
import type { Summary } from "./contender.ts";
import type { Result } from "./ours/result.ts";

/** How far results may be apart, relative: float32 over some steps gives 1e-7 to 1e-5, a wrong term 1e-3 and more. */
export const equalWithin = 1e-4;

/**
 * The largest relative difference of two results: of losses by the larger loss, of projections by the array's norm.
 * Infinite where they do not hold the same things, or something is no number.
 */
export function differenceOf(ours: Result, theirs: Result): number {
  const names = Object.keys(theirs.projections);
  if (ours.losses.length !== theirs.losses.length || Object.keys(ours.projections).length !== names.length)
    return Number.POSITIVE_INFINITY;
  const differences = [
    ...theirs.losses.map((loss, i) => relative(ours.losses[i], loss, Math.max(...theirs.losses.map(Math.abs)))),
    ...names.map((name) => relative(ours.projections[name], theirs.projections[name]!, theirs.norms[name]!)),
    ...names.map((name) => relative(ours.norms[name], theirs.norms[name]!, theirs.norms[name]!)),
  ];
  return Math.max(...differences);
}

function relative(actual: number | undefined, expected: number, unit: number): number {
  const apart = Math.abs((actual ?? Number.NaN) - expected);
  return Number.isFinite(apart) ? (apart === 0 ? 0 : apart / unit) : Number.POSITIVE_INFINITY;
}

export type Verdict = "as before" | "slower" | "faster";

/**
 * Whether a ratio to what was before lies beyond noise: three quarters of the pairs have to, so that a disturbed run, whose pairs
 * scatter, does not cry wolf.
 * @param noise what the places of arrays in memory do, relative
 */
export function verdictOf({ quartiles: [low, high] }: Pick<Summary, "quartiles">, noise: number): Verdict {
  if (low > 1 + noise) return "slower";
  return high < 1 - noise ? "faster" : "as before";
}

/** A number with so many digits, or a gap. */
export const fixed = (value: number | undefined, digits = 2): string => value?.toFixed(digits) ?? "–";
/** Milliseconds. */
export const time = (value: number | undefined): string => fixed(value, value !== undefined && value < 10 ? 3 : 1);
/** Whether a goal was met, where it is known. */
export const saidOf = (met: boolean | undefined): string => (met === undefined ? "–" : met ? "met" : "NOT MET");
/** Quartiles of a ratio. */
export const spread = (summary: Summary | undefined, digits = 2): string =>
  summary?.quartiles.map((quartile) => fixed(quartile, digits)).join("–") ?? "–";

/** Rows of text as a Markdown table whose columns line up. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
