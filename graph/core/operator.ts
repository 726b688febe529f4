// Defining operators: each is one entry, with rules of its own or made of others. Whoever meets an operator that it has no rule
// for decomposes it.
import { type DType, InnerloopError } from "@innerloop/schemas";
import { apply, constant } from "./build.ts";
import {
  type Attributes,
  type Entry,
  type Family,
  type Inputs,
  type Operand,
  type Operator,
  type Outputs,
  Value,
} from "./value.ts";

/** The derivative rule of operators that are constant almost everywhere, and of those that stop derivatives. */
export const zeroDerivative = (): Inputs => [];

/** Whether an operator's derivative is zero wherever it has one. */
export const isFlat = ({ gradient }: Operator): boolean => gradient === zeroDerivative;

/** Whether an operator's nodes are written as they were read: as one of ONNX, though they are made of others here. */
export const isAuthored = ({ writtenAs, decompose }: Operator): boolean =>
  writtenAs !== undefined && decompose !== undefined;

const registry = new Map<string, Operator>();

/**
 * Adds an operator to the table that readers, documents and tests go by.
 * @throws Error where it has neither numbers and a batching rule nor parts that have them, so that nothing could be done with it
 */
export function define<T extends Operator>(operator: T): T {
  const { name, decompose, evaluate, batch } = operator;
  if (!decompose && !(evaluate && batch))
    throw new Error(`The operator ${name} needs evaluate and batch, or decompose: what it is made of.`);
  return defineWithBody(operator);
}

/** The same for an operator whose node has a body, which is computed node by node. */
export function defineWithBody<T extends Operator>(operator: T): T {
  if (registry.has(operator.name)) throw new Error(`The operator ${operator.name} is defined twice.`);
  registry.set(operator.name, operator);
  return operator;
}

/** A function that applies an operator, by which the nodes that it makes are known. */
export const applying = <A extends Attributes, I extends Inputs, O extends Outputs, F extends object>(
  operator: Operator<A, I, O>,
  call: F,
): F & Entry<A, I, O> => Object.assign(call, { operator });

/** What a composite operator is: the parts it is made of, and rules of its own only where they do better than the parts'. */
export interface Composite<A extends Attributes, I extends Inputs>
  extends Pick<
    Operator<A, I, readonly [Value]>,
    "name" | "family" | "summary" | "since" | "traits" | "gradient" | "batch"
  > {
  build(inputs: I, attributes: A): Value;
}

/** An operator made of others, which stays one node until somebody has no rule for it. */
export const composite = <A extends Attributes, I extends Inputs>({
  build,
  ...entry
}: Composite<A, I>): Operator<A, I, readonly [Value]> =>
  define({
    ...entry,
    infer(inputs, attributes) {
      const { dtype, shape } = build(inputs, attributes);
      return [{ dtype, shape }];
    },
    decompose: (inputs, attributes) => [build(inputs, attributes)],
  });

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

/** Applies an operator, and takes its first output. */
export const apply1 = <A extends Attributes, I extends Inputs, O extends Outputs>(
  operator: Operator<A, I, O>,
  inputs: NoInfer<I>,
  ...attributes: Record<never, never> extends A ? [attributes?: NoInfer<A>] : [attributes: NoInfer<A>]
): Value => apply<A, I, O>(operator, inputs, ...attributes)[0];

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
export function unfit(name: string, inputs: Inputs, expected: string): InnerloopError {
  return new InnerloopError("shape-mismatch", `${name}(${inputs.join(", ")}): ${expected}`, { exitStatus: 2 });
}

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";
