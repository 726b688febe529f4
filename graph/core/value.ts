// Values and nodes: the immutable graph that everything else here builds, walks and rewrites. A graph is what can be
// reached from its outputs; equal nodes are made once.
import { type DType, InnerloopError } from "@innerloop/schemas";
import { spend } from "./budget.ts";
import { type Dim, type Shape, showShape, sizeOf } from "./dims.ts";
import { interned } from "./interning.ts";
import type { Operator } from "./operator.ts";

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

export type Attribute = number | string | boolean | Shape | NumberArray | Body | undefined;
export type Attributes = Readonly<Record<string, Attribute>>;

/** One application of an operator. */
export class Node {
  readonly id: number;
  readonly operator: Operator;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** Where in the model it was made ("conv1", "step2/norm3"), for people who read the exported graph. */
  readonly scope: string;

  constructor(
    operator: Operator,
    inputs: readonly Value[],
    attributes: Attributes,
    types: readonly { dtype: DType; shape: Shape }[],
    scope: string,
  ) {
    this.id = nextId++;
    this.operator = operator;
    this.inputs = inputs;
    this.attributes = attributes;
    this.scope = scope;
    this.outputs = types.map((type, index) => new Value(this, index, type.dtype, type.shape));
  }
}

let nextId = 0;

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

let scopes: readonly string[] = [];

/** Runs `build` with `name` added to the scope of every node made in it. */
export function scope<T>(name: string, build: () => T): T {
  const before = scopes;
  scopes = name ? [...scopes, name] : scopes;
  try {
    return build();
  } finally {
    scopes = before;
  }
}

/** Runs `build` with the scope of an existing node, as rewrites do to keep names. */
export function inScopeOf<T>(node: Node, build: () => T): T {
  const before = scopes;
  scopes = node.scope ? [node.scope] : [];
  try {
    return build();
  } finally {
    scopes = before;
  }
}

/**
 * Applies an operator: infers its outputs' types and returns them. A node equal to one that lives already is not made
 * again.
 * @throws InnerloopError naming the operator and the given types where they do not fit it.
 */
export function apply(operator: Operator, inputs: readonly Value[], attributes: Attributes = {}): readonly Value[] {
  const make = (): Node => {
    spend("nodes", 1);
    const types = operator.infer(inputs, attributes);
    for (const { shape } of types) checkShape(shape, () => `${operator.name}(${inputs.join(", ")})`);
    return new Node(operator, inputs, attributes, types, scopes.join("/"));
  };
  return interned(operator, inputs, attributes, make).outputs;
}

/** The most axes of an array, and the most numbers: what no machine holds. */
const [mostAxes, mostNumbers] = [64, 2 ** 48];

/** @throws InnerloopError where no array has this shape */
function checkShape(shape: Shape, whose: () => string): void {
  const known = shape.filter((dim) => typeof dim !== "string");
  const whole = known.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
  if (whole && shape.length <= mostAxes && known.reduce<number>((a, b) => a * b, 1) <= mostNumbers) return;
  throw new InnerloopError(
    "bad-shape",
    `${whose()} would be of the shape ${showShape(shape)}; sizes are whole numbers from 0 or names, on up to ${mostAxes} axes, of 2^48 numbers in all`,
    { exitStatus: 2 },
  );
}

const inputOperator: Operator = {
  name: "Input",
  family: "graph",
  summary: "A named input of the graph",
  infer: () => [],
};

/** A new named input of a graph. Two inputs are never the same value, whatever they are called. */
export function input(name: string, shape: Shape, dtype: DType = "float32"): Value {
  checkShape(shape, () => `The input ${name}`);
  return new Node(inputOperator, [], { name }, [{ dtype, shape }], "").outputs[0]!;
}

export const isInput = (value: Value): boolean => value.node.operator === inputOperator;

/** The name of an input. */
export const inputName = (value: Value): string => value.node.attributes.name as string;

const constantOperator: Operator = {
  name: "Constant",
  family: "graph",
  summary: "An array of numbers known when the graph is built",
  infer: (_, { value }) => [{ dtype: (value as NumberArray).dtype, shape: (value as NumberArray).shape }],
};

/** A constant: a number, a list, or an array with a shape. */
export function constant(
  numbers: number | readonly number[] | Float64Array,
  shape?: readonly number[],
  dtype: DType = "float32",
): Value {
  const data =
    typeof numbers === "number"
      ? Float64Array.of(numbers)
      : numbers instanceof Float64Array
        ? numbers.slice()
        : Float64Array.from(numbers);
  const dims = shape ?? (typeof numbers === "number" ? [] : [data.length]);
  if (data.length !== sizeOf(dims))
    throw new InnerloopError("bad-constant", `${data.length} numbers do not fill the shape ${showShape(dims)}.`);
  return apply(constantOperator, [], { value: { dtype, shape: dims, data } })[0]!;
}

/** The numbers of a constant, or undefined where the value is not one. */
export const constantOf = (value: Value): NumberArray | undefined =>
  value.node.operator === constantOperator ? (value.node.attributes.value as NumberArray) : undefined;

/** The one number of a constant that holds the same number everywhere, or undefined. */
export function uniformOf(value: Value): number | undefined {
  const data = constantOf(value)?.data;
  return data !== undefined && data.length > 0 && data.every((x) => x === data[0]) ? data[0] : undefined;
}

/** All nodes that `outputs` need, each after those that it needs; nodes inside loop bodies are included. */
export function topological(outputs: readonly Value[], stop: ReadonlySet<Value> = new Set()): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 1 | 2>();
  const stack: { node: Node; next: Iterator<Value> }[] = [];
  const visit = (value: Value) => {
    if (stop.has(value) || state.has(value.node)) return;
    state.set(value.node, 1);
    stack.push({ node: value.node, next: dependencies(value.node)[Symbol.iterator]() });
  };
  for (const output of outputs) {
    visit(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const { value, done } = top.next.next();
      if (!done) visit(value);
      else {
        stack.pop();
        order.push(top.node);
      }
    }
  }
  return order;
}

/** What a node needs: its inputs and, for a loop, what its body reaches. */
export function dependencies(node: Node): readonly Value[] {
  const bodies = Object.values(node.attributes).filter(isBody);
  return bodies.length === 0
    ? node.inputs
    : [...node.inputs, ...bodies.flatMap((b) => [...b.parameters, ...b.results])];
}

export const isBody = (attribute: Attribute): attribute is Body =>
  typeof attribute === "object" && "results" in attribute;

/** The nodes, among those that `outputs` need, that depend on any of `sources` (their own nodes included). */
export function dependents(outputs: readonly Value[], sources: Iterable<Value>): Set<Node> {
  const found = new Set<Node>([...sources].map((value) => value.node));
  for (const node of topological(outputs))
    if (dependencies(node).some((value) => found.has(value.node))) found.add(node);
  return found;
}

/** A size that is known by now. @throws InnerloopError where it is symbolic */
export function fixed(dim: Dim, what: string): number {
  if (typeof dim === "number") return dim;
  throw new InnerloopError(
    "open-dim",
    `${what} needs a size that is known when the graph is built, but got "${dim}"; give a number.`,
  );
}
