// Transforms of whole models: their numbers by formulas, the names that they give, one after another, and what they refuse.
import {
  evaluate,
  input,
  type Model,
  op,
  readOnnx,
  type ShapedNumbers,
  transform,
  writeModel,
  writeOnnx,
} from "@innerloop/graph";
import { encodeModel } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";

const tensor = (shape: number[], data: number[]) => ({
  dtype: "float64" as const,
  shape,
  data: Float64Array.from(data),
});

/** y = w ⊙ x³ row by row, its sum over a row, and the loss: the sum of all; the class is where a row is largest. */
const cubes = (): Model => {
  const x = input("x", ["batch", 3], "float64");
  const w = input("w", [3], "float64");
  const y = op.Mul(w, op.Mul(x, op.Mul(x, x)));
  const rows = op.ReduceSum(y, { axes: [1], keepdims: false });
  const loss = op.ReduceSum(rows, { keepdims: false });
  const bytes = writeOnnx(
    { y, rows, loss, best: op.ArgMax(x, 1) },
    { initializers: { w: tensor([3], [1, 2, 3]) }, inputs: [x] },
  );
  return readOnnx(bytes, "cubes.onnx");
};
/** a = x · x, b = x · x, c = a · b, as a file has it. */
const product = (): Uint8Array => {
  const type = { tensorType: { elemType: 11, shape: { dim: [] } } };
  const node = (output: string, ...inputs: string[]) => ({ opType: "Mul", input: inputs, output: [output] });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 18 }],
    graph: {
      name: "product",
      node: [node("a", "x", "x"), node("b", "x", "x"), node("c", "a", "b")],
      input: [{ name: "x", type }],
      output: [{ name: "c", type }],
    },
  });
};

const [weights, xs] = [
  [1, 2, 3],
  [0.5, -1, 2, 1, 3, -0.25],
];
const at = (values: Record<string, ShapedNumbers> = {}) => ({
  x: { shape: [2, 3], data: xs },
  w: { shape: [3], data: weights },
  ...values,
});

/** The numbers that a model gives, after it was written and read again. */
function run(model: Model, feeds: Readonly<Record<string, ShapedNumbers>>): Record<string, number[]> {
  const again = readOnnx(writeModel(model), "again.onnx");
  expect(Object.keys(again.outputs)).toEqual(Object.keys(model.outputs));
  // The inputs are asked for as well: what their sizes are may be needed where their numbers are not.
  const numbers = evaluate([...Object.values(again.outputs), ...Object.values(again.inputs)], feeds);
  return Object.fromEntries(Object.keys(again.outputs).map((name, i) => [name, [...numbers[i]!.data]]));
}
const by = (f: (x: number, w: number) => number) => xs.map((x, i) => f(x, weights[i % 3]!));

describe("derivatives", () => {
  test("grad: of the only scalar that was named, by an input and a weight", () => {
    const made = run(transform.grad(cubes(), { of: "loss", wrt: ["x", "w"] }), at());
    expect(Object.keys(made)).toEqual(["grad/x", "grad/w"]);
    expect(made["grad/x"]).toEqual(by((x, w) => 3 * w * x * x));
    expect(made["grad/w"]).toEqual([0, 1, 2].map((i) => xs[i]! ** 3 + xs[i + 3]! ** 3));
  });

  test("value-and-grad, of a sum or a mean, with other outputs besides", () => {
    const made = run(transform.valueAndGrad(cubes(), { of: "rows", wrt: ["x"], reduce: "mean", also: ["y"] }), at());
    const y = by((x, w) => w * x ** 3);
    expect(made.y).toEqual(y);
    expect(made.rows![0]).toBeCloseTo(y.reduce((a, b) => a + b) / 2, 12);
    expect(made["grad/x"]).toEqual(by((x, w) => 1.5 * w * x * x));
  });

  test("one after another: the names count, and the numbers are those of higher orders", () => {
    const once = transform.grad(cubes(), { of: "loss", wrt: ["x"] });
    const twice = transform.valueAndGrad(once, { of: "grad/x", wrt: ["x"], reduce: "sum" });
    const thrice = transform.grad(twice, { of: "grad2/x", wrt: ["x"], reduce: "sum" });
    expect(Object.keys(twice.outputs)).toEqual(["grad/x", "grad2/x"]);
    expect(run(twice, at())["grad2/x"]).toEqual(by((x, w) => 6 * w * x));
    expect(run(thrice, at())["grad3/x"]).toEqual(by((_, w) => 6 * w));
  });

  test("vjp and jvp take vectors, and give the output as well", () => {
    const cotangent = { shape: [2], data: [2, -1] };
    const back = run(transform.vjp(cubes(), { of: "rows", wrt: ["x"] }), at({ "cotangent/rows": cotangent }));
    expect(back["vjp/x"]).toEqual(by((x, w) => 3 * w * x * x).map((g, i) => g * (i < 3 ? 2 : -1)));
    const tangent = { shape: [2, 3], data: [1, 0, 2, 0, 1, -1] };
    const on = run(transform.jvp(cubes(), { of: "rows", wrt: ["x"] }), at({ "tangent/x": tangent }));
    const steps = by((x, w) => 3 * w * x * x).map((g, i) => g * tangent.data[i]!);
    expect(on["jvp/rows"]).toEqual([steps.slice(0, 3), steps.slice(3)].map((row) => row.reduce((a, b) => a + b)));
    expect(on.rows).toEqual(back.rows);
  });

  test.each(["forward", "reverse", undefined] as const)("jacobian, %s, of an open size", (mode) => {
    const matrix = transform.jacobian(cubes(), { of: "rows", wrt: ["x", "w"], ...(mode ? { mode } : {}) });
    expect(matrix.outputs["jacobian/x"]!.shape).toEqual(["batch", "batch", 3]);
    const made = run(matrix, at());
    const g = by((x, w) => 3 * w * x * x);
    expect(made["jacobian/x"]).toEqual([...g.slice(0, 3), 0, 0, 0, 0, 0, 0, ...g.slice(3)]);
    expect(made["jacobian/w"]).toEqual(xs.map((x) => x ** 3));
  });

  test("hvp: the Hessian of the loss by x and w, times vectors", () => {
    const made = run(
      transform.hvp(cubes(), { of: "loss", wrt: ["x", "w"] }),
      at({ "vector/x": { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }, "vector/w": { shape: [3], data: [1, -1, 2] } }),
    );
    expect(made["hvp/x"]).toEqual(
      by((x, w) => 6 * w * x).map((h, i) => h * (i + 1) + 3 * xs[i]! ** 2 * [1, -1, 2][i % 3]!),
    );
    expect(made["hvp/w"]).toEqual([0, 1, 2].map((i) => 3 * xs[i]! ** 2 * (i + 1) + 3 * xs[i + 3]! ** 2 * (i + 4)));
  });

  test("by what a node makes: derivatives by inputs still go through it", () => {
    const made = run(transform.grad(cubes(), { of: "loss", wrt: ["y", "x", "rows"] }), at());
    expect(made["grad/y"]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(made["grad/rows"]).toEqual([1, 1]);
    expect(made["grad/x"]).toEqual(by((x, w) => 3 * w * x * x));
  });

  test("equal things that nodes make are told apart", () => {
    const model = readOnnx(product(), "product.onnx");
    const twin = transform.grad(model, { of: "c", wrt: ["a", "b", "x"] });
    expect(run(twin, { x: { shape: [], data: [3] } })).toEqual({ "grad/a": [9], "grad/b": [9], "grad/x": [4 * 27] });
  });

  test("zeros where they are asked for", () => {
    const made = run(
      transform.grad(transform.grad(cubes(), { of: "loss", wrt: ["w"] }), {
        of: "grad/w",
        wrt: ["w"],
        reduce: "sum",
        zeros: true,
      }),
      at(),
    );
    expect(made["grad2/w"]).toEqual([0, 0, 0]);
  });
});

describe("sizes", () => {
  test("vmap of a gradient: an axis in front of every output, wherever it is in the inputs", () => {
    const many = transform.vmap(transform.grad(cubes(), { of: "loss", wrt: ["x"] }), { axes: { x: -1 } });
    expect(many.inputs.x!.shape).toEqual(["batch", 3, "mapped"]);
    expect(many.outputs["grad/x"]!.shape).toEqual(["mapped", "batch", 3]);
    const data = xs.flatMap((x) => [x, 10 * x]);
    const made = run(many, at({ x: { shape: [2, 3, 2], data } }));
    expect(made["grad/x"]).toEqual([...by((x, w) => 3 * w * x * x), ...by((x, w) => 300 * w * x * x)]);
  });

  test("vmap of many weights over one input: they are inputs then", () => {
    const many = transform.vmap(cubes(), { axes: { w: 0 }, size: 2 });
    expect([many.inputs.w!.shape, Object.keys(many.initializers)]).toEqual([[2, 3], []]);
    const made = run(many, at({ w: { shape: [2, 3], data: [1, 2, 3, 0, 0, 1] } }));
    expect(made.loss).toHaveLength(2);
    expect(made.loss![1]).toBeCloseTo(8 - 0.25 ** 3, 12);
    expect(made.best).toEqual([2, 1, 2, 1]);
  });

  test("specialize: a number, another name; what comes after goes by it", () => {
    const fixed = transform.specialize(cubes(), { batch: 2 });
    expect(fixed.outputs.y!.shape).toEqual([2, 3]);
    expect(run(fixed, at()).loss).toEqual(run(cubes(), at()).loss);
    expect(transform.specialize(cubes(), { batch: "n" }).outputs.rows!.shape).toEqual(["n"]);
    const grad = transform.specialize(transform.vjp(cubes(), { of: "rows", wrt: ["x"] }), { batch: 5 });
    expect(grad.inputs["cotangent/rows"]!.shape).toEqual([5]);
  });

  test("a weight is an initializer and no input, unless it may be given", () => {
    const model = transform.grad(cubes(), { of: "loss", wrt: ["x"] });
    const size = (bytes: Uint8Array) => bytes.length;
    expect(size(writeModel(model, { overridable: ["w"] }))).toBeGreaterThan(size(writeModel(model)));
    expect(Object.keys(readOnnx(writeModel(model), "m").initializers)).toEqual(["w"]);
  });
});

describe("what is refused says what there is", () => {
  const model = cubes();
  test.each<[string, () => unknown, RegExp]>([
    [
      "unknown-name",
      () => transform.grad(model, { of: "lost", wrt: ["x"] }),
      /no output "lost" \(did you mean loss\?\); there is y, float64\[batch, 3\]/,
    ],
    [
      "unknown-name",
      () => transform.grad(model, { of: "loss", wrt: ["v"] }),
      /no input "v" .*; there is x, .*; w, float64\[3\]/,
    ],
    ["unknown-name", () => transform.grad(model, { of: "loss", wrt: ["x"], also: ["z"] }), /no output "z"/],
    [
      "missing-name",
      () => transform.grad(model, { wrt: ["x"] }),
      /needs the name .* the model gives y, .*; loss, float64\[\]/,
    ],
    ["missing-name", () => transform.grad(model, { of: "loss", wrt: [] }), /there is x, float64/],
    ["bad-argument", () => transform.grad(model, { of: "loss", wrt: ["x", "x"] }), /"x" twice/],
    ["bad-argument", () => transform.jvp(model, { of: "loss", wrt: ["x", "y"] }), /"y" is made on the way/],
    [
      "not-a-scalar",
      () => transform.grad(model, { of: "rows", wrt: ["x"] }),
      /"rows": it is float64\[batch\].* sum or its mean .* vjp, jvp, jacobian/,
    ],
    [
      "not-a-float",
      () => transform.grad(model, { of: "best", wrt: ["x"] }),
      /"best": it is int64.*, which has no derivatives; floats are y/,
    ],
    [
      "no-derivative",
      () =>
        transform.grad(transform.grad(model, { of: "loss", wrt: ["w"] }), { of: "grad/w", wrt: ["w"], reduce: "sum" }),
      /"grad\/w" has no derivative by "w": it does not depend on it/,
    ],
    ["missing-name", () => transform.vmap(model, { axes: {} }), /as x: 0/],
    ["unknown-name", () => transform.vmap(model, { axes: { z: 0 } }), /no input "z"/],
    ["bad-axis", () => transform.vmap(model, { axes: { x: 3 } }), /axis 3/],
    ["bad-dim", () => transform.vmap(model, { axes: { x: 0 }, size: "2n" }), /"2n" is no size/],
    ["unknown-size", () => transform.specialize(model, { time: 2 }), /no open size "time"; there is batch/],
    ["bad-dim", () => transform.specialize(model, { batch: -1 }), /-1 is no size/],
  ])("%s", (code, call, message) => {
    const error = refusalOf(call);
    expect([error.code, error.exitStatus]).toEqual([code, 2]);
    expect(error.message).toMatch(message);
  });

  test("the node that stops a derivative is named, with what it makes", () => {
    const x = input("x", [3], "float64");
    const scores = op.Mul(op.Cast(op.ArgMax(op.Mul(x, 2), 0), "float64"), 2);
    const stopped = readOnnx(writeOnnx({ scores }), "stopped.onnx");
    const { code, message } = refusalOf(() => transform.grad(stopped, { of: "scores", wrt: ["x"] }));
    expect(code).toBe("no-derivative");
    expect(message).toMatch(/reaches it through ArgMax, which makes "ArgMax" alone/);
    expect(transform.reach(stopped, "scores")).toEqual([
      { name: "x", reached: false, why: expect.stringMatching(/ArgMax/) },
    ]);
    expect(transform.reach(model, "loss").map(({ name, reached }) => [name, reached])).toEqual([
      ["x", true],
      ["w", true],
    ]);
  });
});

describe("what a run takes", () => {
  const read = (outputs: Record<string, ReturnType<typeof input>>): Model => readOnnx(writeOnnx(outputs), "net.onnx");
  const w = (name: string, ...shape: number[]) => input(name, shape);

  test("counts the products of convolutions, of what has gates, and of every turn of a body", () => {
    const picture = op.Conv(input("x", ["batch", 3, 32, 32]), w("w", 16, 3, 3, 3), undefined, { pads: [1, 1, 1, 1] });
    const { forward } = transform.costOf(read({ y: picture }), "y", { batch: 2 });
    expect(forward.flops).toBe(2 * (2 * 16 * 32 * 32) * (3 * 3 * 3));

    const series = input("x", [10, 2, 8]);
    const [hidden] = op.LSTM(series, w("w", 1, 4 * 6, 8), w("r", 1, 4 * 6, 6));
    const gates = transform.costOf(read({ y: hidden! }), "y").forward.flops;
    expect(gates).toBe(2 * (10 * 2) * (4 * 6) * (8 + 6));

    const turns = op.Scan([input("h", [2, 6])], [input("x", [10, 2, 6])], ([h], [e]) => ({
      carried: [op.Add(op.MatMul(h!, w("r", 6, 6)), e!)],
      collected: [],
    }));
    const steps = transform.costOf(read({ y: turns.carried[0]! }), "y").forward.flops;
    expect(steps).toBe(10 * (2 * 2 * 6 * 6 + 2 * 6));
  });

  test("counts what the gradient of a convolution multiplies", () => {
    const y = op.Conv(input("x", [1, 3, 8, 8]), w("w", 4, 3, 3, 3), undefined, { pads: [1, 1, 1, 1] });
    const model = readOnnx(
      writeOnnx(
        { loss: op.ReduceSum(op.Mul(y, y), { keepdims: false }) },
        { initializers: { w: { dtype: "float32", shape: [4, 3, 3, 3], data: new Float32Array(108).fill(0.1) } } },
      ),
      "net.onnx",
    );
    const { forward, step } = transform.costOf(model, "loss");
    const products = 2 * (4 * 8 * 8) * (3 * 3 * 3);
    expect(forward.flops).toBeGreaterThan(products);
    expect(step!.flops - forward.flops).toBeGreaterThan(0.9 * products);
    expect(step!.flops - forward.flops).toBeLessThan(1.2 * products);
  });
});
