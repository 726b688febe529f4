// Operators that compute number by number or move numbers, beside ONNX Runtime.
import { layoutOf, planFor, readGraph, type Step } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import {
  above,
  all,
  compares,
  floats,
  leaves,
  list,
  modelOf,
  one,
  scalarOf,
  truths,
  wholes,
} from "./operator-models.ts";
import { plainKernels } from "./words.ts";

const pairs = [
  [[], []],
  [[7], []],
  [[3, 5], [5]],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [2, 3, 4],
    [3, 1],
  ],
  [
    [2, 1, 4],
    [1, 3, 1],
  ],
  [[2, 0, 4], [4]],
] as const;

describe("number by number", () => {
  it.each(["Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"])(
    "%s of shapes that are repeated",
    (operator) => all(pairs.map(([a, b]) => one(operator, { a: floats(a), b: floats(b, 2) }))),
  );

  it.each(["Add", "Sub", "Mul", "Div", "Mod", "Equal", "Less"])("%s of whole numbers", (operator) =>
    all([
      one(operator, { a: wholes([4, 6], -20, 20), b: wholes([6], 1, 5) }),
      one(operator, { a: wholes([9], -20, 20, "int32"), b: wholes([9], -9, -1, "int32") }),
    ]),
  );

  it("Mod towards zero", () => compares(one("Mod", { a: wholes([20], -20, 20), b: wholes([20], 1, 7) }, { fmod: 1 })));

  it.each(["And", "Or", "Xor"])("%s", (operator) => all([one(operator, { a: truths([3, 8]), b: truths([8], 9) })]));

  it.each([
    "Neg",
    "Abs",
    "Exp",
    "Tanh",
    "Sigmoid",
    "Floor",
    "Ceil",
    "Round",
    "Sign",
    "Erf",
    "Sin",
    "Cos",
    "Tan",
    "Relu",
    "HardSwish",
    "Softplus",
    "Softsign",
    "Mish",
    "Selu",
    "IsNaN",
    "Identity",
    "HardSigmoid",
    "LeakyRelu",
    "Elu",
    "Celu",
    "ThresholdedRelu",
    "Gelu",
  ])("%s", (operator) => all([[], [5], [3, 17], [2, 0]].map((shape) => one(operator, { x: floats(shape) }))));

  it.each(["Sqrt", "Log", "Reciprocal"])("%s", (operator) =>
    all([[], [5], [3, 17]].map((shape) => one(operator, { x: above(shape) }))),
  );

  it("their attributes", () =>
    all([
      one("HardSigmoid", { x: floats([30]) }, { alpha: { float: 3 }, beta: { float: 0.25 } }),
      one("HardSigmoid", { x: floats([30]) }, { alpha: { float: 1e38 }, beta: { float: 0 } }),
      one("LeakyRelu", { x: floats([30]) }, { alpha: { float: 0.3 } }),
      one("Elu", { x: floats([30]) }, { alpha: { float: 0.7 } }),
      one("Celu", { x: floats([30]) }, { alpha: { float: 0.7 } }),
      one("ThresholdedRelu", { x: floats([30]) }, { alpha: { float: 0.2 } }),
      one("Gelu", { x: floats([30]) }, { approximate: { text: "tanh" } }),
      one("Selu", { x: floats([30]) }, { alpha: { float: 0.7 }, gamma: { float: 2 } }),
      one("PRelu", { x: floats([2, 3, 4]), slope: floats([3, 1], 2) }),
    ]));

  it("Pow", () =>
    all([
      one("Pow", { x: above([4, 5]), y: floats([5], 2) }),
      ...[2, 0.5, 1, 3, 4, -1].map((exponent) => one("Pow", { x: above([4, 5]) }, {}, { y: scalarOf(exponent) })),
      one("Pow", { x: floats([6]) }, {}, { y: scalarOf(3) }),
    ]));

  it.each([
    [2, ["multiply"]],
    [3, ["multiply", "multiply"]],
    [4, ["multiply", "multiply"]],
    [0.5, ["sqrt"]],
    [1, []],
  ])("Pow of %d is what runs sooner: %j", (exponent, functions) => {
    const given = one("Pow", { x: floats([6]) }, {}, { y: scalarOf(exponent) });
    const instructions: Step[] = [];
    layoutOf(planFor(readGraph(modelOf(given)), given.fed, plainKernels), { instructions });
    const names = instructions.flatMap((step) => (step.kind === "chain" ? step.code.map(({ name }) => name) : []));
    expect(names).toEqual(functions);
  });

  it("Clip", () =>
    all([
      one("Clip", { x: floats([20]) }, {}, { least: scalarOf(-0.5), most: scalarOf(0.25) }),
      {
        fed: { x: floats([20]), most: scalarOf(0.1) },
        steps: [{ operator: "Clip", inputs: ["x", "", "most"], outputs: ["out"] }],
      },
      { ...one("Clip", { x: floats([20]) }, { min: { float: -0.1 }, max: { float: 0.3 } }), opset: 10 },
    ]));

  it("Cast", () =>
    all([
      ...[1, 6, 7, 9].map((to) => one("Cast", { x: wholes([9], -3, 3) }, { to })),
      ...[6, 7, 9].map((to) =>
        one("Cast", { x: { ...floats([9]), data: (floats([9]).data as Float32Array).map((x) => 5 * x) } }, { to }),
      ),
      ...[1, 7].map((to) => one("Cast", { x: truths([9]) }, { to })),
    ]));

  it("Where", () =>
    all([
      one("Where", { c: truths([3, 1]), a: floats([3, 5]), b: floats([5], 2) }),
      one("Where", { c: truths([4]), a: wholes([4], 0, 9), b: wholes([], 0, 9) }),
    ]));

  it("Dropout that drops nothing", () =>
    compares({
      ...{ fed: { x: floats([3, 4]) }, outputs: ["y", "mask"] },
      steps: [{ operator: "Dropout", inputs: ["x"], outputs: ["y", "mask"] }],
    }));

  it("of many", () =>
    all(
      ["Sum", "Max", "Min", "Mean"].map((operator) =>
        one(operator, { a: floats([3, 4]), b: floats([4], 2), c: floats([3, 1], 3) }),
      ),
    ));
});

describe("movement", () => {
  const x = () => floats([2, 3, 4]);

  it("Reshape", () =>
    all(
      [[4, 6], [-1], [0, -1], [0, 2, 6], [2, 3, 2, 2], [1, 2, 12, 1]].map((shape) =>
        one("Reshape", { x: x() }, {}, { shape: list(...shape) }),
      ),
    ));

  it("Reshape of what is turned", () =>
    all(
      [
        [2, 0, 1],
        [1, 0, 2],
        [0, 2, 1],
      ].flatMap((perm) =>
        [[-1], [4, 6], [2, 3, 4], [12, 2]].map((shape) => ({
          ...{ fed: { x: x() }, fixed: { shape: list(...shape) } },
          steps: [
            { operator: "Transpose", inputs: ["x"], outputs: ["t"], attributes: { perm } },
            { operator: "Reshape", inputs: ["t", "shape"], outputs: ["out"] },
          ],
        })),
      ),
    ));

  it("Transpose", () =>
    all(
      [
        [0, 2, 1],
        [2, 1, 0],
        [1, 2, 0],
      ]
        .map((perm) => one("Transpose", { x: x() }, { perm }))
        .concat(one("Transpose", { x: x() })),
    ));

  it("Squeeze, Unsqueeze and Flatten", () =>
    all([
      one("Squeeze", { x: floats([1, 3, 1, 2]) }),
      one("Squeeze", { x: floats([1, 3, 1, 2]) }, {}, { axes: list(-2) }),
      one("Unsqueeze", { x: x() }, {}, { axes: list(0, -1) }),
      one("Unsqueeze", { x: x() }, {}, { axes: list(4, 1) }),
      ...[0, 1, 2, 3, -1].map((axis) => one("Flatten", { x: x() }, { axis })),
    ]));

  it("Expand, Tile", () =>
    all([
      one("Expand", { x: floats([3, 1]) }, {}, { shape: list(2, 1, 4) }),
      one("Expand", { x: floats([]) }, {}, { shape: list(2, 0) }),
      one("Tile", { x: floats([2, 3]) }, {}, { times: list(3, 2) }),
    ]));

  it("Slice", () =>
    all(
      [
        [[1], [3], [2], [1]],
        [
          [0, 1],
          [2, 2 ** 52],
          [0, 1],
          [1, 1],
        ],
        [[-2], [-1], [-1], [1]],
        [[0], [4], [2], [2]],
        [[3], [-9], [2], [-1]],
        [
          [-1, 2],
          [-9, 0],
          [2, 1],
          [-2, -1],
        ],
        [[2], [1], [0], [1]],
      ].map(([starts, ends, axes, steps]) =>
        one(
          "Slice",
          { x: x() },
          {},
          {
            starts: list(...starts!),
            ends: list(...ends!),
            axes: list(...axes!),
            steps: list(...steps!),
          },
        ),
      ),
    ));

  it("Split and Concat", () =>
    all([
      {
        fed: { x: floats([3, 7]) },
        outputs: ["a", "b", "c"],
        steps: [
          { operator: "Split", inputs: ["x"], outputs: ["a", "b", "c"], attributes: { axis: 1, num_outputs: 3 } },
        ],
      },
      {
        fed: { x: x() },
        fixed: { sizes: list(1, 2) },
        outputs: ["a", "b"],
        steps: [{ operator: "Split", inputs: ["x", "sizes"], outputs: ["a", "b"], attributes: { axis: 1 } }],
      },
      ...[0, 1, -1].map((axis) =>
        one("Concat", { a: x(), b: floats([2, 3, 4], 2), c: floats([2, 3, 4], 3) }, { axis }),
      ),
      one("Concat", { a: floats([2, 0]), b: floats([2, 3]) }, { axis: 1 }),
    ]));

  it("Pad", () =>
    all([
      one("Pad", { x: floats([3, 4]) }, {}, { pads: list(1, 0, 2, 3) }),
      one("Pad", { x: floats([3, 4]) }, {}, { pads: list(1, -1, 0, 2), value: scalarOf(0.5) }),
      ...["reflect", "edge", "wrap"].map((mode) =>
        one("Pad", { x: floats([3, 4]) }, { mode: { text: mode } }, { pads: list(1, 2, 2, 3) }),
      ),
    ]));

  it("what is known of sizes", () =>
    all([
      one("Shape", { x: x() }),
      one("Shape", { x: x() }, { start: 1, end: -1 }),
      one("Size", { x: x() }),
      one("ConstantOfShape", {}, { value: { tensor: floats([1]) } }, { shape: list(2, 3) }),
      one("Range", {}, {}, { start: scalarOf(2), limit: scalarOf(7), delta: scalarOf(1.5) }),
      one("Range", {}, {}, { start: scalarOf(9, "int64"), limit: scalarOf(1, "int64"), delta: scalarOf(-3, "int64") }),
    ]));

  it("Trilu, DepthToSpace, SpaceToDepth", () =>
    all([
      one("Trilu", { x: floats([2, 4, 5]) }),
      one("Trilu", { x: floats([4, 5]) }, { upper: 0 }, { k: scalarOf(-1, "int64") }),
      one("DepthToSpace", { x: floats([2, 8, 2, 3]) }, { blocksize: 2 }),
      one("DepthToSpace", { x: floats([2, 8, 2, 3]) }, { blocksize: 2, mode: { text: "CRD" } }),
      one("SpaceToDepth", { x: floats([2, 2, 4, 6]) }, { blocksize: 2 }),
    ]));
});

it("leaves to ONNX Runtime what it does not know", () => {
  const double = { dtype: "float64", shape: [2], data: new Float64Array(2) } as const;
  const large = { dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 24n + 1n) } as const;
  expect(leaves(one("Relu", { x: double }))).toBe(true);
  expect(leaves(one("Add", { x: floats([2]) }, {}, { y: double }))).toBe(true);
  expect(leaves(one("Add", { x: wholes([1], 0, 3) }, {}, { large }))).toBe(true);
  const factors = { a: scalarOf(2 ** 13, "int64"), b: scalarOf(2 ** 12, "int64") };
  expect(leaves(one("Mul", {}, {}, factors))).toBe(true);
  expect(leaves(one("Cast", { x: floats([2]) }, { to: 11 }))).toBe(true);
  expect(leaves(one("NonZero", { x: floats([2]) }))).toBe(true);
  expect(leaves(one("Reshape", { x: floats([2]), shape: list(1, 2) }))).toBe(true);
});
