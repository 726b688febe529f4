// Operators of ONNX Runtime's own domain: written as they were read, and their parts give what ONNX Runtime gives.
import { evaluate, readOnnx, type ShapedNumbers, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { decodeModel, encodeModel, type onnx } from "@innerloop/schemas/onnx";
import { expect, test } from "vitest";
import { contributedCases, numbersOf } from "./contributed-cases.ts";
import type { ContributedCase } from "./contributed-inputs.ts";
import { distance } from "./numbers.ts";

const ours = "com.microsoft";
const elements = {
  float: [1, "float32", Float32Array],
  uint8: [2, "uint8", Uint8Array],
  int8: [3, "int8", Int8Array],
  int32: [6, "int32", Int32Array],
  int64: [7, "int64", BigInt64Array],
} as const;

const arrayOf = (type: keyof typeof elements, data: Float32Array) =>
  type === "int64" ? BigInt64Array.from(data, BigInt) : elements[type][2].from(data);

/** The model of a case, and what it is run with: its first float input, or the first of all. */
function modelOf({ operator, domain = ours, inputs, attributes = [], outputs = 1 }: ContributedCase, seed: number) {
  const names = inputs.map((stored, i) => (stored ? `x${i}` : ""));
  const given = Math.max(0, operator === "QLinearConcat" ? 2 : 0);
  const initializer: onnx.TensorProto.$Properties[] = [];
  let first: { type: keyof typeof elements; shape: readonly number[]; data: Float32Array } | undefined;
  for (const [i, stored] of inputs.entries()) {
    if (!stored) continue;
    const [type, shape] = stored;
    const data = numbersOf(stored, seed + 31 * i);
    if (i === given) first = { type, shape, data };
    else {
      const [dataType] = elements[type];
      initializer.push({
        name: names[i]!,
        dataType,
        dims: [...shape],
        rawData: new Uint8Array(arrayOf(type, data).buffer),
      });
    }
  }
  const { type, shape, data } = first!;
  const tensorType = { elemType: elements[type][0], shape: { dim: shape.map((dimValue) => ({ dimValue })) } };
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const bytes = encodeModel({
    irVersion: 8,
    opsetImport: [
      { domain: "", version: 17 },
      { domain: ours, version: 1 },
    ],
    graph: {
      name: "g",
      node: [{ opType: operator, domain, input: names, output: results, attribute: [...attributes] }],
      initializer,
      input: [{ name: names[given]!, type: { tensorType } }],
      output: results.map((name) => ({ name })),
    },
  });
  const tensor = { dtype: elements[type][1], shape, data: arrayOf(type, data) } as Tensor;
  const fed: Record<string, ShapedNumbers> = { [names[given]!]: { shape, data: Array.from(data) } };
  return { bytes, results, feeds: { [names[given]!]: tensor }, fed };
}

test.each(contributedCases.map((one, i) => [one.operator, i, one] as const))("%s (%d)", async (operator, seed, one) => {
  const { bytes, results, feeds, fed } = modelOf(one, 7 * (seed + 1));
  const run = async (model: Uint8Array) => (await openSession(model, { provider: "cpu" })).run(feeds);
  const wanted = await run(bytes);
  const model = readOnnx(bytes, "m");
  const written = writeOnnx(model.outputs, { initializers: model.initializers, elements: model.elements });
  expect(decodeModel(written, "w").graph?.node?.map(({ opType }) => opType)).toContain(operator);
  const again = await run(written);
  const stored = Object.entries(model.initializers).map(([name, { shape, data }]) => [
    name,
    { shape, data: Array.from(data, Number) },
  ]);
  const parts = evaluate(
    results.map((name) => model.outputs[name]!),
    { ...Object.fromEntries(stored), ...fed },
  );
  for (const [i, name] of results.entries()) {
    if (one.compared && !one.compared.includes(i)) continue;
    const expected = Array.from(wanted[name]!.data, Number);
    const largest = Math.max(...expected.map(Math.abs));
    expect(distance(Array.from(again[name]!.data, Number), expected)).toBeLessThanOrEqual(1e-5 * largest);
    // Whole numbers may be a step off, where a rounding lies in the middle.
    const off = wanted[name]!.dtype === "float32" ? (one.parts ?? 1e-5) * largest : 1;
    expect(parts[i]!.shape).toEqual(wanted[name]!.shape);
    expect(distance(parts[i]!.data, expected)).toBeLessThanOrEqual(off);
  }
});
