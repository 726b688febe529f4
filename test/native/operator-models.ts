// Models of a few nodes, run natively and by ONNX Runtime: fed, and with all that they compute with known beforehand.

import { NativeModel } from "@innerloop/native";
import { type DType, ELEMENTS, type Tensor } from "@innerloop/schemas";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { expect } from "vitest";
import { kernelsInC } from "./kernels.ts";
import { numbers, tensorOf, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

export { integers as list } from "./models.ts";

/** Whole numbers are INT or INTS; others say what they are. */
export type Attribute =
  | number
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly text: string }
  | { readonly tensor: Tensor };

export interface Step {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface Case {
  /** What runs are fed. */
  readonly fed: Readonly<Record<string, Tensor>>;
  /** What the model has. */
  readonly fixed?: Readonly<Record<string, Tensor>>;
  readonly steps: readonly Step[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

const { AttributeType } = onnx.AttributeProto;

function attributeOf(name: string, value: Attribute): onnx.AttributeProto.$Properties {
  if (typeof value === "number") return { name, type: AttributeType.INT, i: value };
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: [...value] };
  if ("float" in value) return { name, type: AttributeType.FLOAT, f: value.float };
  if ("floats" in value) return { name, type: AttributeType.FLOATS, floats: [...value.floats] };
  if ("text" in value) return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value.text) };
  if ("tensor" in value) return { name, type: AttributeType.TENSOR, t: tensorOf("", value.tensor) };
  throw new Error(`the attribute ${name}`);
}

export function modelOf({ fed, fixed = {}, steps, outputs = ["out"], opset = 20 }: Case): Uint8Array {
  return encodeModel({
    ...{ irVersion: 9, opsetImport: [{ version: opset }] },
    graph: {
      name: "graph",
      input: Object.entries(fed).map(([name, { dtype, shape }]) => ({
        name,
        type: {
          tensorType: { elemType: ELEMENTS[dtype].onnx, shape: { dim: shape.map((size) => ({ dimValue: size })) } },
        },
      })),
      output: outputs.map((name) => ({ name })),
      node: steps.map(({ operator, inputs, outputs: made, attributes = {} }) => ({
        ...{ opType: operator, input: [...inputs], output: [...made] },
        attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
      })),
      initializer: Object.entries(fixed).map(([name, tensor]) => tensorOf(name, tensor)),
    },
  });
}

/** Compares with ONNX Runtime: kernels in C, where there is a compiler, and those in plain loops. */
export async function compares(given: Case): Promise<void> {
  const model = modelOf(given);
  const expected = await usual(model, given.fed);
  for (const each of kernelsInC ? [plainKernels, kernelsInC] : [plainKernels])
    alike(new NativeModel(model, each).run(given.fed), expected);
  // What is known beforehand is computed while the plan is made.
  const known = modelOf({ ...given, fed: {}, fixed: { ...given.fixed, ...given.fed } });
  alike(new NativeModel(known, plainKernels).run({}), expected);
}

export const all = async (cases: readonly Case[]): Promise<void> => {
  for (const each of cases) await compares(each);
};

function alike(given: Readonly<Record<string, Tensor>> | undefined, expected: Readonly<Record<string, Tensor>>): void {
  expect(given).toBeDefined();
  for (const [name, { shape, dtype, data }] of Object.entries(expected)) {
    const ours = given![name]!;
    expect({ name, shape: ours.shape, dtype: ours.dtype }).toEqual({ name, shape, dtype });
    const wanted = Array.from(data as Iterable<number | bigint>, Number);
    const most = Math.max(1, ...wanted.filter(Number.isFinite).map(Math.abs));
    wanted.forEach((number, i) => {
      const own = Number(ours.data[i]);
      const near = Object.is(own, number) || own === number || Math.abs(own - number) <= 3e-6 * most;
      if (!near) expect.fail(`${name}[${i}] of [${shape}] is ${own}, not ${number}`);
    });
  }
}

/** Whether a run is left to ONNX Runtime. */
export const leaves = (given: Case): boolean => {
  try {
    return new NativeModel(modelOf(given), plainKernels).run(given.fed) === undefined;
  } catch (cause) {
    return (cause as { readonly code?: string }).code === "not-native";
  }
};

/** Numbers between −1 and 1 by chance, the same every time. */
export const floats = (shape: readonly number[], seed = 1): Tensor => numbers(shape, 7919 * seed);

/** The same, all above zero. */
export function above(shape: readonly number[], seed = 1): Tensor {
  const { data } = floats(shape, seed);
  return { dtype: "float32", shape, data: (data as Float32Array).map((x) => Math.abs(x) + 0.1) };
}

/** Whole numbers from `least` to `most`. */
export function wholes(
  shape: readonly number[],
  least: number,
  most: number,
  dtype: DType = "int64",
  seed = 3,
): Tensor {
  const given = Array.from(floats(shape, seed).data as Float32Array, (x) =>
    Math.min(most, least + Math.floor(((x + 1) / 2) * (most - least + 1))),
  );
  return { dtype, shape, data: dtype === "int64" ? BigInt64Array.from(given, BigInt) : Int32Array.from(given) };
}

export function truths(shape: readonly number[], seed = 5): Tensor {
  return {
    dtype: "bool",
    shape,
    data: Uint8Array.from(floats(shape, seed).data as Float32Array, (x) => (x > 0 ? 1 : 0)),
  };
}

export const scalarOf = (value: number, dtype: DType = "float32"): Tensor => ({
  ...{ dtype, shape: [] },
  data: dtype === "int64" ? BigInt64Array.of(BigInt(value)) : Float32Array.of(value),
});

/** One node over what is fed and fixed, in that order. */
export const one = (
  operator: string,
  fed: Readonly<Record<string, Tensor>>,
  attributes: Readonly<Record<string, Attribute>> = {},
  fixed: Readonly<Record<string, Tensor>> = {},
): Case => ({
  ...{ fed, fixed },
  steps: [{ operator, inputs: [...Object.keys(fed), ...Object.keys(fixed)], outputs: ["out"], attributes }],
});

const codes = { product: 1, points: 9 } as const;

/** How many instructions of a kind a model's words have. */
export function countOf(given: Case, kind: keyof typeof codes = "points"): number {
  let count = 0;
  const model = new NativeModel(modelOf(given), {
    ...plainKernels,
    run(words: Int32Array, memory: ArrayBuffer, offset: number) {
      for (let at = 0; at < words.length; at += words[at + 1]!) if (words[at] === codes[kind]) count++;
      return plainKernels.run(words, memory, offset);
    },
  });
  expect(model.run(given.fed)).toBeDefined();
  return count;
}
