// What the benchmark makes of measurements, on made-up numbers: equality, targets, what got worse, and the tables.
import { sizeOf } from "@innerloop/schemas";
import {
  comparisonsOf,
  dataOf,
  differenceOf,
  equalWithin,
  goalsTable,
  heldOf,
  type ImportedRow,
  importedTable,
  interleave,
  learnerOf,
  memoryOf,
  type PeerRow,
  type PeerTimes,
  pairsOf,
  peersTable,
  quantile,
  type Result,
  summarize,
  takeTurns,
  verdictOf,
  workloadNamed,
  workloadNames,
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

test("a slow side has three turns, and the others go on", async () => {
  const side = (milliseconds: number) => ({
    run: async (times: number) => new Array<number>(times).fill(milliseconds),
  });
  const rounds = await takeTurns([side(50), side(9000)], 5);
  expect(rounds.map(([, slow]) => slow)).toEqual([9000, 9000, 9000, undefined, undefined]);
  expect(pairsOf(rounds, 0, 1)).toHaveLength(3);
  expect(rounds.map(([quick]) => quick)).toEqual([50, 50, 50, 50, 50]);
});

test("what begins from nothing has no run that does not count", async () => {
  let runs = 0;
  const fresh = {
    fresh: true,
    run: async (times: number) => {
      runs += times;
      return new Array<number>(times).fill(100);
    },
  };
  await takeTurns([fresh], 4);
  expect(runs).toBe(4);
});

describe("equality", () => {
  const result: Result = { losses: [2, 1], projections: { a: 0.5, b: 3 }, norms: { a: 10, b: 100 } };

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
  const goals = { eager: { 1: 0.35, 2: 0.25 }, compiled: 0.45 };
  const timed = (peer: string, group: PeerTimes["group"], ratio: number): PeerTimes => ({
    peer,
    group,
    state: "timed",
    variant: "loop",
    difference: 2e-7,
    summary: pairs(ratio, ratio, ratio),
  });
  const rowOf = (peers: readonly PeerTimes[], threads = 1): PeerRow => ({
    workload: "meta-conv4",
    title: "meta-iteration",
    threads,
    ours: { engine: "onnxruntime", way: "one thread", milliseconds: 5, difference: 1e-7 },
    peers,
    comparisons: comparisonsOf(peers, goals, threads),
    memory: memoryOf(80, 240),
  });
  const cells = (table: string, line = -1) =>
    table
      .split("\n")
      .at(line)!
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1);

  test("a goal is met up to and including it, and is that of the number of threads", () => {
    const met = (ratio: number, threads: number) =>
      comparisonsOf([timed("eager", "eager", ratio)], goals, threads)[0]!.met;
    expect([met(0.35, 1), met(0.36, 1), met(0.35, 2), met(0.25, 2)]).toEqual([true, false, false, true]);
  });

  test("the fastest of what compiles is what counts", () => {
    const peers = [timed("compile", "compiled", 0.3), timed("jax", "compiled", 0.5), timed("tfjs", "other", 0.9)];
    expect(comparisonsOf(peers, goals, 1)).toEqual([
      { against: "eager", goal: 0.35 },
      { against: "compiled", goal: 0.45, peer: "jax", ratio: 0.5, met: false },
    ]);
  });

  test("the table says ratios, goals and whether they are met", () => {
    const row = cells(goalsTable([rowOf([timed("eager", "eager", 0.3), timed("jax", "compiled", 0.5)])]));
    expect(row.join(" ")).toBe(
      "meta-iteration 1 onnxruntime 5.000 – 0.30 ≤ 0.35 met 0.50 jax ≤ 0.45 NOT MET 0.33 ≤ 0.6 met",
    );
  });

  test("a missing peer is a visible gap, with its reason", () => {
    const missing: PeerTimes = { peer: "jax", group: "compiled", state: "missing", reason: "no such interpreter" };
    expect(cells(peersTable([rowOf([missing])])).slice(3)).toEqual([
      "jax",
      ...["–", "–", "–", "–", "–", "–"],
      "missing: no such interpreter",
    ]);
    expect(cells(goalsTable([rowOf([missing])])).slice(5, 12)).toEqual(["–", "≤ 0.35", "–", "–", "–", "≤ 0.45", "–"]);
  });

  test("what is not equal has no times", () => {
    const unequal: PeerTimes = { peer: "eager", group: "eager", state: "unequal", variant: "loop", difference: 0.3 };
    const row = cells(peersTable([rowOf([unequal])]));
    expect(row.slice(5, 8)).toEqual(["–", "–", "–"]);
    expect(row.at(-1)).toBe("unequal: results differ");
  });

  test("columns line up", () => {
    const row = rowOf([timed("eager", "eager", 0.3), { peer: "jax", group: "compiled", state: "missing" }]);
    for (const text of [peersTable([row]), goalsTable([row])])
      expect(new Set(text.split("\n").map((line) => line.length)).size).toBe(1);
  });
});

describe("against an earlier commit", () => {
  test.each([
    ["slower", [1.15, 1.2, 1.25, 1.2]],
    ["as before", [1.05, 1.08, 1.02, 1.05]],
    ["faster", [0.8, 0.75, 0.85, 0.8]],
    ["as before", [0.9, 1.3, 1.05, 1.9]], // scattered: not even three quarters of the pairs are beyond the noise
  ] as const)("%s", (verdict, ratios) => expect(verdictOf(pairs(...ratios), 0.1)).toBe(verdict));
});

describe("workloads", () => {
  test.each(workloadNames.map((name) => workloadNamed(name)))(
    "$name: the case has the learner's arrays, and a fixed rate for each that moves",
    ({ case: it }) => {
      const learner = learnerOf(it);
      expect(it.parameters.map(([name]) => name)).toEqual(Object.keys(learner.parameters));
      if (it.kind !== "train") expect(learner.rates).toEqual(it.rates);
      const { parameters, tasks } = dataOf(it);
      expect(tasks).toHaveLength(it.tasks);
      for (const [name, { shape }] of Object.entries(learner.parameters))
        expect(parameters[name]!.data).toHaveLength(sizeOf(shape));
    },
  );

  test("small ones have the same kinds and fewer numbers", () => {
    for (const name of workloadNames) {
      const [small, whole] = [workloadNamed(name, true).case, workloadNamed(name).case];
      expect(small.kind).toBe(whole.kind);
      expect(small.tasks).toBeLessThanOrEqual(whole.tasks);
    }
  });
});

test("value and gradient of a network are held to their goals, side by side and round by round", () => {
  const turns = {
    "ours input": [6, 8, 7],
    "ours weights": [9, 9, 30],
    "ours weights native": [6, 7, 8],
    "PyTorch weights": [10, 10, 10],
    "compiled weights": [10, 12, 8],
  };
  expect(heldOf({ turns })).toEqual([
    {
      ...{ of: "input", engine: "onnxruntime" },
      comparisons: [
        { against: "eager", goal: 0.7 },
        { against: "compiled", goal: 1 },
      ],
    },
    {
      ...{ of: "weights", engine: "onnxruntime" },
      comparisons: [
        { against: "eager", goal: 0.7, peer: "PyTorch weights", ratio: 0.9, met: false },
        { against: "compiled", goal: 1, peer: "compiled weights", ratio: 0.9, met: true },
      ],
    },
    {
      ...{ of: "weights", engine: "native" },
      comparisons: [
        { against: "eager", goal: 0.7, peer: "PyTorch weights", ratio: 0.7, met: true },
        { against: "compiled", goal: 1, peer: "compiled weights", ratio: 0.6, met: true },
      ],
    },
  ]);
  const row: ImportedRow = {
    ...{ network: "lenet", batch: 1, threads: 1, turns, counts: {}, memory: {}, missing: {} },
    ...{ apart: { onnxruntime: 1e-7, native: 2e-7 }, refused: ["ours weights native"] },
  };
  const told = importedTable([row]);
  expect(told).toMatch(/lenet .* weights +\| onnxruntime +\| 9\.000/);
  expect(told).toMatch(/lenet .* weights +\| native\* +\| 7\.000/);
  expect(told).toMatch(/ours weights native \| PyTorch weights \| .* 2\.0e-7/);
  expect(told).toContain("* native kernels refuse it");
  expect(importedTable([{ ...row, refused: [] }])).not.toContain("*");
});
