// Products, convolutions and pools, beside ONNX Runtime.
import { layoutOf, Program, planFor, readGraph } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { all, type Case, compares, floats, list, modelOf, one } from "./operator-models.ts";
import { plainKernels } from "./words.ts";

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
    return compares({
      ...given,
      outputs: ["out", "sum", "columns"],
      steps: [...given.steps, { operator: "Relu", inputs: ["columns"], outputs: ["sum"] }],
    });
  });
});

describe("convolutions", () => {
  const cases = [
    { x: [2, 1, 7, 6], w: [4, 1, 3, 3], pads: [1, 1, 1, 1], strides: [2, 2] },
    { x: [2, 3, 7, 6], w: [4, 3, 3, 2], pads: [1, 0, 2, 1] },
    { x: [2, 8, 5, 5], w: [6, 8, 3, 3], pads: [1, 1, 1, 1] },
    { x: [1, 8, 9, 9], w: [6, 4, 3, 3], group: 2, dilations: [2, 1], strides: [1, 2] },
    { x: [2, 6, 5, 5], w: [6, 1, 3, 3], group: 6, pads: [1, 1, 1, 1] },
    { x: [2, 19, 6, 7], w: [19, 1, 3, 3], group: 19, pads: [1, 1, 1, 1], strides: [2, 2] },
    { x: [1, 16, 7, 8], w: [16, 1, 5, 2], group: 16, pads: [2, 0, 1, 1], dilations: [1, 3] },
    { x: [2, 33, 9], w: [33, 1, 4], group: 33, pads: [3, 1], strides: [2] },
    { x: [1, 8, 6, 6], w: [192, 8, 3, 3], pads: [1, 1, 1, 1] },
    { x: [2, 3, 6, 8], w: [2, 3, 3, 3], pads: [1, 1, 1, 1], dilations: [2, 1] },
    { x: [2, 5, 12], w: [1, 5, 5], pads: [2, 2] },
    { x: [2, 5, 11], w: [3, 5, 4], strides: [3], pads: [2, 1] },
    { x: [2, 3, 11, 10], w: [70, 3, 7, 7], strides: [2, 2], pads: [3, 3, 3, 3] },
    { x: [1, 2, 9, 9], w: [20, 2, 3, 3], strides: [3, 1], dilations: [2, 1], pads: [1, 0, 2, 3] },
    { x: [2, 3, 12, 11], w: [19, 3, 4, 4], strides: [4, 4] },
    { x: [2, 3, 13], w: [18, 3, 4], strides: [3], pads: [1, 0] },
    { x: [1, 3, 4, 5, 6], w: [17, 3, 2, 3, 2], strides: [1, 2, 2], pads: [1, 0, 0, 0, 1, 1] },
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
    ),
  );

  it("Conv after Conv", () =>
    compares({
      fed: { x: floats([2, 3, 6, 6]), w: floats([8, 3, 3, 3], 2), v: floats([4, 8, 3, 3], 3) },
      steps: [
        { operator: "Conv", inputs: ["x", "w"], outputs: ["a"], attributes: { pads: [1, 1, 1, 1] } },
        { operator: "Relu", inputs: ["a"], outputs: ["r"] },
        { operator: "MaxPool", inputs: ["r"], outputs: ["m"], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
        { operator: "Conv", inputs: ["m", "v"], outputs: ["out"] },
      ],
    }));

  it.each([
    { x: [2, 3, 4, 5], w: [3, 4, 3, 3], strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    { x: [2, 8, 4, 5], w: [8, 2, 2, 3], group: 2, strides: [2, 1] },
    { x: [1, 2, 7], w: [2, 3, 4], dilations: [2], strides: [3], pads: [1, 2] },
    { x: [2, 6, 4, 5], w: [6, 70, 3, 3], strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] },
    { x: [1, 5, 4, 3], w: [5, 2, 1, 1], strides: [2, 3], output_padding: [1, 1] },
    { x: [1, 5, 4, 3], w: [5, 33, 1, 1], strides: [2, 2], output_padding: [1, 1] },
    { x: [2, 19, 4, 5], w: [19, 1, 3, 3], group: 19, strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    { x: [2, 6, 5], w: [6, 1, 2], group: 6, strides: [3] },
    { x: [2, 6, 5, 8], w: [6, 3, 5, 5], pads: [2, 2, 2, 2] },
    { x: [2, 7, 3, 4], w: [7, 3, 6, 5], strides: [6, 5] },
    { x: [2, 7, 3, 4], w: [7, 3, 6, 6], strides: [6, 6], pads: [1, 2, 3, 4] },
    { x: [2, 7, 3, 4], w: [7, 9, 4, 5], strides: [4, 4], pads: [1, 1, 1, 0], output_padding: [0, 2] },
    { x: [1, 4, 6, 5], w: [4, 5, 7, 7], strides: [4, 4], pads: [3, 3, 3, 3], output_padding: [3, 3] },
    { x: [1, 4, 6, 5], w: [4, 11, 3, 3], strides: [4, 3], dilations: [2, 2], output_padding: [1, 2] },
    { x: [1, 4, 3, 5], w: [4, 5, 2, 3], strides: [5, 4], output_padding: [3, 1] },
    { x: [2, 5, 6], w: [5, 30, 3], strides: [3], pads: [1, 1] },
    { x: [1, 17, 1, 1], w: [17, 1, 1, 2], strides: [3, 2], dilations: [2, 2], pads: [0, 1, 0, 1] },
  ] as const)("ConvTranspose %j", ({ x, w, ...rest }) =>
    compares(one("ConvTranspose", { x: floats(x), w: floats(w, 2) }, rest as unknown as Record<string, number[]>)),
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

  it.each(windows)("MaxPool %j", (window) => compares(one("MaxPool", { x: floats([2, 3, 7, 8]) }, window)));
  it.each(windows)("AveragePool %j", (window) =>
    all(
      [0, 1].map((count_include_pad) =>
        one("AveragePool", { x: floats([2, 3, 7, 8]) }, { ...window, count_include_pad }),
      ),
    ),
  );
  it.each([
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    { kernel_shape: [2, 3], strides: [2, 1], ceil_mode: 1 },
    { kernel_shape: [3, 2], dilations: [2, 1], pads: [1, 1, 1, 0] },
  ])("MaxPool that says where, and what is brought back there, %j", (window) =>
    all(
      [5, 21].map((channels) => {
        const x = floats([2, channels, 7, 8]);
        return {
          fed: { x, w: floats([channels, channels, 1, 1], 2) },
          fixed: {
            flat: list(-1),
            all: list(...x.shape),
            count: list(x.data.length),
            zero: { dtype: "float32", shape: [1], data: Float32Array.of(0) },
          },
          outputs: ["where", "out", "zeros"],
          steps: [
            { operator: "Conv", inputs: ["x", "w"], outputs: ["c"] },
            { operator: "MaxPool", inputs: ["c"], outputs: ["most", "where"], attributes: window },
            { operator: "Mul", inputs: ["most", "most"], outputs: ["square"] },
            { operator: "Expand", inputs: ["zero", "count"], outputs: ["zeros"] },
            { operator: "Reshape", inputs: ["where", "flat"], outputs: ["places"] },
            { operator: "Reshape", inputs: ["square", "flat"], outputs: ["updates"] },
            {
              operator: "ScatterElements",
              inputs: ["zeros", "places", "updates"],
              outputs: ["scattered"],
              attributes: { axis: 0, reduction: { text: "add" } },
            },
            { operator: "Reshape", inputs: ["scattered", "all"], outputs: ["out"] },
          ],
        };
      }),
    ),
  );

  it.each([
    { kernel_shape: [2, 2, 3], strides: [2, 1, 2] },
    { kernel_shape: [3, 3, 2], strides: [2, 2, 2], pads: [1, 1, 0, 1, 1, 1] },
  ])("MaxPool over three axes, or of few channels, that says where, %j", (window) =>
    all(
      [
        { x: floats([2, 3, 5, 6, 4]), window },
        { x: floats([2, 2, 5, 6]), window: { kernel_shape: window.kernel_shape.slice(1), strides: [2, 2] } },
      ].map(({ x, window: attributes }) => ({
        ...{ fed: { x }, outputs: ["most", "where"] },
        steps: [{ operator: "MaxPool", inputs: ["x"], outputs: ["most", "where"], attributes }],
      })),
    ),
  );

  it.each([
    { kernel_shape: [40, 50], ceil_mode: 1, strides: [40, 50] },
    { kernel_shape: [9, 7], pads: [8, 6, 8, 6], strides: [12, 9] },
    { kernel_shape: [3, 2], pads: [2, 1, 2, 1], dilations: [4, 5], strides: [3, 1] },
  ])("of which some taps are beyond the array for every window, %j", (window) =>
    all(
      ["MaxPool", "AveragePool"].flatMap((operator) =>
        [2, 5].map((channels) => one(operator, { x: floats([2, channels, 5, 6]) }, window)),
      ),
    ),
  );

  it("of a window far larger than an array need no more memory than the array", () => {
    const given = one(
      "AveragePool",
      { x: floats([1, 4, 2, 2]) },
      {
        ...{ kernel_shape: [4000, 4000], strides: [4000, 4000], ceil_mode: 1 },
      },
    );
    const plan = planFor(readGraph(modelOf(given)), given.fed, plainKernels);
    expect(new Program(layoutOf(plan), plainKernels).bytes).toBeLessThan(2 ** 16);
  });

  it("of all", () =>
    all(["GlobalMaxPool", "GlobalAveragePool"].map((operator) => one(operator, { x: floats([2, 3, 4, 5]) }))));
});
