// What lies between chains and points with its examples outermost: the same numbers, and chains that go over all of their arrays in one order.
import { type Access, type Chain, laid, type Points, type Step, type Store } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const [examples, positions, channels] = [5, 9, 6];
const size = examples * positions * channels;

const store = (count = size): Store => ({ size: count, depth: 1 });
const whole = (of: Store): Access => ({ store: of, offset: 0, strides: [] });
/** Along examples, positions and channels: as pictures lie, and as points had them. */
const asPictures = (of: Store): Access => ({ store: of, offset: 0, strides: [positions * channels, channels, 1] });
const atOnce = (of: Store): Access => ({ store: of, offset: 0, strides: [channels, examples * channels, 1] });

const chain = (read: Access, write: Access, name?: "relu" | "negative"): Chain => ({
  ...{ kind: "chain", shape: [examples, positions, channels], reads: [read] },
  code: name ? [{ name, operands: [{ register: 0 }] }] : [],
  writes: [{ ...write, register: name ? 1 : 0, how: "set" }],
});
/** The same with positions outermost. */
function turned({ shape, reads, writes, ...rest }: Chain): Chain {
  const to = <A extends Access>(access: A): A => ({
    ...access,
    strides: [1, 0, 2].map((axis) => access.strides[axis]!),
  });
  return { ...rest, shape: [1, 0, 2].map((axis) => shape[axis]!), reads: reads.map(to), writes: writes.map(to) };
}

const wide = examples * channels;
type Matrices = readonly [Store, Store];

/** All positions as one tile, to 4 x 5 points or back. */
const squares = (what: Points["what"], field: Store, values: Store, [down, across]: Matrices): Points => ({
  ...{ kind: "points", what, examples: 1, channels: wide, rows: 1, columns: 1, steps: [3, 3], first: [0, 0] },
  ...{ size: [3, 3], tile: [3, 3], points: [4, 5], down: whole(down), across: whole(across) },
  field: { store: field, offset: 0, strides: [0, 3 * wide, wide, 1] },
  values: { store: values, offset: 0, strides: [wide, 0, 0, 0] },
});
/** Rows of positions as tiles of one column, three of them beside each other as channels; or columns as tiles of one row, one after another. */
const rows = (what: Points["what"], field: Store, values: Store, [down, across]: Matrices): Points => ({
  ...{ kind: "points", what, examples: 1, channels: 3 * wide, rows: 1, columns: 1, steps: [1, 3], first: [0, 0] },
  ...{ size: [1, 3], tile: [1, 3], points: [1, 5], down: whole(down), across: whole(across) },
  field: { store: field, offset: 0, strides: [0, 9 * wide, 3 * wide, 1] },
  values: { store: values, offset: 0, strides: [3 * wide, 0, 0, 0] },
});
const columns = (what: Points["what"], field: Store, values: Store, matrices: Matrices): Points => ({
  ...{ ...rows(what, field, values, matrices), channels: wide, rows: 3, size: [3, 3] },
  field: { store: field, offset: 0, strides: [0, 3 * wide, wide, 1] },
  values: { store: values, offset: 0, strides: [wide, 0, 5 * wide, 0] },
});

const forms = [
  { name: "squares", form: squares, count: 20, matrices: [12, 15] },
  { name: "rows beside each other", form: rows, count: 15, matrices: [1, 15] },
  { name: "rows one after another", form: columns, count: 15, matrices: [1, 15] },
] as const;

/** Both ways through points: pictures to values, and values to pictures. */
function through({ form, count, matrices }: (typeof forms)[number]) {
  const [x, given, y, back, between, other] = [store(), store(), store(), store(), store(), store()];
  const [values, more] = [store(count * wide), store(count * wide)];
  const own = matrices.map((each) => store(each)) as unknown as Matrices;
  const random = dice(count);
  const begun = new Map(
    [x, more, ...own].map((each) => [each, Float64Array.from({ length: each.size }, () => random() - 0.5)]),
  );
  const steps: Step[] = [
    turned(chain(asPictures(x), atOnce(between), "relu")),
    form("points", between, values, own),
    form("places", other, more, own),
    chain(atOnce(other), asPictures(y)),
    { ...chain(atOnce(between), asPictures(given), "negative") },
    chain(asPictures(y), asPictures(back), "negative"),
  ];
  return { steps, begun, between, other, ends: [values, given, y, back] };
}

describe.each(forms)("points of $name", (form) => {
  const { steps, begun, between, other, ends } = through(form);

  it("give the same numbers where chains go over all in one order", () => {
    const made = laid(steps, new Set(ends));
    // A copy is none any more.
    expect(made.map(({ kind }) => kind)).toEqual(["chain", "points", "points", "chain", "chain"]);
    for (const step of made)
      if (step.kind === "chain")
        for (const { strides } of [...step.reads, ...step.writes])
          expect(strides).toEqual([positions * channels, channels, 1]);
    const [now, before] = [stores(begun), stores(begun)];
    runSteps(made, now);
    runSteps(steps, before);
    for (const end of ends)
      for (const [i, number] of now(end).entries()) expect(number).toBeCloseTo(before(end)[i]!, 12);
  });

  it("stay as they are where more is kept, or where others use what is between", () => {
    const kept = laid(steps, new Set([...ends, between, other]));
    expect(kept).toEqual(steps);
    const sum: Chain = {
      ...{ kind: "chain", shape: [size], reads: [{ store: between, offset: 0, strides: [1] }], code: [] },
      writes: [{ store: store(1), offset: 0, strides: [0], register: 0, how: "sum" }],
    };
    expect(laid([...steps, sum], new Set([...ends, other]))).toEqual([...steps, sum]);
    const turns: Step = { kind: "turns", count: 2, turn: store(1), body: [sum] };
    expect(laid([...steps, turns], new Set([...ends, other]))).toEqual([...steps, turns]);
  });
});
