// The tables at the end of `npm run test:engines`.
import type { EngineReport } from "@innerloop/train";
import { apart, type Check, type Curve, compared } from "./curve.ts";
import type { SuiteResult } from "./suite.ts";

/** What was done with one engine. */
export interface Row {
  readonly engine: EngineReport;
  readonly suite?: SuiteResult;
  readonly curve?: Curve;
  readonly checks: readonly Check[];
}

/** Rows of texts with their columns aligned. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((text, i) => text.padEnd(widths[i]!)).join("  ")}`.trimEnd()).join("\n");
}

/** How many tests went how: those of the suite, and the curve's checks. */
export function countsOf({ suite, checks }: Row): { passed: number; failed: number; skipped: number } {
  const count = (outcome: Check["outcome"]) => checks.filter((it) => it.outcome === outcome).length;
  return {
    passed: (suite?.passed ?? 0) + count("passed"),
    failed: (suite?.failed ?? 0) + count("failed"),
    skipped: (suite?.skipped ?? 0) + count("skipped"),
  };
}

/** The reasons for what did not pass, or for an engine's absence. */
function reasonOf({ engine, suite, checks }: Row): string {
  if (!engine.available) return `absent: ${engine.reason}`;
  const unmet = checks.filter((it) => it.outcome !== "passed").map((it) => `${it.name} ${it.outcome}: ${it.words}`);
  return [...some("failed", suite?.failures ?? []), ...unmet, ...some("skipped", suite?.skips ?? [])].join("; ");
}

/** A few names of tests; the title says the engine's again. */
function some(word: string, names: readonly string[]): string[] {
  const shown = names.slice(0, 3).map((name) => `${word}: ${name.replace(/^\S+:\S+ /, "")}`);
  return names.length > 3 ? [...shown, `and ${names.length - 3} more ${word}`] : shown;
}

export const enginesTable = (rows: readonly Row[]): string =>
  aligned([
    ["engine", "passed", "failed", "skipped", "reason"],
    ...rows.map((row) => {
      const { passed, failed, skipped } = countsOf(row);
      const counts = row.engine.available ? [passed, failed, skipped].map(String) : ["–", "–", "all"];
      return [row.engine.name, ...counts, reasonOf(row)];
    }),
  ]);

export function curvesTable(rows: readonly Row[], reference: Curve): string {
  const far = (curve: Curve, iteration: number) => apart(curve, reference, iteration)?.toExponential(1) ?? "–";
  return aligned([
    [
      "engine",
      "iterations",
      `loss at ${compared.iteration}`,
      "apart",
      "at the end",
      "accuracy",
      "memory",
      "s/iteration",
    ],
    ...rows.flatMap(({ curve }) => {
      if (!curve) return [];
      const { engine, losses, accuracy, memory, secondsPerIteration } = curve;
      const { mean, ci95 } = accuracy;
      return [
        [
          engine,
          String(losses.length),
          losses[compared.iteration - 1]?.toFixed(6) ?? "–",
          far(curve, compared.iteration),
          far(curve, losses.length),
          `${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`,
          memory ? `${memory.settled.megabytes.toFixed(0)} → ${memory.end.megabytes.toFixed(0)} MiB` : "–",
          secondsPerIteration.toPrecision(3),
        ],
      ];
    }),
  ]);
}
