// Operators that look numbers up by their places, and reductions, beside ONNX Runtime.
import { NativeModel } from "@innerloop/native";
import { describe, expect, it } from "vitest";
import { above, all, compares, floats, list, modelOf, one, scalarOf, wholes } from "./operator-models.ts";
import { plainKernels } from "./words.ts";

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

  it("Gather of what is joined, in another order", () =>
    all(
      [
        [0, 4, 1, 5, 2, 6, 3, 7, 8],
        [0, 4, 8, 1, 5, 2, 6, 3, 7],
        [8, 7, 6, 5, 4, 3, 2, 1, 0],
        [0, 1, 1, 5, 2, 6, 3, 7, 8],
      ].map((places) => ({
        ...{
          fed: { a: floats([2, 4, 3]), b: floats([2, 4, 3], 2), c: floats([2, 1, 3], 3) },
          fixed: { places: list(...places) },
        },
        steps: [
          { operator: "Concat", inputs: ["a", "b", "c"], outputs: ["joined"], attributes: { axis: 1 } },
          { operator: "Gather", inputs: ["joined", "places"], outputs: ["g"], attributes: { axis: 1 } },
          { operator: "Relu", inputs: ["g"], outputs: ["out"] },
        ],
      })),
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

  const joining = ["none", "add", "max", "min"].map((text) => ({ reduction: { text } }));
  it.each(joining)(
    "ScatterND and ScatterElements of places that are computed, some of them more than once, %j",
    (how) =>
      all([
        one("ScatterND", { x: floats([5, 3]), places: wholes([7, 1], -5, 4), updates: floats([7, 3], 2) }, how),
        one("ScatterND", { x: floats([3, 4, 2]), places: wholes([9, 2], -3, 2), updates: floats([9, 2], 2) }, how),
        one("ScatterND", { x: floats([3, 4]), places: wholes([2, 9, 2], 0, 2), updates: floats([2, 9], 2) }, how),
        one("ScatterND", { x: floats([5, 3]) }, how, {
          ...{ places: { ...list(4, 1, 4), shape: [3, 1] }, updates: floats([3, 3], 2) },
        }),
        one("ScatterElements", { x: floats([3, 4]), places: wholes([5, 4], -3, 2), updates: floats([5, 4], 2) }, how),
        one(
          "ScatterElements",
          { x: floats([3, 4, 2]), places: wholes([3, 6, 2], 0, 3), updates: floats([3, 6, 2], 2) },
          { ...how, axis: 1 },
        ),
      ]),
  );

  it("ScatterND of what is turned, into zeros", () =>
    all([
      {
        fed: { places: wholes([6, 1], 0, 4), updates: floats([3, 6], 2) },
        fixed: { zero: { dtype: "float32", shape: [1], data: Float32Array.of(0) }, size: list(5, 3) },
        steps: [
          { operator: "Expand", inputs: ["zero", "size"], outputs: ["zeros"] },
          { operator: "Transpose", inputs: ["updates"], outputs: ["turned"] },
          {
            operator: "ScatterND",
            inputs: ["zeros", "places", "turned"],
            outputs: ["out"],
            attributes: { reduction: { text: "add" } },
          },
        ],
      },
    ]));

  it("a place beyond the end ends a run", () => {
    const given = one(
      "ScatterND",
      { x: floats([5, 3]), places: { ...list(2, 5), shape: [2, 1] }, updates: floats([2, 3]) },
      { reduction: { text: "add" } },
    );
    expect(() => new NativeModel(modelOf(given), plainKernels).run(given.fed)).toThrow(/axis/);
  });

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

  const { POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number;
  const alike = [2, 1, 2, 0, 2, 1, least, most, least, 3, least, most, least, least, 2, least];
  it("TopK of several, of alike numbers the first ones", () =>
    all(
      [0, 1].flatMap((largest) =>
        [2, 3, 4].flatMap((k) =>
          [0, 1].map((axis) => ({
            fed: { x: { dtype: "float32" as const, shape: [4, 4], data: Float32Array.from(alike) } },
            ...{ fixed: { k: list(k) }, outputs: ["values", "places"] },
            steps: [
              { operator: "TopK", inputs: ["x", "k"], outputs: ["values", "places"], attributes: { largest, axis } },
            ],
          })),
        ),
      ),
    ));
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

  it("ReduceLogSum", () => compares(one("ReduceLogSum", { x: above([3, 4]) }, {}, { axes: list(1) })));

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
    compares({
      fed: { labels: wholes([7], 0, 4), one: scalarOf(1, "int64"), zero: scalarOf(0, "int64") },
      outputs: ["out"],
      fixed: { axes: list(0) },
      steps: [
        { operator: "ReduceMax", inputs: ["labels", "axes"], outputs: ["most"], attributes: { keepdims: 0 } },
        { operator: "Add", inputs: ["most", "one"], outputs: ["count"] },
        { operator: "Range", inputs: ["zero", "count", "one"], outputs: ["out"] },
      ],
    }));
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
      one("MeanVarianceNormalization", { x: floats([3, 4, 2, 5]) }),
      one("MeanVarianceNormalization", { x: floats([3, 4, 5]) }, { axes: [1, -1] }),
      one("LpNormalization", { x: floats([3, 4]) }, { axis: 0, p: 1 }),
      one("LpNormalization", { x: floats([3, 4]) }, { axis: -1 }),
    ]));
});
