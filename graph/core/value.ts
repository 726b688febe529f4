// Values, nodes and operators: the immutable graph that everything else here builds, walks and rewrites. A graph is what
// can be reached from its outputs. What an operator is stands here as well, since nodes and operators are made of each other.
import type { DType } from "@innerloop/schemas";
import type { Dim } from "./dims.ts";
import { type Shape, showShape } from "./shapes.ts";

/** Numbers of a constant or of an evaluated value: every dtype is held as float64, which is exact for all of them. */
export interface NumberArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** A graph inside a node (the body of a `Loop`): `results` as a function of `parameters`, and of any outer value. */
export interface Body {
  readonly parameters: readonly Value[];
  readonly results: readonly Value[];
}

/**
 * A graph inside a node that reads nothing but what it takes, and constants: `gives` as a function of `takes`. What it needs
 * from outside is an input of the node, so that whoever walks the graph around it need not look inside.
 */
export interface Subgraph {
  readonly takes: readonly Value[];
  readonly gives: readonly Value[];
}

export type Attribute = number | string | boolean | Shape | NumberArray | Body | Subgraph | undefined;
export type Attributes = Readonly<Record<string, Attribute>>;

/** What a node reads; an input that is left out is undefined. */
export type Inputs = readonly (Value | undefined)[];

/** What a node gives. */
export type Outputs = readonly [Value, ...Value[]];

/** The type of an output. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One application of an operator. */
export class Node<A extends Attributes = Attributes, I extends Inputs = Inputs, O extends Outputs = Outputs> {
  readonly id: number;
  readonly operator: Operator<A, I, O>;
  readonly inputs: I;
  readonly attributes: A;
  readonly outputs: O;
  /** What is computed before it: its inputs and, for a loop, what its body reaches. */
  readonly needs: readonly Value[];
  /** Where in the model it was made ("conv1", "step2/norm3"), for people who read the exported graph. */
  readonly scope: string;

  constructor(
    operator: Operator<A, I, O>,
    inputs: I,
    attributes: A,
    types: { readonly [K in keyof O]: ValueType },
    scope: string,
  ) {
    this.id = nextId++;
    this.operator = operator;
    this.inputs = inputs;
    this.attributes = attributes;
    this.needs = needsOf(inputs, attributes);
    this.scope = scope;
    // As many as there are types, which the compiler does not see through a map.
    this.outputs = types.map((type, index) => new Value(this, index, type.dtype, type.shape)) as readonly Value[] as O;
  }
}

let nextId = 0;

/** Kept in the node, since every walk over a graph asks for it. */
function needsOf(inputs: Inputs, attributes: Attributes): readonly Value[] {
  let needs: readonly Value[] = inputs.includes(undefined) ? operandsOf({ inputs }) : (inputs as readonly Value[]);
  for (const name in attributes) {
    const attribute = attributes[name];
    if (isBody(attribute)) needs = [...needs, ...attribute.parameters, ...attribute.results];
  }
  return needs;
}

/** One output of a node: an array of `dtype` and `shape` whose numbers are not there yet. */
export class Value {
  readonly node: Node;
  readonly index: number;
  readonly dtype: DType;
  readonly shape: Shape;

  constructor(node: Node, index: number, dtype: DType, shape: Shape) {
    this.node = node;
    this.index = index;
    this.dtype = dtype;
    this.shape = shape;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** `float32[support, 28, 28, 1]`, as messages show it. */
  toString(): string {
    return `${this.dtype}${showShape(this.shape)}`;
  }
}

/** What operators take: a value, or a number that becomes a scalar constant of the other operand's dtype. */
export type Operand = Value | number;

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
  | "attention"
  | "sampling"
  | "quantization"
  | "signal"
  | "random"
  | "classical"
  | "loss"
  | "control"
  | "recurrent";

/** The cotangents that a derivative rule gets: of one output it is there, of several some may be absent, which is zero. */
type Cotangents<O extends Outputs> = O extends readonly [Value]
  ? readonly [Value]
  : { readonly [K in keyof O]: Value | undefined };

/** What a derivative rule sees: the node as authored, its outputs, and the cotangents of these. */
export interface Derivative<A extends Attributes = Attributes, I extends Inputs = Inputs, O extends Outputs = Outputs> {
  readonly inputs: I;
  readonly outputs: O;
  readonly attributes: A;
  readonly cotangents: Cotangents<O>;
  /** Whether the cotangent of input `i` is wanted; a rule may leave the others out. */
  readonly needs: (i: number) => boolean;
}

/** The numbers of a node's inputs. */
type NumbersOf<I extends Inputs> = {
  readonly [K in keyof I]: I[K] extends Value ? NumberArray : NumberArray | undefined;
};

/** What the reference evaluation of an operator sees. */
export interface EvaluationContext<
  A extends Attributes = Attributes,
  I extends Inputs = Inputs,
  O extends Outputs = Outputs,
> {
  readonly inputs: NumbersOf<I>;
  readonly attributes: A;
  /** The shapes of the outputs with every symbol resolved. */
  readonly shapes: { readonly [K in keyof O]: readonly number[] };
  readonly outputs: O;
  /** The number that a size in the attributes stands for. */
  readonly resolve: (dim: Dim) => number;
  /** Says what a symbol stands for, for outputs whose size depends on the numbers. */
  readonly bind: (symbol: string, size: number) => void;
  /** The numbers that a graph inside the node gives for some. */
  readonly run: (graph: Subgraph, arrays: readonly NumberArray[]) => NumberArray[];
}

/** What others go by who treat operators alike; what is not said of an operator does not hold. */
export interface Traits {
  /** Its operands are repeated by broadcasting. What was repeated or reshaped before it need not be. */
  readonly broadcasts?: true;
  /** Each number of the result is made of the numbers at its place, after broadcasting, so that any shape will do. */
  readonly placewise?: true;
  /**
   * How it takes part in mixed precision. `product`: computes in float16. `range`: its results are in the range of its
   * operands, more or less, and it goes by them. `movement`: it gives the numbers that it gets. `rows`: its first output is in
   * float16, its statistics are not.
   */
  readonly float16?: "product" | "range" | "movement" | "rows";
  /** What it gives is drawn by chance when the graph runs, and is no constant whatever its inputs are. */
  readonly random?: true;
  /** The kernel of TensorFlow.js that computes it number by number. */
  readonly tfjs?: string;
}

/** All that is known of an operator, by the attributes, the inputs and the outputs that its nodes have. */
export interface Operator<A extends Attributes = Attributes, I extends Inputs = Inputs, O extends Outputs = Outputs> {
  /** The ONNX operator's exact name, or a name of our own where ONNX has none. */
  readonly name: string;
  readonly family: Family;
  readonly summary: string;
  /** The opset that brought the meaning used here; absent for operators of our own, which every target decomposes or lowers. */
  readonly since?: number;
  /** The ONNX operator that it is written as, for operators that only reading and the lowering to ONNX make. */
  readonly writtenAs?: string;
  readonly traits?: Traits;
  /** The types of the outputs. @throws InnerloopError where the inputs do not fit */
  infer(inputs: I, attributes: A): { readonly [K in keyof O]: ValueType };
  /** The cotangent of each input, absent where there is none. */
  gradient?(derivative: Derivative<A, I, O>): Inputs;
  /** The same on inputs of which some (`batched`) have a leading axis of tasks; every output gets one. */
  batch?(inputs: I, batched: readonly boolean[], attributes: A, original: I): O;
  /** What the operator is made of. */
  decompose?(inputs: I, attributes: A): O;
  /** The numbers of the outputs, in float64: the reference that constants are folded with and tests compare to. */
  evaluate?(evaluation: EvaluationContext<A, I, O>): { readonly [K in keyof O]: Float64Array };
  /** How many steps each number of the result takes; as many as there are inputs unless given. */
  work?(inputs: NumbersOf<I>, attributes: A): number;
}

/** Something that applies an operator, and by which its nodes are known. */
export interface Entry<A extends Attributes = Attributes, I extends Inputs = Inputs, O extends Outputs = Outputs> {
  readonly operator: Operator<A, I, O>;
}

/** Whether a node applies an operator: `is(node, Transpose)`. Its attributes, inputs and outputs have their types then. */
export const is = <A extends Attributes, I extends Inputs, O extends Outputs>(
  node: Node,
  { operator }: Entry<A, I, O>,
): node is Node<A, I, O> & Node => node.operator === operator;

/** The node that a value comes from, where that applies an operator. */
export const madeBy = <A extends Attributes, I extends Inputs, O extends Outputs>(
  { node }: Value,
  entry: Entry<A, I, O>,
): Node<A, I, O> | undefined => (is(node, entry) ? node : undefined);

/** What a node reads, without what is left out. */
export const operandsOf = ({ inputs }: { readonly inputs: Inputs }): Value[] =>
  inputs.filter((value) => value !== undefined);

export const isBody = (attribute: Attribute): attribute is Body =>
  typeof attribute === "object" && !Array.isArray(attribute) && "results" in attribute;

export const isSubgraph = (attribute: Attribute): attribute is Subgraph =>
  typeof attribute === "object" && !Array.isArray(attribute) && "gives" in attribute;

/** No attributes. */
export type None = Readonly<Record<never, never>>;

/** One input, or one output. */
export type One = readonly [Value];

/** Two inputs. */
export type Two = readonly [Value, Value];
