// Where derivatives go in a model, and which of its nodes stop them.
import { isFlat, isFloat } from "../core/operator.ts";
import { type Node, operandsOf, type Value } from "../core/value.ts";
import { dependencies, dependents, topological } from "../core/walk.ts";
import { decomposeExcept } from "../transforms/rewrite.ts";
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
  const leaves = new Map(sources.map((value) => [value, value]));
  const names = Object.keys(named);
  const [end, ...others] = decomposeExcept(
    [output, ...Object.values(named)],
    ({ gradient, decompose }) => gradient !== undefined || decompose === undefined,
    "grad",
    leaves,
  );
  if (!end) throw new Error("There is one value for each.");
  const nameOf = new Map(others.map((value, i) => [value, names[i]]));
  const needed = topological([end], new Set(sources));
  const there = new Set(needed);
  const reached = new Set<Value>(isFloat(end.dtype) ? [end] : []);
  for (const node of [...needed].reverse())
    if (node.outputs.some((value) => reached.has(value)) && !stopsAt(node))
      for (const value of operandsOf(node)) if (isFloat(value.dtype)) reached.add(value);
  const uses = (node: Node, values: ReadonlySet<Value>) => dependencies(node).some((value) => values.has(value));
  return {
    reaches: (value) => reached.has(value),
    depends: (value) => value === end || needed.some((node) => dependencies(node).includes(value)),
    stops(value) {
      const after = dependents([end], [value]);
      const moving = new Set([value]);
      const found: Stop[] = [];
      for (const node of needed) {
        if (!after.has(node) || !uses(node, moving)) continue;
        if (stopsAt(node)) found.push({ operator: node.operator.name, makes: firstName(node) });
        else for (const made of node.outputs) if (isFloat(made.dtype)) moving.add(made);
      }
      return found;
    },
  };

  function firstName(node: Node): string | undefined {
    const after = dependents([end as Value], node.outputs);
    const order = needed.slice(needed.indexOf(node)).filter((next) => next === node || after.has(next));
    for (const next of order)
      for (const value of next.outputs) {
        const name = nameOf.get(value);
        if (name !== undefined && there.has(next)) return name;
      }
    return undefined;
  }
}

/** Whether no derivative goes through a node: it is flat, has no rule, or what it makes are no floats. */
const stopsAt = (node: Node): boolean =>
  isFlat(node.operator) || node.operator.gradient === undefined || node.outputs.every(({ dtype }) => !isFloat(dtype));

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
