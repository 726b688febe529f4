// Where derivatives go in a model, and which of its nodes stop them.
import { isFlat, isFloat } from "../core/operator.ts";
import { type Node, operandsOf, type Value } from "../core/value.ts";
import { dependencies, inOrder } from "../core/walk.ts";
import { floatsOf, type Model, type Named, valueNamed } from "./model.ts";

/** A node that no derivative goes through. */
export interface Stop {
  /** The operator of graphs that stops it. */
  readonly operator: string;
  /** What it makes, or the first thing after it that has a name in the model. */
  readonly makes: string | undefined;
}

/** The derivatives of a value: what they reach, and what is in their way. */
export interface Reach {
  /** Whether a derivative of the output by this value is anything but zero everywhere. */
  reaches(value: Value): boolean;
  /** Whether the output depends on a value at all. */
  depends(value: Value): boolean;
  /** The nodes that stop the derivatives by a value which none reaches. */
  stops(value: Value): readonly Stop[];
}

/**
 * Looks where the derivatives of `output` go.
 * @param sources the values that are asked about, which nothing behind is looked at
 * @param named what has a name in the model
 */
export function reachOf(output: Value, sources: readonly Value[], named: Named): Reach {
  const leaves = new Set(sources);
  const parts = new Map<Node, readonly Value[]>();
  /** What a node is made of, where it has no derivative of its own. */
  const needs = (node: Node): readonly Value[] => {
    const { gradient, decompose } = node.operator;
    if (gradient || !decompose) return dependencies(node);
    const made = decompose(node.inputs, node.attributes);
    parts.set(node, made);
    return made;
  };
  const order = inOrder([output], (value) => leaves.has(value), needs);
  const reached = new Set<Value>(isFloat(output.dtype) ? [output] : []);
  for (const node of [...order].reverse()) {
    const made = parts.get(node);
    if (made)
      made.forEach((part, i) => {
        const whole = node.outputs[i];
        if (whole && reached.has(whole)) reached.add(part);
      });
    else if (node.outputs.some((value) => reached.has(value)) && !stopsAt(node))
      for (const value of operandsOf(node)) if (isFloat(value.dtype)) reached.add(value);
  }
  /** The nodes that values lead to, as far as `through` lets them. */
  const after = (from: readonly Value[], through: (node: Node) => boolean): Node[] => {
    const moving = new Set(from);
    return order.filter((node) => {
      const made = parts.get(node);
      const uses = (made ?? dependencies(node)).some((value) => moving.has(value));
      if (!uses || !through(node)) return uses;
      node.outputs.forEach((value, i) => {
        const part = made?.[i];
        if (!part || moving.has(part)) moving.add(value);
      });
      return true;
    });
  };
  const names = new Map(Object.entries(named).map(([name, value]) => [value, name]));
  const firstName = (node: Node): string | undefined =>
    [node, ...after(node.outputs, () => true)]
      .flatMap(({ outputs }) => outputs.map((value) => names.get(value)))
      .find((name) => name !== undefined);
  return {
    reaches: (value) => reached.has(value),
    depends: (value) => value === output || after([value], () => true).length > 0,
    stops(value) {
      const stopping = after([value], (node) => !stopsAt(node)).filter(
        (node) => stopsAt(node) && !parts.has(node) && operandsOf(node).length > 0,
      );
      return stopping.map((node) => ({ operator: node.operator.name, makes: firstName(node) }));
    },
  };
}

/** Whether no derivative goes through a node: it is flat, has no rule, or what it makes are no floats. */
const stopsAt = ({ operator: { gradient, decompose }, outputs, operator }: Node): boolean =>
  isFlat(operator) ||
  (gradient === undefined && decompose === undefined) ||
  outputs.every(({ dtype }) => !isFloat(dtype));

/** Why a derivative is nowhere, for a message. */
export function whyNot(reach: Reach, value: Value): string {
  if (!reach.depends(value)) return "does not depend on it";
  const stops = reach
    .stops(value)
    .map(({ operator, makes }) => (makes === undefined ? operator : `${operator}, which makes "${makes}"`));
  const [first = "an operator without a derivative", ...others] = new Set(stops);
  return `reaches it through ${first}${others.length > 0 ? `, and ${others.slice(0, 2).join(", ")}` : ""} alone, where the derivative is zero or not defined`;
}

/** Whether the derivative of an output by something is more than zero, and if not, why. */
export interface DerivativeBy {
  readonly name: string;
  readonly reached: boolean;
  /** "does not depend on it", or the nodes that stop it. */
  readonly why?: string;
}

/**
 * Which of a model's floats, inputs and weights, the derivative of an output reaches.
 * @param of an output, or what a node makes
 */
export function reach(
  { inputs, outputs, tensors }: Pick<Model, "inputs" | "outputs" | "tensors">,
  of: string,
): DerivativeBy[] {
  const output = outputs[of] ?? valueNamed(tensors, of, "output");
  const sources = Object.entries(floatsOf(inputs));
  const found = reachOf(
    output,
    sources.map(([, value]) => value),
    tensors,
  );
  return sources.map(([name, value]) =>
    found.reaches(value) ? { name, reached: true } : { name, reached: false, why: whyNot(found, value) },
  );
}
