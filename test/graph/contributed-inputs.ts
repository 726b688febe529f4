// What cases of operators of ONNX Runtime's own domain are written of.
import { onnx } from "@innerloop/schemas/onnx";

export type Stored = readonly [
  type: "float" | "int8" | "uint8" | "int32" | "int64",
  shape: readonly number[],
  range?: number | readonly number[],
];
type AttributeProto = onnx.AttributeProto.$Properties;
const { AttributeType } = onnx.AttributeProto;

export interface ContributedCase {
  readonly operator: string;
  /** Of `ai.onnx` where it is empty. */
  readonly domain?: string;
  readonly inputs: readonly (Stored | undefined)[];
  readonly attributes?: readonly AttributeProto[];
  readonly outputs?: number;
  /** What is compared of its outputs, where that is not all. */
  readonly compared?: readonly number[];
  /** How far its parts may be off, of the largest entry: rounding of what goes from step to step, or of a step of the scale. */
  readonly parts?: number;
}

export const int = (name: string, i: number): AttributeProto => ({ name, type: AttributeType.INT, i });
export const float = (name: string, f: number): AttributeProto => ({ name, type: AttributeType.FLOAT, f });
export const floats = (name: string, values: readonly number[]): AttributeProto => ({
  name,
  type: AttributeType.FLOATS,
  floats: [...values],
});
export const ints = (name: string, values: readonly number[]): AttributeProto => ({
  name,
  type: AttributeType.INTS,
  ints: [...values],
});
export const text = (name: string, s: string): AttributeProto => ({
  name,
  type: AttributeType.STRING,
  s: new TextEncoder().encode(s),
});
export const scale: Stored = ["float", [], 0.05];
export const zero = (type: "uint8" | "int8"): Stored => [type, [], 9];
export const places = (count: number, ...shape: number[]): Stored => [
  "float",
  [count, ...shape],
  Array.from({ length: count * shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
];
