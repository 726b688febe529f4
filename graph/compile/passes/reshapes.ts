// The pass `reshapes`: chains of elementwise operators, norms and what a loop hands on are computed in the shapes that need the fewest
// Reshapes around them.
import { apply, input, inputName, isInput } from "../../core/build.ts";
import { isTold } from "../../core/fresh.ts";
import { at, zip } from "../../core/lists.ts";
import { likelySize, type Shape, sameShape } from "../../core/shapes.ts";
import { type Attributes, type Body, is, madeBy, type Node, operandsOf, type Value } from "../../core/value.ts";
import { bodiesOf, topological } from "../../core/walk.ts";
import { rowNormalization } from "../../lowering/normalization.ts";
import { Loop } from "../../ops/control.ts";
import { unshaped } from "../../ops/internal/unshaped.ts";
import { Expand, Reshape } from "../../ops/movement.ts";
import { Scan } from "../../ops/scan.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { asOperand, inShape, operandShape, sameButLeading } from "../shapes.ts";
import { Gemm, type GemmAttributes, gemm } from "./products.ts";

export const reshapes: Pass = {
  name: "reshapes",
  why: "A convolution is written as products of matrices, a norm goes over rows, and between them pictures keep their axes, so that every second node of a small network is a Reshape, for which a runtime takes as long as for any other node; where a loop hands on what was reshaped, it copies it. What is elementwise can be computed in any shape: each chain gets the one that leaves the fewest Reshapes at its ends.",
  everywhere: false,
  run: (outputs) => {
    const asMade = scansAsMade(outputs);
    const chains = chainsOf(asMade);
    return chains.size === 0 ? asMade : inShapes(asMade, chains);
  },
};

const RowNormalization = { operator: rowNormalization };

/** Nodes that can be computed in several shapes, and the values that these have in common. */
class Chain {
  /** Each node by the output that is of the chain's shape. */
  readonly made = new Map<Value, Node>();
  /** What a loop hands on: the value at the start of a turn, and those that it becomes. */
  readonly states: Value[] = [];
  readonly shapes = new Map<string, Shape>();
  /** Values of the chain that are read in the shape that they have. */
  readonly ends = new Set<Value>();
  /** Those that are read by who repeats them, and for whom leading axes of one entry make no difference. */
  readonly repeated = new Set<Value>();
  /** Those among them that leave a graph or a turn, where a Reshape is a copy. */
  readonly handedOn = new Set<Value>();
}

/** Values by the chain that they belong to. */
class Chains {
  readonly #parents = new Map<Value, Value>();

  root(value: Value): Value {
    const parent = this.#parents.get(value);
    if (!parent || parent === value) return value;
    const root = this.root(parent);
    this.#parents.set(value, root);
    return root;
  }

  join(a: Value, b: Value): void {
    this.#parents.set(this.root(a), this.root(b));
  }
}

const isPlain = (value: Value): boolean => !value.shape.some(isTold);

/** A Reshape whose shape is known without looking at numbers. */
const isReshape = (node: Node): boolean => is(node, Reshape) && node.inputs.length === 1 && isPlain(node.outputs[0]);

/** Whether a node computes each number of its first output by the numbers at its place. */
const isPlacewise = (node: Node): boolean =>
  node.operator.traits?.placewise === true &&
  node.outputs.length === 1 &&
  node.inputs.every((value) => value !== undefined) &&
  isPlain(node.outputs[0]);

/** Whether a node normalizes rows with no gain of their own, whose axes may be any. */
const isNorm = (node: Node): boolean => is(node, RowNormalization) && node.inputs.length === 2;

/** Whether a node repeats what it reads there where that is smaller than its result. */
const isRepeated = (node: Node, i: number): boolean =>
  node.operator.traits?.broadcasts === true || (is(node, Gemm) && i === 2);

/** The operands of a node that have the shape of its result. */
const wholeOperands = (node: Node): Value[] =>
  isNorm(node)
    ? operandsOf(node).slice(0, 1)
    : operandsOf(node).filter((value) => sameShape(value.shape, node.outputs[0].shape));

/** The shape of each chain, by the values of it. */
function chainsOf(outputs: readonly Value[]): Map<Value, Shape> {
  const nodes = topological(outputs);
  const joined = new Chains();
  const loops = nodes.filter((node) => is(node, Loop));
  for (const node of nodes) {
    if (isReshape(node)) joined.join(node.outputs[0], at(operandsOf(node), 0));
    else if (isPlacewise(node) || isNorm(node))
      for (const operand of wholeOperands(node)) joined.join(node.outputs[0], operand);
  }
  for (const node of loops)
    for (const { parameter, next } of statesOf(node)) if (isPlain(parameter)) joined.join(parameter, next);

  const chains = new Map<Value, Chain>();
  const chainOf = (value: Value): Chain => {
    const root = joined.root(value);
    const chain = chains.get(root) ?? new Chain();
    chains.set(root, chain);
    chain.shapes.set(value.shape.join(), value.shape);
    return chain;
  };
  const states = new Set<Value>();
  for (const node of loops)
    for (const { parameter, next } of statesOf(node)) {
      if (!isPlain(parameter)) continue;
      states.add(parameter);
      chainOf(parameter).states.push(parameter, next);
    }
  for (const node of nodes) {
    const flexible = isPlacewise(node) || isNorm(node);
    if (flexible) chainOf(node.outputs[0]).made.set(node.outputs[0], node);
    if (isReshape(node)) {
      for (const value of [node.outputs[0], at(operandsOf(node), 0)]) chainOf(value);
      continue;
    }
    const whole = flexible ? new Set(wholeOperands(node)) : undefined;
    node.inputs.forEach((operand, i) => {
      if (!operand || whole?.has(operand)) return;
      const { ends, repeated } = chainOf(operand);
      (isRepeated(node, i) ? repeated : ends).add(operand);
    });
    for (const body of bodiesOf(node))
      body.results.forEach((result, i) => {
        const parameter = is(node, Loop) ? body.parameters[i + 1] : undefined;
        if (parameter && states.has(parameter)) return;
        chainOf(result).ends.add(result);
        chainOf(result).handedOn.add(result);
      });
  }
  for (const output of outputs) {
    chainOf(output).ends.add(output);
    chainOf(output).handedOn.add(output);
  }
  const chosen = new Map<Value, Shape>();
  for (const chain of chains.values()) {
    const shape = shapeOf(chain, states);
    if (!shape) continue;
    for (const value of chain.made.keys()) chosen.set(value, shape);
    for (const value of chain.states) if (states.has(value)) chosen.set(value, shape);
  }
  return chosen;
}

/** What a loop hands on: at the start of a turn, and as the turn leaves it. */
function statesOf(node: Node): { readonly parameter: Value; readonly next: Value }[] {
  const [body] = bodiesOf(node);
  if (!body) return [];
  return body.parameters.slice(1).map((parameter, i) => ({ parameter, next: at(body.results, i) }));
}

/** So many numbers are copied in the time that a node takes. */
const copied = 4096;

/** The shape of a chain that leaves the fewest Reshapes; undefined where it has nothing that can be computed in several. */
function shapeOf(chain: Chain, states: ReadonlySet<Value>): Shape | undefined {
  if (chain.made.size + chain.states.length === 0 || chain.shapes.size < 2) return undefined;
  let [best, least] = [undefined as Shape | undefined, Number.POSITIVE_INFINITY];
  for (const shape of chain.shapes.values()) {
    const price = priceOf(chain, shape, states);
    if (price < least) [best, least] = [shape, price];
  }
  return best;
}

/** How many nodes' time the Reshapes of a chain take where it is computed in a shape; infinite where it cannot be. */
function priceOf({ made, states, ends, repeated, handedOn }: Chain, shape: Shape, starts: ReadonlySet<Value>): number {
  const needed = new Map<string, number>();
  const need = (value: Value, wanted: Shape, copies = false): void => {
    const source = unshaped(value);
    const here = made.has(source) || starts.has(source) ? shape : source.shape;
    if (sameShape(here, wanted)) return;
    const key = `${source.node.id}.${source.index}:${wanted.join()}:${copies}`;
    needed.set(key, 1 + (copies ? likelySize(wanted) / copied : 0));
  };
  for (const node of made.values()) {
    if (isNorm(node)) {
      if (shape.length < 2 || shape[0] !== node.outputs[0].shape[0]) return Number.POSITIVE_INFINITY;
      need(at(operandsOf(node), 0), shape);
      continue;
    }
    for (const operand of operandsOf(node)) {
      const own = operandShape(operand.shape, node.outputs[0].shape, shape);
      if (!own) return Number.POSITIVE_INFINITY;
      const source = unshaped(operand);
      if (sameShape(operand.shape, node.outputs[0].shape)) need(operand, shape);
      else if (!sameShape(own, operand.shape) && !sameShape(own, source.shape))
        needed.set(`${source.node.id}.${source.index}:${own.join()}`, 1);
    }
  }
  for (const value of states) if (!starts.has(value)) need(value, shape, true);
  for (const value of ends) need(value, value.shape, handedOn.has(value));
  for (const value of repeated) if (!sameButLeading(value.shape, shape)) need(value, value.shape);
  return [...needed.values()].reduce((sum, price) => sum + price, 0);
}

/** The same values, each chain computed in its shape. */
function inShapes(outputs: readonly Value[], chosen: ReadonlyMap<Value, Shape>): Value[] {
  /** What a turn is given in another shape, by what it was given. */
  const given = new Map<Value, Value>();
  return rewrite(outputs, (node, inputs, attributes) => {
    const [y] = node.outputs;
    const operands = operandsOf({ inputs });
    if (isReshape(node)) return [inShape(at(operands, 0), y.shape)];
    if (is(node, Loop)) return handingOn(node, operands, attributes as typeof node.attributes, given);
    if (is(node, Gemm)) return summed(operands, attributes as typeof node.attributes);
    const shape = chosen.get(y);
    if (!shape) return undefined;
    if (isInput(y)) {
      if (sameShape(shape, y.shape)) return undefined;
      const parameter = input(inputName(y), shape, y.dtype);
      given.set(y, parameter);
      return [Reshape(parameter, y.shape)];
    }
    if (isNorm(node)) return normalized(node, operands, attributes, shape);
    const changed = operands.map((value) => {
      const own = operandShape(value.shape, y.shape, shape) ?? value.shape;
      return sameShape(value.shape, y.shape) ? inShape(value, own) : asOperand(value, own, shape.length);
    });
    return apply(node.operator, changed, attributes).map((value) => inShape(value, y.shape));
  });
}

/** What the turns of a Scan give, as it is made: a Reshape at the end of a graph is a copy in every turn, and after them none. */
function scansAsMade(outputs: readonly Value[]): readonly Value[] {
  if (!topological(outputs).some((node) => is(node, Scan) && sourcesOf(node.attributes.body.gives))) return outputs;
  return rewrite(outputs, (node, inputs) => {
    if (!is(node, Scan)) return undefined;
    const { body, states, scanned, reverse, maybeNever = false, holds } = node.attributes;
    const made = sourcesOf(body.gives);
    if (!made) return undefined;
    const operands = operandsOf({ inputs });
    const captured = operands.slice(states + scanned);
    const { carried, collected } = Scan(
      operands.slice(0, states).map((value, i) => inShape(value, at(made, i).shape)),
      operands.slice(states, states + scanned),
      (now, entries) => {
        const starts = now.map((value, i) => inShape(value, at(body.takes, i).shape));
        const given = new Map(zip(body.takes, [...starts, ...entries, ...captured], (value, other) => [value, other]));
        const results = rewrite(
          made,
          (inner, [x]) => (x && isReshape(inner) ? [inShape(x, inner.outputs[0].shape)] : undefined),
          given,
        );
        return { carried: results.slice(0, states), collected: results.slice(states) };
      },
      { reverse, maybeNever, ...(holds && { holds }) },
    );
    return [...carried, ...collected].map((value, i) => inShape(value, at(node.outputs, i).shape));
  });
}

/** What is behind the Reshapes that a graph gives; undefined where it gives none. */
function sourcesOf(gives: readonly Value[]): Value[] | undefined {
  const found = new Set(gives);
  const sources = gives.map((value) => {
    const source = isReshape(value.node) ? unshaped(value) : value;
    if (source === value || found.has(source) || !isPlain(source)) return value;
    found.add(source);
    return source;
  });
  return sources.every((value, i) => value === gives[i]) ? undefined : sources;
}

/** A product and a sum, of which a row that is added has leading axes of one entry or not. */
function summed([a, b, c]: readonly Value[], attributes: GemmAttributes): Value[] | undefined {
  if (!a || !b || !c) return undefined;
  return [...apply(gemm, [a, b, asOperand(c, c.shape, 2)], attributes)];
}

/** A norm of rows that have several axes. */
function normalized(node: Node, [x, scale]: readonly Value[], attributes: Attributes, shape: Shape): Value[] {
  if (!x || !scale) return [...node.outputs];
  const repeated = madeBy(scale, Expand);
  const gain = repeated ? Expand(repeated.inputs[0], shape.slice(1)) : inShape(scale, shape.slice(1));
  const { epsilon } = attributes as { readonly epsilon: number };
  const results = apply(rowNormalization, [inShape(x, shape), gain], { axis: 1, epsilon });
  return zip(results, node.outputs, (value, { shape: own }) => inShape(value, own));
}

/** A loop whose turns hand on what they are given in the shapes in which it is given. */
function handingOn(
  node: Node,
  [count, ...initial]: readonly Value[],
  { body: { parameters, results }, length }: { readonly body: Body; readonly length: string },
  given: ReadonlyMap<Value, Value>,
): Value[] | undefined {
  if (!count || !parameters.some((parameter) => given.has(parameter))) return undefined;
  const now = parameters.map((parameter) => given.get(parameter) ?? parameter);
  const shapeOf = (i: number): Shape => at(now, i + 1).shape;
  const body: Body = {
    parameters: now,
    results: results.map((value, i) => (i < initial.length ? inShape(value, shapeOf(i)) : value)),
  };
  const starts = initial.map((value, i) => inShape(value, shapeOf(i)));
  return apply(Loop.operator, [count, ...starts], { body, length }).map((value, i) =>
    inShape(value, at(node.outputs, i).shape),
  );
}
