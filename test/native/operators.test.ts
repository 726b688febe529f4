// Every operator that is computed natively, beside ONNX Runtime.
import { beforeAll, describe, expect, it } from "vitest";
import type { Kernels } from "../../native/addon.ts";
import { testKernels } from "./kernels.ts";
import { above, type Case, compares, floats, leaves, list, one, scalarOf, truths, wholes } from "./operator-models.ts";

let kernels: Kernels;
beforeAll(async () => {
  kernels = await testKernels();
});

const all = async (cases: readonly Case[]): Promise<void> => {
  for (const each of cases) await compares(each, kernels);
};

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
      ...[2, 0.5, 1, 3, -1].map((exponent) => one("Pow", { x: above([4, 5]) }, {}, { y: scalarOf(exponent) })),
      one("Pow", { x: floats([6]) }, {}, { y: scalarOf(3) }),
    ]));

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

describe("products", () => {
  it("MatMul", () =>
    all(
      (
        [
          [
            [3, 4],
            [4, 5],
          ],
          [
            [2, 3, 4],
            [4, 5],
          ],
          [
            [2, 3, 4],
            [2, 4, 5],
          ],
          [
            [3, 4],
            [2, 4, 5],
          ],
          [
            [2, 1, 3, 4],
            [5, 4, 2],
          ],
          [[4], [4, 5]],
          [[3, 4], [4]],
          [[4], [4]],
          [[2, 3, 4], [4]],
          [
            [0, 4],
            [4, 5],
          ],
          [
            [3, 0],
            [0, 5],
          ],
        ] as const
      ).map(([a, b]) => one("MatMul", { a: floats(a), b: floats(b, 2) })),
    ));

  it("MatMul of what is turned", () =>
    all(
      [
        ["a t", "b"],
        ["a", "b t"],
        ["a t", "b t"],
      ].map(([left = "", right = ""]) => ({
        fed: {
          a: floats(left === "a t" ? [2, 4, 3] : [2, 3, 4]),
          b: floats(right === "b t" ? [2, 5, 4] : [2, 4, 5], 2),
        },
        steps: [
          { operator: "Transpose", inputs: ["a"], outputs: ["a t"], attributes: { perm: [0, 2, 1] } },
          { operator: "Transpose", inputs: ["b"], outputs: ["b t"], attributes: { perm: [0, 2, 1] } },
          { operator: "MatMul", inputs: [left, right], outputs: ["out"] },
        ],
      })),
    ));

  it("Gemm", () =>
    all(
      [0, 1]
        .flatMap((transA) =>
          [0, 1].flatMap((transB) =>
            [[5], [3, 1], [1, 5], [], [3, 5]].map((c) =>
              one(
                "Gemm",
                { a: floats(transA ? [4, 3] : [3, 4]), b: floats(transB ? [5, 4] : [4, 5], 2), c: floats(c, 3) },
                { transA, transB, alpha: { float: 0.5 }, beta: { float: -2 } },
              ),
            ),
          ),
        )
        .concat(one("Gemm", { a: floats([3, 4]), b: floats([4, 5]) })),
    ));

  it("Einsum", () =>
    all(
      ["bij,bjk->bik", "bij,bkj->kib", "ij,j->i", "ia,ib->ab", "bi,bi->b"].map((equation) => {
        const sizes: Record<string, number> = { a: 3, b: 2, i: 4, j: 5, k: 6 };
        const [x = "", y = ""] = equation.split("->")[0]!.split(",");
        const shape = (term: string) => [...term].map((letter) => sizes[letter]!);
        return one("Einsum", { x: floats(shape(x)), y: floats(shape(y), 2) }, { equation: { text: equation } });
      }),
    ));

  /** Columns of 3 × 3 windows with zeros around, as products look them up. */
  const columns = (turned: boolean): Case => {
    const [n, size, channels] = [2, 4, 5];
    const places = size * size;
    const table = Array.from({ length: places * 9 }, (_, i) => {
      const [place, tap] = [Math.floor(i / 9), i % 9];
      const [row, column] = [Math.floor(place / size) + Math.floor(tap / 3) - 1, (place % size) + (tap % 3) - 1];
      return row < 0 || column < 0 || row >= size || column >= size ? places : row * size + column;
    });
    const rows = n * places;
    return {
      fed: {
        x: floats([n, places, channels]),
        w: floats(turned ? [rows, 3] : [9 * channels, 3], 2),
        c: floats([3], 3),
      },
      fixed: {
        zeros: { ...floats([n, 1, channels]), data: new Float32Array(n * channels) },
        table: list(...table),
        shape: list(rows, 9 * channels),
      },
      outputs: ["out", "more"],
      steps: [
        { operator: "Concat", inputs: ["x", "zeros"], outputs: ["around"], attributes: { axis: 1 } },
        { operator: "Gather", inputs: ["around", "table"], outputs: ["gathered"], attributes: { axis: 1 } },
        { operator: "Reshape", inputs: ["gathered", "shape"], outputs: ["columns"] },
        ...(turned
          ? [
              { operator: "Transpose", inputs: ["columns"], outputs: ["t"] },
              { operator: "MatMul", inputs: ["t", "w"], outputs: ["out"] },
              {
                operator: "Gemm",
                inputs: ["columns", "w", "c"],
                outputs: ["more"],
                attributes: { transA: 1, alpha: { float: 0.5 } },
              },
            ]
          : [
              { operator: "MatMul", inputs: ["columns", "w"], outputs: ["out"] },
              { operator: "Gemm", inputs: ["columns", "w", "c"], outputs: ["more"] },
            ]),
      ],
    };
  };

  it("of columns that are looked up, and of those turned", () => all([columns(false), columns(true)]));

  it("of columns, a batch of factors for a batch of places", () => {
    const table = [3, 0, 2, 1, 1, 3];
    return all(
      [0, 1].map((axis) => ({
        fed: { x: floats(axis === 1 ? [2, 4, 5] : [4, 2, 5]), w: floats([2, 10, 3], 2) },
        fixed: { table: list(...table), shape: list(2, 3, 10) },
        steps: [
          { operator: "Gather", inputs: ["x", "table"], outputs: ["g"], attributes: { axis } },
          ...(axis === 1
            ? []
            : [{ operator: "Transpose", inputs: ["g"], outputs: ["t"], attributes: { perm: [1, 0, 2] } }]),
          { operator: "Reshape", inputs: [axis === 1 ? "g" : "t", "shape"], outputs: ["c"] },
          { operator: "MatMul", inputs: ["c", "w"], outputs: ["out"] },
        ],
      })),
    );
  });

  it("of columns that are read by others too", () => {
    const given = columns(false);
    return compares(
      {
        ...given,
        outputs: ["out", "sum", "columns"],
        steps: [...given.steps, { operator: "Relu", inputs: ["columns"], outputs: ["sum"] }],
      },
      kernels,
    );
  });
});

describe("convolutions", () => {
  const cases = [
    { x: [2, 1, 7, 6], w: [4, 1, 3, 3], pads: [1, 1, 1, 1], strides: [2, 2] },
    { x: [2, 3, 7, 6], w: [4, 3, 3, 2], pads: [1, 0, 2, 1] },
    { x: [2, 8, 5, 5], w: [6, 8, 3, 3], pads: [1, 1, 1, 1] },
    { x: [1, 8, 9, 9], w: [6, 4, 3, 3], group: 2, dilations: [2, 1], strides: [1, 2] },
    { x: [2, 6, 5, 5], w: [6, 1, 3, 3], group: 6, pads: [1, 1, 1, 1] },
    { x: [2, 5, 11], w: [3, 5, 4], strides: [3], pads: [2, 1] },
    { x: [1, 2, 4, 4, 4], w: [3, 2, 2, 2, 2] },
    { x: [2, 4, 5, 5], w: [3, 4, 1, 1] },
  ] as const;
  const attributesOf = ({ x: _, w: __, ...rest }: (typeof cases)[number]) => rest as Record<string, number | number[]>;

  it.each(cases)("Conv %j", (given) =>
    all([
      one("Conv", { x: floats(given.x), w: floats(given.w, 2) }, attributesOf(given)),
      one("Conv", { x: floats(given.x), w: floats(given.w, 2), b: floats([given.w[0]], 3) }, attributesOf(given)),
    ]),
  );

  it.each(["SAME_UPPER", "SAME_LOWER", "VALID"])("Conv %s", (auto_pad) =>
    compares(
      one(
        "Conv",
        { x: floats([1, 5, 6, 7]), w: floats([2, 5, 3, 2], 2) },
        { auto_pad: { text: auto_pad }, strides: [2, 2] },
      ),
      kernels,
    ),
  );

  it("Conv after Conv", () =>
    compares(
      {
        fed: { x: floats([2, 3, 6, 6]), w: floats([8, 3, 3, 3], 2), v: floats([4, 8, 3, 3], 3) },
        steps: [
          { operator: "Conv", inputs: ["x", "w"], outputs: ["a"], attributes: { pads: [1, 1, 1, 1] } },
          { operator: "Relu", inputs: ["a"], outputs: ["r"] },
          { operator: "MaxPool", inputs: ["r"], outputs: ["m"], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
          { operator: "Conv", inputs: ["m", "v"], outputs: ["out"] },
        ],
      },
      kernels,
    ));

  it.each([
    { x: [2, 3, 4, 5], w: [3, 4, 3, 3], strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    { x: [2, 8, 4, 5], w: [8, 2, 2, 3], group: 2, strides: [2, 1] },
    { x: [1, 2, 7], w: [2, 3, 4], dilations: [2], strides: [3], pads: [1, 2] },
  ] as const)("ConvTranspose %j", ({ x, w, ...rest }) =>
    compares(
      one("ConvTranspose", { x: floats(x), w: floats(w, 2) }, rest as unknown as Record<string, number[]>),
      kernels,
    ),
  );
});

describe("pools", () => {
  const windows = [
    { kernel_shape: [2, 2], strides: [2, 2] },
    { kernel_shape: [3, 2], strides: [1, 2], pads: [1, 0, 1, 1] },
    { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
    { kernel_shape: [5, 5], pads: [2, 2, 2, 2] },
    { kernel_shape: [2, 2], dilations: [2, 1] },
    { kernel_shape: [3, 3], strides: [2, 2], auto_pad: { text: "SAME_UPPER" } },
  ];

  it.each(windows)("MaxPool %j", (window) => compares(one("MaxPool", { x: floats([2, 3, 7, 8]) }, window), kernels));
  it.each(windows)("AveragePool %j", (window) =>
    all(
      [0, 1].map((count_include_pad) =>
        one("AveragePool", { x: floats([2, 3, 7, 8]) }, { ...window, count_include_pad }),
      ),
    ),
  );
  it("of all", () =>
    all(["GlobalMaxPool", "GlobalAveragePool"].map((operator) => one(operator, { x: floats([2, 3, 4, 5]) }))));
});

describe("reductions", () => {
  it.each([
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceSumSquare",
    "ReduceL1",
    "ReduceL2",
    "ReduceProd",
    "ReduceLogSumExp",
  ])("%s", (operator) =>
    all(
      [[0], [1], [-1], [0, 2], [1, 2], [0, 1, 2]]
        .flatMap((axes) =>
          [0, 1].map((keepdims) => one(operator, { x: floats([3, 4, 5]) }, { keepdims }, { axes: list(...axes) })),
        )
        .concat(one(operator, { x: floats([3, 4]) })),
    ),
  );

  it("ReduceLogSum", () => compares(one("ReduceLogSum", { x: above([3, 4]) }, {}, { axes: list(1) }), kernels));

  it("axes that are attributes, or none", () =>
    all([
      { ...one("ReduceSum", { x: floats([3, 4, 5]) }, { axes: [1], keepdims: 0 }), opset: 11 },
      { ...one("ReduceMax", { x: floats([3, 4, 5]) }, { axes: [-1] }), opset: 13 },
      one("ReduceSum", { x: floats([3, 4]) }, { noop_with_empty_axes: 1 }, { axes: list() }),
      one("ReduceSum", { x: floats([3, 0]) }, {}, { axes: list(1) }),
      one("ReduceSum", { x: wholes([3, 4], -9, 9) }, {}, { axes: list(0) }),
    ]));

  it.each(["ArgMax", "ArgMin"])("%s", (operator) =>
    all(
      [0, 1, -1].flatMap((axis) =>
        [0, 1].map((keepdims) => one(operator, { x: floats([3, 4, 5]) }, { axis, keepdims })),
      ),
    ),
  );

  it("CumSum", () =>
    all(
      [0, 1].flatMap((reverse) =>
        [0, 1].flatMap((exclusive) =>
          [0, 1, -1].map((axis) =>
            one("CumSum", { x: floats([3, 4, 5]) }, { reverse, exclusive }, { axis: scalarOf(axis, "int64") }),
          ),
        ),
      ),
    ));

  it("the largest whole number of an input as a size", () =>
    compares(
      {
        fed: { labels: wholes([7], 0, 4), one: scalarOf(1, "int64"), zero: scalarOf(0, "int64") },
        outputs: ["out"],
        fixed: { axes: list(0) },
        steps: [
          { operator: "ReduceMax", inputs: ["labels", "axes"], outputs: ["most"], attributes: { keepdims: 0 } },
          { operator: "Add", inputs: ["most", "one"], outputs: ["count"] },
          { operator: "Range", inputs: ["zero", "count", "one"], outputs: ["out"] },
        ],
      },
      kernels,
    ));
});

describe("rows", () => {
  it.each(["Softmax", "LogSoftmax"])("%s", (operator) =>
    all([
      ...[0, 1, 2, -1].map((axis) => one(operator, { x: floats([3, 4, 5]) }, { axis })),
      ...[0, 1, 2].map((axis) => ({ ...one(operator, { x: floats([3, 4, 5]) }, { axis }), opset: 11 })),
      one(operator, { x: floats([4, 1]) }),
    ]),
  );

  it("LayerNormalization", () =>
    all([
      one("LayerNormalization", { x: floats([3, 4, 5]), g: floats([5], 2), b: floats([5], 3) }),
      one("LayerNormalization", { x: floats([3, 4, 5]), g: floats([4, 5], 2) }, { axis: 1, epsilon: { float: 0.1 } }),
      {
        fed: { x: floats([3, 4, 5]) },
        fixed: { g: { ...floats([5]), data: new Float32Array(5).fill(1) } },
        outputs: ["out", "mean", "inverse"],
        steps: [
          {
            operator: "LayerNormalization",
            inputs: ["x", "g"],
            outputs: ["out", "mean", "inverse"],
            attributes: { axis: -1 },
          },
        ],
      },
    ]));

  it("BatchNormalization", () =>
    all([
      one("BatchNormalization", {
        x: floats([2, 3, 4, 5]),
        g: floats([3], 2),
        b: floats([3], 3),
        m: floats([3], 4),
        v: above([3], 5),
      }),
      one(
        "BatchNormalization",
        { x: floats([2, 3, 4]), g: floats([3], 2), b: floats([3], 3) },
        { epsilon: { float: 0 } },
        { m: { ...floats([3]), data: new Float32Array(3) }, v: { ...floats([3]), data: new Float32Array(3).fill(1) } },
      ),
      one("BatchNormalization", {
        x: floats([6, 3]),
        g: floats([3], 2),
        b: floats([3], 3),
        m: floats([3], 4),
        v: above([3], 5),
      }),
    ]));

  it("other norms", () =>
    all([
      one("InstanceNormalization", { x: floats([2, 3, 4, 5]), g: floats([3], 2), b: floats([3], 3) }),
      {
        ...one("GroupNormalization", { x: floats([2, 6, 4]), g: floats([6], 2), b: floats([6], 3) }, { num_groups: 3 }),
        opset: 21,
      },
      one("LpNormalization", { x: floats([3, 4]) }, { axis: 0, p: 1 }),
      one("LpNormalization", { x: floats([3, 4]) }, { axis: -1 }),
    ]));
});

describe("places", () => {
  it("Gather by known places", () =>
    all(
      [[0], [2, 0, 2], [0, 1, 2], [-1, 0], [0, 2], [1, 1], [2, 1, 0], []].flatMap((places) =>
        [0, 1, -1].map((axis) => one("Gather", { x: floats([3, 4, 5]) }, { axis }, { places: list(...places) })),
      ),
    ));

  it("Gather by one place and by a matrix of places", () =>
    all([
      one("Gather", { x: floats([3, 4]) }, { axis: 1 }, { place: scalarOf(-1, "int64") }),
      one("Gather", { x: floats([3, 4]) }, { axis: 1 }, { places: { ...list(0, 3, 3, 1, 2, 0), shape: [2, 3] } }),
      one("Gather", { x: floats([3, 6, 2]) }, { axis: 1 }, { places: { ...list(0, 1, 3, 4), shape: [2, 2] } }),
    ]));

  it("Gather by places that are fed", () =>
    all(
      [0, 1, -1].flatMap((axis) =>
        [[4], [2, 3]].map((shape) => one("Gather", { x: floats([3, 4, 5]), places: wholes(shape, -3, 2) }, { axis })),
      ),
    ));

  it("Gather of what is turned", () =>
    all(
      [
        [2, 0, 1],
        [0, 1, 2, 0],
        [0, 2],
      ].flatMap((places) =>
        [0, 1, 2].map((axis) => ({
          ...{ fed: { x: floats([3, 4, 5]) }, fixed: { places: list(...places) } },
          steps: [
            { operator: "Transpose", inputs: ["x"], outputs: ["t"], attributes: { perm: [1, 2, 0] } },
            { operator: "Gather", inputs: ["t", "places"], outputs: ["out"], attributes: { axis } },
          ],
        })),
      ),
    ));

  it("GatherElements and GatherND", () =>
    all([
      one("GatherElements", { x: floats([3, 4]), places: wholes([2, 4], -3, 2) }, { axis: 0 }),
      one("GatherElements", { x: floats([3, 4]), places: wholes([3, 2], 0, 3) }, { axis: 1 }),
      one("GatherElements", { x: floats([3, 4]) }, { axis: 1 }, { places: { ...list(0, 3, -1), shape: [3, 1] } }),
      one("GatherND", { x: floats([3, 4, 5]), places: wholes([6, 2], -3, 2) }),
      one("GatherND", { x: floats([3, 4, 5]) }, {}, { places: { ...list(0, 1, 2, -1), shape: [2, 2] } }),
      one("GatherND", { x: floats([3, 4, 5]), places: wholes([3, 1], 0, 3) }, { batch_dims: 1 }),
    ]));

  it("ScatterND and ScatterElements", () =>
    all([
      one(
        "ScatterND",
        { x: floats([5, 3]) },
        {},
        { places: { ...list(4, 1), shape: [2, 1] }, updates: floats([2, 3], 2) },
      ),
      one(
        "ScatterND",
        { x: floats([5, 3]) },
        { reduction: { text: "add" } },
        { places: { ...list(4, 1), shape: [2, 1] }, updates: floats([2, 3], 2) },
      ),
      one(
        "ScatterElements",
        { x: floats([3, 4]) },
        { axis: 1 },
        { places: { ...list(0, 3, 1, 2, 3, 0), shape: [3, 2] }, updates: floats([3, 2], 2) },
      ),
    ]));

  it("OneHot", () =>
    all(
      [-1, 0, 1].map((axis) =>
        one(
          "OneHot",
          { places: wholes([2, 3], -4, 3) },
          { axis },
          { depth: scalarOf(4, "int64"), values: floats([2]) },
        ),
      ),
    ));

  it("TopK of one", () =>
    all(
      [0, 1].map((largest) => ({
        ...{ fed: { x: floats([3, 7]) }, fixed: { k: list(1) }, outputs: ["values", "places"] },
        steps: [{ operator: "TopK", inputs: ["x", "k"], outputs: ["values", "places"], attributes: { largest } }],
      })),
    ));
});

it("leaves to ONNX Runtime what it does not know", () => {
  const double = { dtype: "float64", shape: [2], data: new Float64Array(2) } as const;
  const large = { dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 24n + 1n) } as const;
  expect(leaves(one("Relu", { x: double }))).toBe(true);
  expect(leaves(one("Add", { x: floats([2]) }, {}, { y: double }))).toBe(true);
  expect(leaves(one("Add", { x: wholes([1], 0, 3) }, {}, { large }))).toBe(true);
  expect(leaves(one("Cast", { x: floats([2]) }, { to: 11 }))).toBe(true);
  expect(leaves(one("NonZero", { x: floats([2]) }))).toBe(true);
  expect(leaves(one("Reshape", { x: floats([2]), shape: list(1, 2) }))).toBe(true);
});
