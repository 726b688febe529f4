// What an operator is: one entry that says how shapes, derivatives, batching and numbers go, or what it is made of.
// Whoever meets an operator that it has no rule of its own for decomposes it.
import { type DType, InnerloopError } from "@innerloop/schemas";
import type { Dim, Shape } from "./dims.ts";
import { type Attributes, apply, constant, type NumberArray, type Operand, Value } from "./value.ts";

export type Family =
  | "graph"
  | "elementwise"
  | "comparison"
  | "linear algebra"
  | "reduction"
  | "movement"
  | "convolution"
  | "pooling"
  | "normalization"
  | "activation"
  | "loss"
  | "control";

/** What a derivative rule sees: the node as authored, its outputs, and the cotangents of these (absent ones are zero). */
export interface Derivative {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
  readonly cotangents: readonly (Value | undefined)[];
  /** Whether the cotangent of input `i` is wanted; a rule may leave the others out. */
  readonly needs: (i: number) => boolean;
}

/** What the reference evaluation of an operator sees. */
export interface Evaluation {
  readonly inputs: readonly NumberArray[];
  readonly attributes: Attributes;
  /** The shapes of the outputs with every symbol resolved. */
  readonly shapes: readonly (readonly number[])[];
  readonly outputs: readonly Value[];
  /** The number that a size in the attributes stands for. */
  readonly resolve: (dim: Dim) => number;
  /** Says what a symbol stands for, for outputs whose size depends on the numbers. */
  readonly bind: (symbol: string, size: number) => void;
}

export interface Operator {
  /** The ONNX operator's exact name, or a name of our own where ONNX has none. */
  readonly name: string;
  readonly family: Family;
  readonly summary: string;
  /** The opset that brought the meaning used here; absent for operators of our own, which every target decomposes or lowers. */
  readonly since?: number;
  /** The ONNX operator that it is written as, for operators that only the lowering to ONNX makes. */
  readonly writtenAs?: string;
  /** The types of the outputs. @throws InnerloopError where the inputs do not fit */
  infer(inputs: readonly Value[], attributes: Attributes): readonly { dtype: DType; shape: Shape }[];
  /** The cotangent of each input, absent where there is none. */
  gradient?(derivative: Derivative): readonly (Value | undefined)[];
  /** The same on inputs of which some (`batched`) have a leading axis of tasks; every output gets one. */
  batch?(
    inputs: readonly Value[],
    batched: readonly boolean[],
    attributes: Attributes,
    original: readonly Value[],
  ): readonly Value[];
  /** What the operator is made of. */
  decompose?(inputs: readonly Value[], attributes: Attributes): readonly Value[];
  /** The numbers of the outputs, in float64: the reference that constants are folded with and tests compare to. */
  evaluate?(evaluation: Evaluation): readonly Float64Array[];
}

/** The derivative rule of operators that are constant almost everywhere, and of those that stop derivatives. */
export const zeroDerivative = (): readonly (Value | undefined)[] => [];

/** Whether an operator's derivative is zero wherever it has one. */
export const isFlat = ({ gradient }: Operator): boolean => gradient === zeroDerivative;

const registry = new Map<string, Operator>();

/** Adds an operator to the table that readers, documents and tests go by. */
export function define<O extends Operator>(operator: O): O {
  if (registry.has(operator.name)) throw new Error(`The operator ${operator.name} is defined twice.`);
  registry.set(operator.name, operator);
  return operator;
}

/** What a composite operator is: the parts it is made of, and rules of its own only where they do better than the parts'. */
export interface Composite extends Pick<Operator, "name" | "family" | "summary" | "since" | "gradient" | "batch"> {
  build(inputs: readonly Value[], attributes: Attributes): Value;
}

/** An operator made of others, which stays one node until somebody has no rule for it. */
export function composite({
  build,
  ...entry
}: Composite): (inputs: readonly Value[], attributes?: Attributes) => Value {
  const operator = define<Operator>({
    ...entry,
    infer(inputs, attributes) {
      const { dtype, shape } = build(inputs, attributes);
      return [{ dtype, shape }];
    },
    decompose: (inputs, attributes) => [build(inputs, attributes)],
  });
  return (inputs, attributes) => apply1(operator, inputs, attributes);
}

/** An ONNX operator that is another spelling of operators here: it is written as these at once and leaves no node. */
export interface Spelling extends Pick<Operator, "name" | "family" | "summary"> {
  readonly since: number;
  readonly as: string;
}

const spelled: Spelling[] = [];

/** Lists an ONNX operator that is built out of others on the spot. */
export function spelling(name: string, family: Family, since: number, as: string, summary: string): void {
  spelled.push({ name, family, since, as, summary });
}

/** Every operator that is another spelling. */
export const spellings = (): readonly Spelling[] => spelled;

/** Every operator, in the order of definition. */
export const operators = (): readonly Operator[] => [...registry.values()];

export const operatorNamed = (name: string): Operator | undefined => registry.get(name);

/** Applies an operator that has one output. */
export const apply1 = (operator: Operator, inputs: readonly Value[], attributes?: Attributes): Value =>
  apply(operator, inputs, attributes)[0]!;

/** A number becomes a scalar constant of the dtype given; a value stays itself. */
export const lift = (operand: Operand, dtype: DType = "float32"): Value =>
  operand instanceof Value ? operand : constant(operand, [], dtype);

/** Two operands, a bare number taking the dtype of the other. */
export function liftPair(a: Operand, b: Operand): [Value, Value] {
  if (a instanceof Value) return [a, lift(b, a.dtype)];
  const right = lift(b);
  return [lift(a, right.dtype), right];
}

/** The error for inputs that an operator cannot take. */
export function unfit(name: string, inputs: readonly Value[], expected: string): InnerloopError {
  return new InnerloopError("shape-mismatch", `${name}(${inputs.join(", ")}): ${expected}`, { exitStatus: 2 });
}

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";

/** A possibly negative axis as one in 0…rank-1. */
export function normalizeAxis(axis: number, rank: number, name: string): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank)
    throw new InnerloopError(
      "bad-axis",
      `${name}: axis ${axis} is not an axis of an array with ${rank} axes; give ${-rank} to ${rank - 1}.`,
      { exitStatus: 2 },
    );
  return normal;
}
