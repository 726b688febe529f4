// Making values: applying an operator, inputs and constants, and the scopes that nodes are named by. Equal nodes are made once.
import { type DType, InnerloopError } from "@innerloop/schemas";
import { spend } from "./budget.ts";
import { areTold, isTold } from "./fresh.ts";
import { interned } from "./interning.ts";
import { type Shape, sameShape, showShape, sizeOf } from "./shapes.ts";
import { remember } from "./told.ts";
import {
  type Attributes,
  type Inputs,
  madeBy,
  Node,
  type NumberArray,
  type Operator,
  type Outputs,
  type Value,
  type ValueType,
} from "./value.ts";

/** The scope that nodes are made in now. */
let here = "";

/** Runs `build` with `name` added to the scope of every node made in it. */
export function scope<T>(name: string, build: () => T): T {
  return within(name && here ? `${here}/${name}` : name || here, build);
}

/** Runs `build` with the scope of an existing node, as rewrites do to keep names. */
export function inScopeOf<T>(node: Node, build: () => T): T {
  return within(node.scope, build);
}

/** Runs `build`, which enters the scopes of existing nodes one after another. */
export function inScopes<T>(build: (enter: (node: Node) => void) => T): T {
  return within(here, () =>
    build((node) => {
      here = node.scope;
    }),
  );
}

function within<T>(inside: string, build: () => T): T {
  const before = here;
  here = inside;
  try {
    return build();
  } finally {
    here = before;
  }
}

/**
 * Applies an operator: infers its outputs' types and returns them. A node equal to one that lives already is not made
 * again.
 * @throws InnerloopError naming the operator and the given types where they do not fit it.
 */
export function apply<A extends Attributes, I extends Inputs, O extends Outputs>(
  operator: Operator<A, I, O>,
  inputs: NoInfer<I>,
  ...[attributes]: Record<never, never> extends A ? [attributes?: NoInfer<A>] : [attributes: NoInfer<A>]
): O {
  const [operands, known] = [withoutEnd(inputs), attributes ?? ({} as A)];
  const node = interned(operator, operands, known, () => {
    const types = operator.infer(operands, known);
    for (const { shape } of types) checkShape(shape, () => `${operator.name}(${operands.join(", ")})`);
    return made(operator, operands, known, types);
  });
  remember(node);
  return node.outputs;
}

/** A node of the same operator with the same attributes over other inputs, as rewrites make them: {@link apply} in short. */
export function reapply(node: Node, inputs: Inputs): Outputs {
  const { operator, attributes, outputs } = node;
  // Inputs of the same types give outputs of the same types, unless it is numbers that tell a size.
  if (!haveTypesOf(inputs, node.inputs) || (areTold() && outputs.some(({ shape }) => shape.some(isTold))))
    return apply(operator, inputs, attributes);
  return interned(operator, inputs, attributes, () => made(operator, inputs, attributes, outputs)).outputs;
}

function haveTypesOf(inputs: Inputs, others: Inputs): boolean {
  for (let i = 0; i < inputs.length; i++) if (!sameType(inputs[i], others[i])) return false;
  return inputs.length === others.length;
}

const sameType = (a: Value | undefined, b: Value | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.dtype === b.dtype && sameShape(a.shape, b.shape));

function made<A extends Attributes, I extends Inputs, O extends Outputs>(
  operator: Operator<A, I, O>,
  inputs: I,
  attributes: A,
  types: { readonly [K in keyof O]: ValueType },
): Node<A, I, O> {
  spend("nodes", 1);
  return new Node(operator, inputs, attributes, types, here);
}

/** Inputs without those that are left out at the end, so that one node has one list. */
function withoutEnd<I extends Inputs>(inputs: I): I {
  const length = inputs.findLastIndex((value) => value !== undefined) + 1;
  return length === inputs.length ? inputs : (inputs.slice(0, length) as Inputs as I);
}

/** The most axes of an array, and the most numbers: what no machine holds. */
const [mostAxes, mostNumbers] = [64, 2 ** 48];

/** @throws InnerloopError where no array has this shape */
function checkShape(shape: Shape, whose: () => string): void {
  const known = shape.filter((dim) => typeof dim !== "string");
  const whole = known.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
  if (whole && shape.length <= mostAxes && sizeOf(known) <= mostNumbers) return;
  throw new InnerloopError(
    "bad-shape",
    `${whose()} would be of the shape ${showShape(shape)}; sizes are whole numbers from 0 or names, on up to ${mostAxes} axes, of 2^48 numbers in all`,
    { exitStatus: 2 },
  );
}

const inputOperator: Operator<{ readonly name: string }, readonly [], readonly [Value]> = {
  name: "Input",
  family: "graph",
  summary: "A named input of the graph",
  infer: () => {
    throw new Error("An input has the type that it is made with.");
  },
};

/** A new named input of a graph. Two inputs are never the same value, whatever they are called. */
export function input(name: string, shape: Shape, dtype: DType = "float32"): Value {
  checkShape(shape, () => `The input ${name}`);
  return new Node(inputOperator, [], { name }, [{ dtype, shape }], "").outputs[0];
}

export const isInput = (value: Value): boolean => madeBy(value, Input) !== undefined;

/** The name of an input. @throws Error for another value */
export function inputName(value: Value): string {
  const node = madeBy(value, Input);
  if (node) return node.attributes.name;
  throw new Error(`${value} of ${value.node.operator.name} is no input and has no name.`);
}

const constantOperator: Operator<{ readonly value: NumberArray }, readonly [], readonly [Value]> = {
  name: "Constant",
  family: "graph",
  summary: "An array of numbers known when the graph is built",
  infer: (_, { value: { dtype, shape } }) => [{ dtype, shape }],
};

const [Input, Literal] = [{ operator: inputOperator }, { operator: constantOperator }];

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
  return apply(constantOperator, [], { value: { dtype, shape: dims, data } })[0];
}

/** The numbers of a constant, or undefined where the value is not one. */
export const constantOf = (value: Value): NumberArray | undefined => madeBy(value, Literal)?.attributes.value;

/** The one number of a constant that holds the same number everywhere, or undefined. */
export function uniformOf(value: Value): number | undefined {
  const data = constantOf(value)?.data;
  return data?.every((x) => x === data[0]) ? data[0] : undefined;
}
