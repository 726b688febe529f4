// What the benchmark makes of measurements, on made-up numbers: equality, targets, what got worse, and the tables.
import { sizeOf } from "@innerloop/schemas";
import {
  type CheckRow,
  checkTable,
  dataOf,
  differenceOf,
  equalWithin,
  interleave,
  isMet,
  learnerOf,
  noiseOf,
  type PeerResult,
  type PeerRow,
  peersTable,
  quantile,
  summarize,
  verdictOf,
  workloads,
} from "innerloop-bench";
import { describe, expect, test } from "vitest";

/** Pairs of which ours take `ratios` times as long as theirs. */
const pairs = (...ratios: number[]) => summarize(ratios.map((ratio) => ({ ours: 10 * ratio, theirs: 10 })));

describe("summaries", () => {
  test("quantiles lie linearly between the values beside them", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
    expect(quantile([7], 0.75)).toBe(7);
  });

  test("the ratio is that of the medians, the spread that of the pairs", () => {
    const summary = summarize([
      { ours: 1, theirs: 2 },
      { ours: 2, theirs: 4 },
      { ours: 30, theirs: 10 },
    ]);
    expect(summary).toEqual({ ours: 2, theirs: 4, ratio: 0.5, quartiles: [0.5, 1.75], pairs: 3 });
  });

  test("sides take turns, and who begins alternates", async () => {
    const seen: string[] = [];
    const side = (name: string) => ({
      run: async (times: number) => {
        seen.push(name);
        return Array.from({ length: times }, () => (name === "ours" ? 50 : 100));
      },
    });
    expect(await interleave(side("ours"), side("theirs"), 2)).toEqual([
      { ours: 50, theirs: 100 },
      { ours: 50, theirs: 100 },
    ]);
    // Two calls for the warm-up; then a run that does not count and one that does, each turn.
    expect(seen.slice(2).filter((_, i) => i % 2 === 0)).toEqual(["ours", "theirs", "theirs", "ours"]);
  });
});

describe("equality", () => {
  const result: PeerResult = { losses: [2, 1], projections: { a: 0.5, b: 3 }, norms: { a: 10, b: 100 } };

  test("equal results are nothing apart", () => expect(differenceOf(result, result)).toBe(0));

  test("a projection counts relative to the norm, a loss to the largest loss", () => {
    expect(differenceOf({ ...result, projections: { a: 0.6, b: 3 } }, result)).toBeCloseTo(0.01);
    expect(differenceOf({ ...result, losses: [2, 1.1] }, result)).toBeCloseTo(0.05);
    expect(differenceOf({ ...result, norms: { a: 10, b: 101 } }, result)).toBeCloseTo(0.01);
  });

  test.each([
    ["a loss that is no number", { ...result, losses: [2, Number.NaN] }],
    ["a loss too few", { ...result, losses: [2] }],
    ["an array too few", { ...result, projections: { a: 0.5 } }],
    ["another array", { ...result, projections: { a: 0.5, c: 3 } }],
  ])("%s is never equal", (_, other) => {
    expect(differenceOf(other, result)).toBeGreaterThan(equalWithin);
    expect(differenceOf(other, result)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("against peers", () => {
  const known = { workload: "adapt-conv4", threads: 1, target: 0.75, ours: "one thread" };
  const timed = (ratio: number): PeerRow => {
    const summary = pairs(ratio, ratio, ratio);
    return { ...known, state: "timed", theirs: "loop", difference: 2e-7, summary, met: isMet(summary, known.target) };
  };
  const cells = (row: PeerRow) =>
    peersTable([row], "PyTorch")
      .split("\n")
      .at(-1)!
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1);

  test("a target is met up to and including it", () => {
    expect(isMet(pairs(0.75), 0.75)).toBe(true);
    expect(isMet(pairs(0.76), 0.75)).toBe(false);
  });

  test("the table says times, ratio, spread, target and whether it is met", () => {
    const row = cells({ ...timed(0.5), memory: { ours: 80, theirs: 240 } });
    expect(row.join(" ")).toBe("adapt-conv4 1 5.000 10.0 0.50 0.50–0.50 ≤ 0.75 met 2e-7 80 240 0.33");
    expect(cells(timed(0.9))).toContain("NOT MET");
  });

  test("a missing peer is a visible gap beside our time", () => {
    const row = cells({ ...known, state: "missing", milliseconds: 12.34, memory: { ours: 80 } });
    expect(row).toContain("PyTorch is missing");
    expect(row.slice(2, 6)).toEqual(["12.3", "–", "–", "–"]);
  });

  test("what is not equal has no times", () => {
    const row = cells({ ...known, state: "unequal", theirs: "loop", difference: 0.3 });
    expect(row).toContain("results differ");
    expect(row.slice(2, 6)).toEqual(["–", "–", "–", "–"]);
  });

  test("columns line up", () => {
    const lines = peersTable(
      [timed(0.5), { ...known, workload: "x", state: "missing", milliseconds: 1 }],
      "PyTorch",
    ).split("\n");
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });
});

describe("against what was pinned", () => {
  const pinned = { workload: "adapt-mlp", threads: 1, ratio: 2, noise: 0.1 };

  test.each([
    ["worse", [2.3, 2.4, 2.5, 2.4]],
    ["as before", [2.1, 2.15, 2.05, 2.1]],
    ["better", [1.6, 1.5, 1.7, 1.6]],
    ["as before", [1.8, 2.6, 2.1, 3.9]], // scattered: not even three quarters of the pairs are beyond the noise
  ] as const)("%s", (verdict, ratios) => expect(verdictOf(pairs(...ratios), pinned)).toBe(verdict));

  test("without a pin there is nothing to be worse than", () =>
    expect(verdictOf(pairs(9), undefined)).toBe("not pinned"));

  test("noise is twice the spread, within bounds", () => {
    expect(noiseOf(pairs(1, 1, 1))).toBe(0.08);
    expect(noiseOf({ ...pairs(1), quartiles: [0.95, 1.05] })).toBe(0.2);
    expect(noiseOf({ ...pairs(1), quartiles: [0.5, 1.5] })).toBe(0.25);
  });

  test("the table says ratio, pin and verdict", () => {
    const summary = pairs(2.4, 2.4, 2.4);
    const row: CheckRow = { ...pinned, summary, pinned, verdict: verdictOf(summary, pinned) };
    expect(checkTable([row])).toContain("2.000 ± 10 %");
    expect(checkTable([row])).toContain("worse");
  });
});

describe("workloads", () => {
  test.each([...workloads.values()])(
    "$name: the learner has a fixed rate for each of its arrays, and no learned one",
    (it) => {
      const learner = learnerOf(it);
      expect(Object.keys(learner.parameters)).toEqual(Object.keys(it.case.rates));
      expect(learner.rates).toEqual(it.case.rates);
      const { parameters, tasks } = dataOf(it, learner);
      expect(tasks).toHaveLength(it.case.tasks);
      for (const [name, { shape }] of Object.entries(learner.parameters))
        expect(parameters[name]!.data).toHaveLength(sizeOf(shape));
    },
  );
});
