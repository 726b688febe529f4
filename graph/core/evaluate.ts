// The reference evaluation of a graph: plain loops in float64. Constants are folded with it and tests compare with it;
// engines are for speed.
import { InnerloopError } from "@innerloop/schemas";
import { spend } from "./budget.ts";
import { resolveDim } from "./dims.ts";
import {
  type Body,
  constantOf,
  inputName,
  isBody,
  isInput,
  type Node,
  type NumberArray,
  topological,
  type Value,
} from "./value.ts";

/** Numbers for a graph's input, of any dtype; `shape` is that of the input with its symbols resolved. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * The numbers of `outputs`, in float64 throughout.
 * @param feeds numbers for each input, by the input's name
 * @throws InnerloopError where an input has no numbers or ones of another shape
 */
export function evaluate(outputs: readonly Value[], feeds: Readonly<Record<string, Numbers>> = {}): NumberArray[] {
  const known = new Map<Value, NumberArray>();
  const symbols = new Map<string, number>();
  for (const node of topological(outputs)) {
    const value = node.outputs[0];
    if (!value || !isInput(value)) continue;
    const name = inputName(value);
    const numbers = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (numbers) known.set(value, bound(value, numbers, symbols));
  }
  run(outputs, known, symbols);
  return outputs.map((value) => known.get(value)!);
}

function bound(value: Value, { shape, data }: Numbers, symbols: Map<string, number>): NumberArray {
  value.shape.forEach((dim, axis) => {
    const given = shape[axis];
    if (typeof dim !== "string" || !/^[A-Za-z_][\w.]*$/.test(dim) || given === undefined) return;
    const before = symbols.get(dim) ?? given;
    if (before !== given)
      throw new InnerloopError(
        "shape-mismatch",
        `The input ${inputName(value)} (${value}) says that the size "${dim}" is ${given}, another that it is ${before}; give arrays that agree.`,
        { exitStatus: 2 },
      );
    symbols.set(dim, given);
  });
  const expected = value.shape.map((dim) => resolveDim(dim, symbols));
  const size = expected.reduce((a, b) => a * b, 1);
  if (expected.join() !== shape.join() || data.length !== size)
    throw new InnerloopError(
      "shape-mismatch",
      `The input ${inputName(value)} needs ${value}, but got [${shape}] with ${data.length} numbers.`,
      { exitStatus: 2 },
    );
  return { dtype: value.dtype, shape: expected, data: Float64Array.from(data) };
}

function run(outputs: readonly Value[], known: Map<Value, NumberArray>, symbols: Map<string, number>): void {
  for (const node of order(outputs, known)) {
    if (node.outputs.every((output) => known.has(output))) continue;
    compute(node, known, symbols).forEach((array, i) => {
      known.set(node.outputs[i]!, array);
    });
  }
}

/** Nodes to run, without the bodies of loops, which run when their loop does. */
function order(outputs: readonly Value[], known: ReadonlyMap<Value, NumberArray>): Node[] {
  const done = new Set<Node>();
  const nodes: Node[] = [];
  const stack: [Node, number][] = [];
  const push = (value: Value) => {
    if (!known.has(value) && !done.has(value.node)) stack.push([value.node, 0]);
  };
  for (const output of outputs) {
    push(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const next = top[0].inputs[top[1]++];
      if (next) push(next);
      else {
        stack.pop();
        if (!done.has(top[0])) nodes.push(top[0]);
        done.add(top[0]);
      }
    }
  }
  return nodes;
}

function compute(node: Node, known: Map<Value, NumberArray>, symbols: Map<string, number>): NumberArray[] {
  const { operator, attributes, outputs } = node;
  const value = outputs[0]!;
  const literal = constantOf(value);
  if (literal) return [literal];
  if (isInput(value))
    throw new InnerloopError(
      "missing-input",
      `The input ${inputName(value)} (${value}) has no numbers; give it some.`,
      { exitStatus: 2 },
    );
  const inputs = node.inputs.map((input) => known.get(input)!);
  const body = Object.values(attributes).find(isBody);
  if (body) return repeat(inputs, body, node, known, symbols);
  if (!operator.evaluate) {
    const parts = operator.decompose?.(node.inputs, attributes);
    if (!parts) throw new InnerloopError("unsupported-operator", `${operator.name} cannot be evaluated.`);
    run(parts, known, symbols);
    return parts.map((part) => known.get(part)!);
  }
  const shapes = outputs.map((output) =>
    output.shape.map((dim) =>
      typeof dim === "string" && dim === attributes.size && !symbols.has(dim) ? -1 : resolveDim(dim, symbols),
    ),
  );
  spend("work", workOf(node, inputs, shapes));
  const data = operator.evaluate({
    inputs,
    attributes,
    shapes,
    outputs,
    resolve: (dim) => resolveDim(dim, symbols),
    bind: (symbol, size) => symbols.set(symbol, size),
  });
  return data.map((numbers, i) => ({
    dtype: outputs[i]!.dtype,
    shape: outputs[i]!.shape.map((dim) => resolveDim(dim, symbols)),
    data: numbers,
  }));
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** How many numbers are read, written and multiplied for a node; what its inputs broadcast to counts as well. */
function workOf(
  { operator: { name }, inputs: values, attributes }: Node,
  inputs: readonly NumberArray[],
  shapes: readonly (readonly number[])[],
): number {
  const written = shapes.reduce((sum, shape) => sum + Math.max(1, product(shape)), 0);
  const [a, b] = inputs;
  const each =
    name === "MatMul"
      ? a!.shape.at(-1)!
      : name === "CumSum"
        ? a!.shape[attributes.axis as number]!
        : name.startsWith("Convolution")
          ? b!.data.length
          : name.startsWith("MaxPooling")
            ? product(attributes.kernel as readonly number[])
            : values.length;
  return inputs.reduce((sum, { data }) => sum + data.length, 0) + written * Math.max(1, each);
}

function repeat(
  [count, ...initial]: NumberArray[],
  body: Body,
  node: Node,
  known: ReadonlyMap<Value, NumberArray>,
  symbols: Map<string, number>,
): NumberArray[] {
  const turns = count!.data[0]!;
  const collected: NumberArray[][] = body.results.slice(initial.length).map(() => []);
  let carried = initial;
  symbols.set(node.attributes.length as string, turns);
  for (let turn = 0; turn < turns; turn++) {
    const inside = new Map(known);
    inside.set(body.parameters[0]!, { dtype: "int64", shape: [], data: Float64Array.of(turn) });
    carried.forEach((array, i) => {
      inside.set(body.parameters[i + 1]!, array);
    });
    run(body.results, inside, symbols);
    const results = body.results.map((value) => inside.get(value)!);
    carried = results.slice(0, initial.length);
    results.slice(initial.length).forEach((array, i) => {
      collected[i]!.push(array);
    });
  }
  const stacked = collected.map((arrays, i) => {
    const shape = body.results[initial.length + i]!.shape.map((dim) => resolveDim(dim, symbols));
    const data = Float64Array.from(arrays.flatMap((array) => [...array.data]));
    return { dtype: body.results[initial.length + i]!.dtype, shape: [turns, ...shape], data };
  });
  return [...carried, ...stacked];
}
