// What operators that go by index or by the numbers themselves are tried on. Scattering products or the largest is not for every
// opset and engine, so `told.test.ts` has it. Of whole numbers, and of what only data tell how much
// there is, derivatives are tried elsewhere.
import { constant, op, type Value } from "@innerloop/graph";
import { type Case, on } from "./case.ts";

const within = (low: number, high: number, build: Case["build"], ...shapes: (readonly number[])[]): Case => ({
  build,
  shapes,
  from: (x) => low + ((x + 1) / 2) * (high - low),
});
const integers = (list: readonly number[], shape: readonly number[] = [list.length]): Value =>
  constant(list, shape, "int64");

const rows = integers([1, 0, 2, 0, 2, 1], [2, 3]);
const blocks = integers([1, 3], [2, 1]);
const twice = integers([0, 1, 0, 1, 2, -1], [3, 2]);

/** By the operator that they are about. */
export const indexCases: Record<string, Case[]> = {
  GatherElements: [
    on((x) => op.GatherElements(x, rows), [3, 3]),
    on((x) => op.GatherElements(x, integers([-1, 0, 0, 2], [2, 2]), 1), [2, 3]),
  ],
  GatherND: [
    on((x) => op.GatherND(x, integers([0, 2, 1, -1], [2, 2])), [2, 3, 2]),
    on((x) => op.GatherND(x, integers([1, 2], [2, 1]), 1), [2, 3, 2]),
    on((x, at) => op.GatherND(x, op.Cast(op.Mul(op.Unsqueeze(at, [-1]), 2.9), "int64")), [3, 2], [4]),
  ],
  ScatterElements: [
    ...(["none", "add"] as const).map((reduction) =>
      on((x, u) => op.ScatterElements(x, rows, u, 0, reduction), [3, 3], [2, 3]),
    ),
    on((x, u) => op.ScatterElements(x, integers([1, 1, 0, 2], [2, 2]), u, 1, "add"), [2, 4], [2, 2]),
  ],
  ScatterND: [
    ...(["none", "add"] as const).map((reduction) =>
      on((x, u) => op.ScatterND(x, blocks, u, reduction), [4, 2], [2, 2]),
    ),
    on((x, u) => op.ScatterND(x, twice, u, "add"), [3, 3], [3]),
  ],
  TopK: [
    on((x) => op.TopK(x, 2)[0], [3, 4]),
    on((x) => op.Mul(op.TopK(x, 2, { axis: 0, largest: false })[0], op.Slice(x, [0], [2])), [4, 3]),
  ],
  Mod: [
    on((a, b) => op.Mod(a, op.Add(b, 2.5)), [2, 3], [3]),
    on((a, b) => op.Mod(op.Mul(a, 4), op.Add(b, 2.5), { fmod: true }), [2, 3], [3]),
  ],
  Det: [on((x) => op.Det(x), [2, 3, 3]), on((x) => op.Det(x), [1, 1]), on((x) => op.Det(x), [4, 4])],
  Einsum: [
    on((a, b) => op.Einsum("bij,bjk->bik", a, b), [2, 3, 4], [2, 4, 2]),
    on((a, b) => op.Einsum("...ij,jk", a, b), [2, 3, 4], [4, 2]),
    on((a) => op.Einsum("bii->bi", a), [2, 3, 3]),
    on((a, b, c) => op.Einsum("i,j,k->kij", a, b, c), [2], [3], [4]),
    on((a, b, c) => op.Einsum("bi,ij,bj->b", a, b, c), [2, 3], [3, 4], [2, 4]),
  ],
  Trilu: [on((x) => op.Trilu(x), [2, 3, 4]), on((x) => op.Trilu(x, -1, false), [3, 4])],
  CumProd: [
    ...[0, 1].flatMap((exclusive) =>
      [0, 1].map((reverse) => within(0.5, 1.5, (x) => op.CumProd(x, 1, { exclusive, reverse }), [2, 4])),
    ),
    // A factor of 0, which the products of the others survive.
    on((x) => op.CumProd(op.Mul(x, constant([0, 1, 1, 0], [4], "float64")), 1), [2, 4]),
    on((x) => op.ReduceProd(op.Mul(x, constant([1, 0, 1], [3], "float64")), { axes: [1] }), [2, 3]),
  ],
  ReverseSequence: [on((x) => op.ReverseSequence(x, integers([4, 1, 2])), [4, 3, 2])],
  Acos: [within(-0.8, 0.8, (x) => op.Acos(x), [2, 3])],
  Asin: [within(-0.8, 0.8, (x) => op.Asin(x), [2, 3])],
  Atanh: [within(-0.8, 0.8, (x) => op.Atanh(x), [2, 3])],
  Asinh: [on((x) => op.Asinh(x), [2, 3])],
  Acosh: [within(1.2, 3, (x) => op.Acosh(x), [2, 3])],
};

const whole = (x: Value, dtype: "int64" | "uint8" = "int64"): Value => op.Cast(op.Abs(op.Mul(x, 9)), dtype);

/** Operators whose derivative is zero wherever it exists, as functions of floats. */
export const indexSteps: Record<string, (x: Value) => Value> = {
  BitCast: (x) => op.BitCast(whole(x, "uint8"), "int8"),
  TfIdfVectorizer: (x) =>
    op.TfIdfVectorizer(whole(x), {
      ...{ mode: "IDF", least: 1, most: 2, skips: 1, starts: [0, 2], places: [0, 1, 2] },
      ...{ pool: [3, 4, 3, 4], weights: [0.5, 1, 2] },
    }),
  BitShift: (x) => op.BitShift(whole(x, "uint8"), constant(1, [], "uint8"), "LEFT"),
  BitwiseAnd: (x) => op.BitwiseAnd(whole(x), constant(6, [], "int64")),
  BitwiseOr: (x) => op.BitwiseOr(whole(x), constant(6, [], "int64")),
  BitwiseXor: (x) => op.BitwiseXor(whole(x), constant(6, [], "int64")),
  BitwiseNot: (x) => op.BitwiseNot(whole(x)),
  EyeLike: (x) => op.EyeLike(x, { k: 1 }),
  Hardmax: (x) => op.Hardmax(x),
  IsInf: (x) => op.IsInf(op.Div(1, op.Relu(x))),
};

/** Operators of which only data tell how much there is, or along which axis: `told.test.ts` has them. */
export const toldOperators = [
  "AsNumbers",
  "AsSizes",
  "CenterCropPad",
  "Compress",
  "CumSumBy",
  "NonMaxSuppression",
  "NonZero",
  "PadBy",
  "ReduceMaxBy",
  "ReduceMinBy",
  "ReduceProdBy",
  "ReduceSumBy",
  "SliceBy",
  "SqueezeBy",
  "SumTo",
  "TensorScatter",
  "TileBy",
  "Unique",
  "UnsqueezeBy",
];
