// The reference evaluation of a graph: plain loops in float64. Constants are folded with it and tests compare with it;
// engines are for speed.
import { InnerloopError } from "@innerloop/schemas";
import { spend } from "./budget.ts";
import { constant, constantOf, inputName, isInput } from "./build.ts";
import { isSymbol, resolveDim, resolveShape } from "./dims.ts";
import { at, zip } from "./lists.ts";
import { sizeOf } from "./shapes.ts";
import { toldBy } from "./told.ts";
import { type Body, isBody, type Node, type NumberArray, operandsOf, type Value } from "./value.ts";
import { inOrder, topological } from "./walk.ts";

/** Numbers for a graph's input, of any dtype; `shape` is that of the input with its symbols resolved. */
export interface ShapedNumbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * The numbers of `outputs`, in float64 throughout.
 * @param feeds numbers for each input, by the input's name
 * @throws InnerloopError where an input has no numbers or ones of another shape
 */
export function evaluate(
  outputs: readonly Value[],
  feeds: Readonly<Record<string, ShapedNumbers>> = {},
): NumberArray[] {
  const run = new Run();
  for (const {
    outputs: [value],
  } of topological(outputs)) {
    if (!isInput(value)) continue;
    const name = inputName(value);
    const numbers = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (numbers) run.bind(value, numbers);
  }
  return run.compute(outputs);
}

/**
 * Values of constants alone, as constants. Those of 32 bits are rounded to these, as an engine does: a floor, or a whole number, of a few of them would be another of
 * what 64 bits hold.
 */
export const asConstants = (values: readonly Value[]): Value[] =>
  evaluate(values).map(({ data, shape, dtype }) =>
    constant(dtype === "float32" ? data.map(Math.fround) : data, shape, dtype),
  );

/** What is known so far: the numbers of values, and what the names of sizes stand for. */
class Run {
  readonly #known: Map<Value, NumberArray>;
  readonly #symbols: Map<string, number>;

  constructor(known: ReadonlyMap<Value, NumberArray> = new Map(), symbols: Map<string, number> = new Map()) {
    this.#known = new Map(known);
    this.#symbols = symbols;
  }

  /** Takes the numbers of an input, and what its shape says of open sizes. */
  bind(value: Value, { shape, data }: ShapedNumbers): void {
    value.shape.forEach((dim, axis) => {
      const size = shape[axis];
      if (!isSymbol(dim) || size === undefined) return;
      const before = this.#symbols.get(dim) ?? size;
      if (before !== size)
        throw new InnerloopError(
          "shape-mismatch",
          `The input ${inputName(value)} (${value}) says that the size "${dim}" is ${size}, another that it is ${before}; give arrays that agree.`,
          { exitStatus: 2 },
        );
      this.#symbols.set(dim, size);
    });
    const expected = resolveShape(value.shape, this.#symbols);
    if (expected.join() !== shape.join() || data.length !== sizeOf(expected))
      throw new InnerloopError(
        "shape-mismatch",
        `The input ${inputName(value)} needs ${value}, but got [${shape}] with ${data.length} numbers.`,
        { exitStatus: 2 },
      );
    this.#known.set(value, { dtype: value.dtype, shape: expected, data: Float64Array.from(data) });
  }

  /** The numbers of values; bodies of loops run when their loop does. */
  compute(outputs: readonly Value[]): NumberArray[] {
    for (const node of inOrder(outputs, (value) => this.#known.has(value), operandsOf)) {
      if (node.outputs.every((output) => this.#known.has(output))) continue;
      zip(node.outputs, this.#node(node), (output, array) => this.#known.set(output, array));
    }
    return outputs.map((value) => this.#numbers(value));
  }

  #numbers(value: Value): NumberArray {
    const array = this.#known.get(value);
    if (!array) throw new Error(`${value} of ${value.node.operator.name} is read before it is computed.`);
    return array;
  }

  #node(node: Node): NumberArray[] {
    const { operator, attributes, outputs } = node;
    const [value] = outputs;
    const literal = constantOf(value);
    if (literal) return [literal];
    if (isInput(value))
      throw new InnerloopError(
        "missing-input",
        `The input ${inputName(value)} (${value}) has no numbers; give it some.`,
        { exitStatus: 2 },
      );
    const body = Object.values(attributes).find(isBody);
    if (body) return this.#repeat(node, body);
    if (!operator.evaluate) {
      const parts = operator.decompose?.(node.inputs, attributes);
      if (!parts) throw new InnerloopError("unsupported-operator", `${operator.name} cannot be evaluated.`);
      return this.compute(parts);
    }
    const symbols = this.#symbols;
    const inputs = node.inputs.map((input) => input && this.#numbers(input));
    const told = new Set<unknown>([attributes.size, ...toldBy(node)]);
    const sized = (dim: Value["shape"][number]) =>
      inputs.length > 0 && typeof dim === "string" && told.has(dim) && !symbols.has(dim)
        ? -1
        : resolveDim(dim, symbols);
    const [first, ...others] = outputs.map((output) => output.shape.map(sized));
    const shapes = [first ?? [], ...others] as const;
    spend("work", workOf(node, inputs, shapes));
    const data = operator.evaluate({
      inputs,
      attributes,
      shapes,
      outputs,
      resolve: (dim) => resolveDim(dim, symbols),
      bind: (symbol, size) => symbols.set(symbol, size),
      run: ({ takes, gives }, arrays) => new Run(new Map(zip(takes, arrays, pair)), new Map(symbols)).compute(gives),
    });
    return zip(outputs, data, ({ dtype, shape }, numbers) => ({
      dtype,
      shape: resolveShape(shape, symbols),
      data: numbers,
    }));
  }

  #repeat({ inputs: [count, ...initial], attributes }: Node, { parameters, results }: Body): NumberArray[] {
    const turns = count ? at(this.#numbers(count).data, 0) : 0;
    const [iteration, ...carriedIn] = parameters;
    const collected = results.slice(carriedIn.length).map((value) => ({ value, turns: [] as Float64Array[] }));
    let carried = initial.flatMap((value) => (value ? [this.#numbers(value)] : []));
    if (typeof attributes.length === "string") this.#symbols.set(attributes.length, turns);
    for (let turn = 0; turn < turns; turn++) {
      const inside = new Map(this.#known);
      if (iteration) inside.set(iteration, { dtype: "int64", shape: [], data: Float64Array.of(turn) });
      zip(carriedIn, carried, (parameter, array) => inside.set(parameter, array));
      const arrays = new Run(inside, this.#symbols).compute(results);
      carried = arrays.slice(0, carriedIn.length);
      zip(collected, arrays.slice(carriedIn.length), (list, { data }) => list.turns.push(data));
    }
    const stacked = collected.map(({ value: { dtype, shape }, turns: each }) => ({
      dtype,
      shape: [turns, ...resolveShape(shape, this.#symbols)],
      data: Float64Array.from(each.flatMap((data) => [...data])),
    }));
    return [...carried, ...stacked];
  }
}

const pair = <A, B>(a: A, b: B): readonly [A, B] => [a, b];

/** How many numbers are read, written and multiplied for a node; what its inputs broadcast to counts as well. */
function workOf(
  { operator, attributes }: Node,
  inputs: readonly (NumberArray | undefined)[],
  shapes: readonly (readonly number[])[],
): number {
  const read = inputs.reduce((sum, array) => sum + (array?.data.length ?? 0), 0);
  const written = shapes.reduce((sum, shape) => sum + Math.max(1, sizeOf(shape)), 0);
  return read + written * Math.max(1, operator.work?.(inputs, attributes) ?? inputs.length);
}
