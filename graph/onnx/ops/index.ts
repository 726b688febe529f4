// Every ONNX operator that is read or written, by its name. An operator of a fixed number of operands, without attributes, needs
// no entry: it is read as it is called. That an entry is missing for any other is an error of the compiler.
import { operators, spellings } from "../../core/operator.ts";
import { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { type KnownOperator, type OnnxOperator, onnxOperator, type ReadOperator } from "../operator.ts";
import { readableOpsets } from "../opsets.ts";
import type { Call } from "../reader/call.ts";
import { activation } from "./activation.ts";
import { attention } from "./attention.ts";
import { bits } from "./bits.ts";
import { classical } from "./classical.ts";
import { computed } from "./computed.ts";
import { contributed } from "./contributed.ts";
import { control } from "./control.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { graph } from "./graph.ts";
import { indexing } from "./indexing.ts";
import { linearAlgebra } from "./linear-algebra.ts";
import { losses } from "./loss.ts";
import { movement } from "./movement.ts";
import { normalization } from "./normalization.ts";
import { ordering } from "./ordering.ts";
import { pooling } from "./pooling.ts";
import { quantization } from "./quantization.ts";
import { random } from "./random.ts";
import { recurrent } from "./recurrent.ts";
import { reductions } from "./reduction.ts";
import { sampling } from "./sampling.ts";
import { signal } from "./signal.ts";
import { transformers } from "./transformers.ts";

type Functions = typeof op;
/** What has the name of an operator: `squaredNorm` and `stopGradient` have none. */
type Name = Extract<keyof Functions, Capitalize<string>>;

/** As many values as a function has parameters, where none may be left out. */
type Operands<P> = P extends readonly [unknown]
  ? [Value]
  : P extends readonly [unknown, unknown]
    ? [Value, Value]
    : P extends readonly [unknown, unknown, unknown]
      ? [Value, Value, Value]
      : never;
type TakesValues<P> = [Operands<P>] extends [never] ? false : Operands<P> extends P ? true : false;
/** Functions that are called with values alone. */
type Derived = {
  [K in Name]: Functions[K] extends (...operands: infer P) => Value ? (TakesValues<P> extends true ? K : never) : never;
}[Name];

/** Functions that take more than values and are no operator of an opset that is read. */
type BesideOnnx =
  | "AveragePooling"
  | "Convolution"
  | "InverseDeviation"
  | "Loop"
  | "MaxPooling"
  | "Narrow"
  | "Normalize"
  | "Standardize"
  | "While";

type Entries = { readonly [K in Exclude<Name, Derived | BesideOnnx>]: ReadOperator } & {
  readonly [K in Name]?: OnnxOperator;
};

const entries: Entries = {
  ...activation,
  ...attention,
  ...bits,
  ...classical,
  ...computed,
  ...contributed,
  ...control,
  ...convolution,
  ...elementwise,
  ...graph,
  ...indexing,
  ...linearAlgebra,
  ...losses,
  ...movement,
  ...normalization,
  ...ordering,
  ...pooling,
  ...recurrent,
  ...quantization,
  ...random,
  ...reductions,
  ...sampling,
  ...signal,
  ...transformers,
};
const entryOf: ReadonlyMap<string, OnnxOperator> = new Map(Object.entries(entries));

/** Reads a node as a call with as many values as the function has parameters. */
function asCalled(name: string): ReadOperator["read"] | undefined {
  const apply: unknown = Object.entries(op).find(([known]) => known === name)?.[1];
  if (typeof apply !== "function") return undefined;
  return (c: Call) => {
    const y: unknown = apply(...Array.from({ length: apply.length }, (_, i) => c.value(i)));
    if (y instanceof Value) return y;
    throw new Error(`${name} gives no value.`);
  };
}

/** The ONNX operators of the opsets that are read, by name. */
const known = [...operators(), ...spellings()].filter(
  ({ since }) => since !== undefined && since <= readableOpsets.newest,
);

/** Every ONNX operator that is read. */
export const readers: ReadonlyMap<string, KnownOperator> = new Map(
  known.flatMap(({ name, since = 1 }): [string, KnownOperator][] => {
    const entry = entryOf.get(name) ?? onnxOperator({});
    const read = entry.read ?? asCalled(name);
    return read ? [[name, { since: () => since, ...entry, read }]] : [];
  }),
);

/** The entry of an operator that is written, by its ONNX name. */
export const writerOf = (name: string): OnnxOperator | undefined => entryOf.get(name) ?? readers.get(name);
