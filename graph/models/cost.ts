// What running a model takes, estimated before any work: the memory of what is alive at once, and the arithmetic.
import { bytesOf } from "@innerloop/schemas";
import { constantOf, isInput } from "../core/build.ts";
import { type Dim, resolveDim, termsOf } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import { isFloat } from "../core/operator.ts";
import { sizeOf } from "../core/shapes.ts";
import { is, type Node, type Value } from "../core/value.ts";
import { dependencies, topological } from "../core/walk.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { Scan } from "../ops/scan.ts";
import { flopsOf, type Sizing } from "../transforms/arithmetic.ts";
import { gradients } from "../transforms/grad.ts";
import { neededRows } from "../transforms/needed-rows.ts";
import { simplify } from "../transforms/simplify.ts";
import { type Model, table, valueNamed } from "./model.ts";
import { reachOf } from "./reach.ts";
import { openSizes, specialize } from "./sizes.ts";

/** What one run takes. */
export interface RunCost {
  /** The most bytes of what is alive at once, beside weights and inputs. */
  readonly bytes: number;
  /** Additions and multiplications. */
  readonly flops: number;
}

/** What a model takes, of sizes that are given. */
export interface ModelCost {
  /** What each open size was taken to be. */
  readonly sizes: Readonly<Record<string, number>>;
  /** The bytes of its weights. */
  readonly weights: number;
  readonly forward: RunCost;
  /** The value and its gradient by every weight that it reaches; absent where it reaches none. */
  readonly step?: RunCost;
}

/**
 * Estimates what a run of a model takes, and a step of training.
 * @param of what is differentiated: an output of floats; its sum, where it is no scalar
 * @param sizes what open sizes are; 1 for those that are not named
 * @throws InnerloopError for a name that is not there, and where the model does not take these sizes
 */
export function costOf(model: Model, of: string, sizes: Readonly<Record<string, number>> = {}): ModelCost {
  const assumed = table([...openSizes(model).map((name) => [name, 1] as const), ...Object.entries(sizes)]);
  const fixed = specialize(model, assumed);
  const weights = Object.keys(model.initializers).flatMap((name) => fixed.inputs[name] ?? []);
  const output = fixed.outputs[of] ?? valueNamed(fixed.tensors, of, "output");
  const floats = weights.filter(({ dtype }) => isFloat(dtype));
  const reach = reachOf(output, floats, {});
  const reached = floats.filter((value) => reach.reaches(value));
  const loss = output.rank === 0 ? output : ReduceSum(output, { keepdims: false });
  const step = reached.length > 0 && isFloat(output.dtype) ? [loss, ...gradients(loss, reached)] : [];
  return {
    sizes: assumed,
    weights: total(weights),
    forward: costOfRun(Object.values(fixed.outputs)),
    ...(step.length > 0 && { step: costOfRun(step.filter((value) => value !== undefined)) }),
  };
}

/** What the nodes of one operator take. */
export interface OperatorCost {
  readonly operator: string;
  readonly nodes: number;
  readonly flops: number;
}

/**
 * The arithmetic of a graph as it was built, by operator: what a target makes of it may take more. Those that take most first. What the
 * turns of a Scan compute counts as often as it has turns, its nodes once.
 * @param outputs of sizes that are known
 */
export function arithmetic(outputs: readonly Value[]): OperatorCost[] {
  const by = new Map<string, OperatorCost>();
  const count = (values: readonly Value[], times: number): void => {
    for (const node of topological(values)) {
      const { name } = node.operator;
      const turns = is(node, Scan) ? sizing.turns(node) : undefined;
      if (is(node, Scan) && turns !== undefined) count(node.attributes.body.gives, times * turns);
      const before = by.get(name) ?? { operator: name, nodes: 0, flops: 0 };
      const flops = turns === undefined ? times * flopsOf(node, sizing) : 0;
      by.set(name, { ...before, nodes: before.nodes + 1, flops: before.flops + flops });
    }
  };
  count(simplify(neededRows(outputs)), 1);
  return [...by.values()].filter(({ flops }) => flops > 0).sort((a, b) => b.flops - a.flops);
}

function costOfRun(outputs: readonly Value[]): RunCost {
  // As it was built: what a target makes of it takes long to work out, and counts much the same.
  const values = simplify(neededRows(outputs));
  return { bytes: mostAlive(values), flops: topological(values).reduce((sum, node) => sum + flopsOf(node, sizing), 0) };
}

/** A size as a number; what only data tell counts as 1. */
const known = (dim: Dim): number => {
  if (typeof dim === "number") return dim;
  return resolveDim(dim, new Map(termsOf(dim).flatMap(([, names]) => names.map((name) => [name, 1] as const))));
};
const sizing: Sizing = {
  known,
  turns: (node) => (is(node, Scan) ? known(at(at(node.inputs, node.attributes.states).shape, 0)) : undefined),
};
const numbersIn = ({ shape }: Value): number => sizeOf(shape.map(known));
const bytesIn = (value: Value): number => bytesOf(value.dtype, numbersIn(value));

const total = (values: readonly Value[]): number => values.reduce((sum, value) => sum + bytesIn(value), 0);

/** The most bytes that are alive at once, where each array goes after its last use. */
function mostAlive(outputs: readonly Value[]): number {
  const nodes = topological(outputs);
  const isThere = (value: Value) => isInput(value) || constantOf(value) !== undefined;
  // What has another shape alone is the same array.
  const holder = new Map<Value, Value>();
  const held = (value: Value): Value => holder.get(value) ?? value;
  for (const { operator, inputs, outputs } of nodes)
    if (operator.name === "Reshape" && inputs[0]) holder.set(outputs[0], held(inputs[0]));
  const last = new Map<Value, Node | undefined>();
  for (const node of nodes) for (const value of dependencies(node)) last.set(held(value), node);
  for (const value of outputs) last.set(held(value), undefined);
  let [alive, most] = [0, 0];
  for (const node of nodes) {
    const made = node.outputs.filter((value) => !isThere(value) && !holder.has(value));
    const freed = [...new Set(dependencies(node).map(held))].filter(
      (value) => !isThere(value) && last.get(value) === node,
    );
    const [more, less] = [total(made), total(freed)];
    const inPlace = node.operator.family === "elementwise" || node.operator.family === "activation";
    alive += more;
    most = Math.max(most, alive - (inPlace ? Math.min(more, less) : 0));
    alive -= less;
  }
  return most;
}
