// Small ONNX models, written down as nodes, and what ONNX Runtime gives for them.

import { openSession } from "@innerloop/runtime/session";
import { type DType, ELEMENTS, sizeOf, type Tensor } from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { expect } from "vitest";

export interface GraphOf {
  /** Types and sizes; a name for one that runs have; nothing of a value in a body. */
  readonly inputs: Readonly<Record<string, readonly [DType, ...(number | string)[]] | undefined>>;
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeOf[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
}

/** Texts are written down as such, one or several; a single number is a whole one. */
export type AttributeOf =
  | number
  | readonly number[]
  | string
  | readonly string[]
  | { readonly float: number }
  | GraphOf;

export type NodeOf = readonly [
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: Readonly<Record<string, AttributeOf>>,
];

const { AttributeType } = onnx.AttributeProto;

const bytesOf = (text: string) => new TextEncoder().encode(text);

function attributeOf([name, value]: [string, AttributeOf]): onnx.AttributeProto.$Properties {
  if (typeof value === "string") return { name, type: AttributeType.STRING, s: bytesOf(value) };
  if (typeof value === "number") return { name, type: AttributeType.INT, i: value };
  if (Array.isArray(value) && typeof value[0] === "string")
    return { name, type: AttributeType.STRINGS, strings: (value as string[]).map(bytesOf) };
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: [...value] };
  if ("float" in (value as object)) return { name, type: AttributeType.FLOAT, f: (value as { float: number }).float };
  return { name, type: AttributeType.GRAPH, g: graphOf(value as GraphOf) };
}

export function tensorOf(name: string, { dtype, shape, data }: Tensor): onnx.TensorProto.$Properties {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { name, dims: [...shape], dataType: ELEMENTS[dtype].onnx, rawData };
}

function graphOf({ inputs, outputs, nodes, initializers = {} }: GraphOf): onnx.GraphProto.$Properties {
  return {
    name: "graph",
    input: Object.entries(inputs).map(([name, type]) => {
      if (!type) return { name };
      const [dtype, ...sizes] = type;
      const dim = sizes.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
      return { name, type: { tensorType: { elemType: ELEMENTS[dtype].onnx, shape: { dim } } } };
    }),
    output: outputs.map((name) => ({ name })),
    node: nodes.map(([opType, input, output, attributes = {}]) => ({
      ...{ opType, input: [...input], output: [...output] },
      attribute: Object.entries(attributes).map(attributeOf),
    })),
    initializer: Object.entries(initializers).map(([name, tensor]) => tensorOf(name, tensor)),
  };
}

export const modelOf = (graph: GraphOf): Uint8Array =>
  encodeModel({ irVersion: 9, opsetImport: [{ version: 17 }], graph: graphOf(graph) });

/** The file that has the numbers of {@link movedOut}. */
export const besideFile = "weights.bin";

/** A model's initializers moved into a file beside it, each at the next of so many bytes. */
export function movedOut(bytes: Uint8Array, step: number): { readonly model: Uint8Array; readonly beside: Uint8Array } {
  const model = decodeModel(bytes, "a model");
  const parts: { readonly at: number; readonly data: Uint8Array }[] = [];
  let end = 0;
  for (const tensor of model.graph!.initializer!) {
    const data = tensor.rawData!;
    const at = Math.ceil(end / step) * step;
    end = at + data.length;
    parts.push({ at, data });
    tensor.rawData = new Uint8Array();
    tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
    const told = { location: besideFile, offset: at, length: data.length };
    tensor.externalData = Object.entries(told).map(([key, value]) => ({ key, value: String(value) }));
  }
  const beside = new Uint8Array(end);
  for (const { at, data } of parts) beside.set(data, at);
  return { model: encodeModel(model), beside };
}

/** Numbers by chance, the same every time. */
export function numbers(shape: readonly number[], seed = 1): Tensor {
  let state = seed;
  const data = Float32Array.from({ length: sizeOf(shape) }, () => {
    state = (state * 16807) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
  return { dtype: "float32", shape, data };
}

export const integers = (...given: readonly number[]): Tensor => ({
  ...{ dtype: "int64", shape: [given.length] },
  data: BigInt64Array.from(given, BigInt),
});

export const integer = (given: number): Tensor => ({
  dtype: "int64",
  shape: [],
  data: BigInt64Array.of(BigInt(given)),
});

export const truth: Tensor = { dtype: "bool", shape: [], data: Uint8Array.of(1) };

/** What ONNX Runtime gives. */
export async function usual(
  model: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await openSession(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

/** Whether numbers are those that are expected, to so many digits after the point. */
export function expectNear(given: Tensor | undefined, expected: Tensor, digits = 5): void {
  expect({ dtype: given?.dtype, shape: given?.shape }).toEqual({ dtype: expected.dtype, shape: expected.shape });
  expected.data.forEach((number, i) => {
    expect(Number(given!.data[i])).toBeCloseTo(Number(number), digits);
  });
}
