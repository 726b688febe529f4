// Sizes that only data tell, and lists, axes and bounds that are inputs: derivatives of both orders against central differences,
// and the gradients on ONNX Runtime. The models are those whose numbers are recorded.
import {
  constant,
  evaluate,
  grad,
  input,
  type OnnxModel,
  op,
  print,
  readOnnx,
  type ShapedNumbers,
  simplify,
  type Value,
  vmap,
  writeOnnx,
} from "@innerloop/graph";
import { ELEMENTS, encodeNumbers } from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { refusalOf } from "../support/refusal.ts";
import { differences, distance } from "./numbers.ts";

interface Recorded {
  readonly operator: string;
  readonly opset: number;
  readonly note: string;
  readonly model: string;
  readonly inputs: Record<string, ShapedNumbers>;
}
const recorded = ["indexing", "bits"].flatMap((family) =>
  readRecorded<readonly Recorded[]>(`graph/recorded/operators/${family}.json`),
);

const isReal = ({ dtype }: Value): boolean => dtype === "float64";

/** One number out of all that a model gives in floats. */
function scalarOf(outputs: readonly Value[]): Value {
  const sums = outputs.filter(isReal).map((y) => op.ReduceSum(op.Mul(y, op.Sin(y)), { keepdims: false }));
  return op.Sum(...(sums as [Value, ...Value[]]));
}

async function onRuntime(
  outputs: Record<string, Value>,
  { inputs, initializers }: OnnxModel,
  feeds: Readonly<Record<string, ShapedNumbers>>,
): Promise<Record<string, ort.Tensor>> {
  const bytes = writeOnnx(outputs, { inputs: Object.values(inputs), initializers });
  const session = await ort.InferenceSession.create(bytes);
  const given = Object.entries(inputs).flatMap(([name, { dtype }]) => {
    const numbers = feeds[name];
    if (!numbers) return [];
    const { array } = ELEMENTS[dtype];
    const bytes = encodeNumbers(dtype, Array.from(numbers.data)).slice();
    const data = new array(bytes.buffer);
    return [[name, new ort.Tensor(dtype as "float64", data as Float64Array, numbers.shape)] as const];
  });
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  return results as Record<string, ort.Tensor>;
}

/** What ONNX Runtime has no kernel for, or none of float64. */
const lacking = new Set(["CumProd", "TensorScatter", "Det", "Acos", "Asin", "Atanh", "Asinh", "Acosh"]);
/** Where numbers are equal there is no derivative of which of them is taken. */
const ofEquals = (r: Recorded): boolean => r.operator === "Unique" && r.note !== "of different ones";

describe("derivatives of models that were read", () => {
  const cases = recorded.map((r) => [`${r.operator} ${r.opset} ${r.note}`, r] as const);
  test.each(cases)("%s", async (_, r) => {
    const model = readOnnx(Buffer.from(r.model, "base64"), r.operator);
    const wrt = Object.entries(model.inputs).filter(([, value]) => isReal(value));
    const outputs = Object.values(model.outputs);
    if (wrt.length === 0 || !outputs.some(isReal) || ofEquals(r)) return;
    const values = wrt.map(([, value]) => value);
    let scalar = scalarOf(outputs);
    const orders: Value[][] = [];
    for (const order of [1, 2]) {
      const slopes = simplify(grad(scalar, values));
      orders.push(slopes);
      evaluate(slopes, r.inputs).forEach(({ data }, i) => {
        const [name] = wrt[i]!;
        expect(distance(data, differences(scalar, r.inputs, name)), `order ${order}, ${name}`).toBeLessThan(1e-5);
      });
      scalar = scalarOf(slopes);
    }
    if (lacking.has(r.operator)) return;
    for (const [order, slopes] of orders.entries()) {
      const named = Object.fromEntries(slopes.map((slope, i) => [`slope${i}`, slope]));
      const expected = evaluate(slopes, r.inputs);
      const results = await onRuntime(named, model, r.inputs);
      slopes.forEach((_slope, i) => {
        const { data, dims } = results[`slope${i}`]!;
        expect([...dims]).toEqual([...expected[i]!.shape]);
        expect(distance(data as Float64Array, expected[i]!.data), `order ${order + 1}`).toBeLessThan(1e-6);
      });
    }
  });
});

describe("sizes that are open", () => {
  const { AttributeType } = onnx.AttributeProto;
  const whole = (name: string, i: number) => ({ name, i, type: AttributeType.INT });
  /** A model of one input, `x` of float64 `[n]`, whose outputs are those of the last node. */
  const modelOf = (node: readonly onnx.NodeProto.$Properties[]) =>
    encodeModel({
      irVersion: 8,
      opsetImport: [{ domain: "", version: 18 }],
      graph: {
        name: "g",
        node: [...node],
        input: [{ name: "x", type: { tensorType: { elemType: 11, shape: { dim: [{ dimParam: "n" }] } } } }],
        output: (node.at(-1)?.output ?? []).map((name) => ({ name })),
      },
    });
  const five = { x: { shape: [5], data: [3, 1, 3, 2, 0] } };

  test("are cut into parts of which the last has what is left", async () => {
    const model = readOnnx(
      modelOf([{ opType: "Split", input: ["x"], output: ["a", "b"], attribute: [whole("num_outputs", 2)] }]),
      "m",
    );
    const parts = evaluate([model.outputs.a!, model.outputs.b!], five);
    expect(parts.map(({ data }) => [...data])).toEqual([
      [3, 1, 3],
      [2, 0],
    ]);
    const loss = op.ReduceSum(op.Mul(model.outputs.b!, model.outputs.b!), { keepdims: false });
    const slopes = grad(loss, [model.inputs.x!]);
    expect([...evaluate(slopes, five)[0]!.data]).toEqual([0, 0, 0, 4, 0]);
    const { slope } = await onRuntime({ slope: slopes[0]! }, model, five);
    expect([...(slope!.data as Float64Array)]).toEqual([0, 0, 0, 4, 0]);
  });

  test("have a last largest and running sums", () => {
    const last = readOnnx(
      modelOf([{ opType: "ArgMax", input: ["x"], output: ["y"], attribute: [whole("select_last_index", 1)] }]),
      "m",
    );
    expect([...evaluate([last.outputs.y!], five)[0]!.data]).toEqual([2]);
    expect([...evaluate([op.CumSum(input("x", ["n"], "float64"), 0)], five)[0]!.data]).toEqual([3, 4, 7, 9, 9]);
  });

  test("are halved when the graph runs", async () => {
    const model = readOnnx(
      modelOf([
        { opType: "Shape", input: ["x"], output: ["s"] },
        {
          opType: "Constant",
          output: ["two"],
          attribute: [{ name: "value_ints", ints: [2], type: AttributeType.INTS }],
        },
        {
          opType: "Constant",
          output: ["none"],
          attribute: [{ name: "value_ints", ints: [0], type: AttributeType.INTS }],
        },
        { opType: "Div", input: ["s", "two"], output: ["half"] },
        { opType: "Slice", input: ["x", "none", "half"], output: ["y"] },
      ]),
      "m",
    );
    const { y } = model.outputs;
    const [slope] = grad(op.ReduceSum(op.Mul(y!, y!), { keepdims: false }), [model.inputs.x!]);
    expect([...evaluate([slope!], five)[0]!.data]).toEqual([6, 2, 0, 0, 0]);
    const results = await onRuntime({ y: model.outputs.y!, slope: slope! }, model, five);
    expect([...(results.y!.data as Float64Array)]).toEqual([3, 1]);
    expect([...(results.slope!.data as Float64Array)]).toEqual([6, 2, 0, 0, 0]);
  });
});

const x = input("x", ["n", 3], "float64");
const kept = op.Compress(x, op.Greater(op.ReduceSum(x, { axes: [1], keepdims: false }), 0), 0);
const feeds = { x: { shape: [3, 3], data: [1, 2, 3, -4, 0, 1, 0.5, 0, 0.25] } };

describe("a size that only data tell", () => {
  test("is one symbol, the same wherever the same numbers tell it", () => {
    const [size] = kept.shape;
    expect(kept.shape).toEqual([size, 3]);
    const again = op.Compress(x, op.Greater(op.ReduceSum(x, { axes: [1], keepdims: false }), 0), 0);
    expect(again).toBe(kept);
    expect(op.NonZero(x).shape[1]).not.toBe(size);
  });

  test("comes out when the graph runs", () => {
    const [rows, mean] = evaluate([kept, op.ReduceMean(kept, { keepdims: false })], feeds);
    expect(rows!.shape).toEqual([2, 3]);
    expect(mean!.data[0]).toBeCloseTo(6.75 / 6, 12);
  });

  test("is there in a gradient that has nothing else of what told it", () => {
    const loss = op.ReduceSum(op.Mul(kept, 2), { keepdims: false });
    const [slope] = grad(loss, [x]);
    expect([...evaluate([slope!], feeds)[0]!.data]).toEqual([2, 2, 2, 0, 0, 0, 2, 2, 2]);
  });

  test("has a plain name in a file, the same in every run", () => {
    const bytes = writeOnnx({ kept }, { inputs: [x] });
    const [output] = decodeModel(bytes, "m").graph!.output!;
    expect(output!.type!.tensorType!.shape!.dim![0]!.dimParam).toBe("nonzero_0");
    const again = readOnnx(bytes, "again.onnx");
    expect(evaluate([again.outputs.kept!], feeds)[0]!.shape).toEqual([2, 3]);
  });

  test("makes no batch of tasks, and says so", () => {
    const many = input("many", [2, 4, 3], "float64");
    const error = refusalOf(() => vmap((one) => [op.NonZero(one)], [many]));
    expect(error.code).toBe("shape-mismatch");
    expect(error.message).toMatch("how many numbers are not zero cannot differ from task to task");
  });

  test("is shared by tasks where it is not theirs", () => {
    const many = input("many", [2, 3], "float64");
    const chosen = op.Compress(input("other", [3], "float64"), constant([1, 0, 1], [3], "bool"));
    const [both] = vmap((row) => [op.Mul(op.Gather(row, op.Reshape(op.NonZero(chosen), [-1])), 2)], [many]);
    const [got] = evaluate([both!], {
      many: { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] },
      other: { shape: [3], data: [7, 8, 0] },
    });
    expect(got!.shape).toEqual([2, 1]);
    expect([...got!.data]).toEqual([2, 8]);
  });

  test("is told of in what is printed", () => {
    expect(print([op.NonZero(x)])).toMatch(/NonZero\(x, fresh=\[nonzero_\w+\]\)/);
  });
});
