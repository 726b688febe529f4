// What steps of a recurrent network have computed: a gradient computes all of it once more, from the same products on, for all steps at once.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Node } from "../../read.ts";
import { callsOf, definitionOf } from "../definitions.ts";
import type { Compute, Operators, Plan } from "../plan.ts";
import type { FunctionName, Store } from "../steps.ts";
import { permuted, reshaped, together, type Value } from "../views.ts";
import { floatOf, intOf } from "./parts.ts";

/** Each of these is [steps, batch, columns] unless it says otherwise. */
export interface Remembered {
  /** What steps are fed, [steps, batch, inputs], by which weights, [columns, inputs], and their product. */
  readonly input: Value;
  readonly feeding: Value;
  readonly fed: Value;
  /** What the first step begins with, [batch, size], and what each gives, [steps, batch, size]. */
  readonly begun: Value;
  readonly given: Value;
  /** [columns, size] */
  readonly weights: Value;
  /** What each step had before it, times the weights turned around. */
  readonly product: Value;
  /** What is added: two arrays [columns], and their sum. */
  readonly biases: readonly Value[];
  readonly bias: Value;
  /** Functions of all that together, where steps have no others: of columns up to some place the first, of the rest the second. */
  readonly gates?: Value;
  readonly functions: readonly [FunctionName, FunctionName];
  /** Where those of the second begin. */
  readonly second: number;
  readonly cells?: Cells;
}

/** What cells hold, each step's that of the one before times a gate, and a product of two more: [steps, batch, size]. */
export interface Cells {
  /** What the first step begins with and the last one leaves, [batch, size]. */
  readonly begun: Value;
  readonly last: Value;
  /** What each step begins with. */
  readonly before: Value;
  readonly kept: Value;
  readonly added: readonly [Value, Value];
}

/** What is known of the sums on the way to gates, by where they lie. */
interface Sums {
  readonly all: Remembered[];
  readonly ofBiases: Map<Store, Remembered>;
  readonly ofFed: Map<Store, Remembered>;
  readonly before: Map<Store, Remembered>;
}

const plans = new WeakMap<Plan, Sums>();

export function remember(plan: Plan, one: Remembered): void {
  const sums: Sums = plans.get(plan) ?? { all: [], ofBiases: new Map(), ofFed: new Map(), before: new Map() };
  plans.set(plan, sums);
  sums.all.push(one);
}

/** The product of two arrays, where steps have computed it. */
export function remembered(plan: Plan, left: Value, right: Value): Value | undefined {
  const sums = plans.get(plan);
  return sums && (fedBefore(plan, sums.all, left, right) ?? ofSteps(plan, sums.all, left, right));
}

function fedBefore(plan: Plan, all: readonly Remembered[], left: Value, right: Value): Value | undefined {
  const found = all.find(
    ({ input, feeding }) =>
      lieAlike(right, permuted(feeding, [1, 0])) &&
      (isSame(plan, left, input) || isSame(plan, left, plan.written(input))),
  );
  return found && reshaped(found.fed, [...left.shape.slice(0, -1), right.shape.at(-1)!]);
}

function ofSteps(plan: Plan, all: readonly Remembered[], left: Value, right: Value): Value | undefined {
  const joined = left.shape.length === 3 && together(left) ? plan.pending.partsOf(left) : undefined;
  if (joined?.axis !== 0 || joined.parts.length !== 2 || right.shape.length !== 2) return undefined;
  const [first, others] = joined.parts as readonly [Value, Value];
  const found = all.find(({ begun, given, weights }) => {
    const before = others.store === given.store && others.offset === given.offset && together(others);
    const whole = left.shape.every((size, axis) => size === given.shape[axis]) && first.shape[0] === 1;
    return before && whole && isSame(plan, first, begun) && lieAlike(right, permuted(weights, [1, 0]));
  });
  return found?.product;
}

const lieAlike = (a: Value, b: Value): boolean =>
  a.store === b.store &&
  a.offset === b.offset &&
  a.shape.join() === b.shape.join() &&
  a.strides.join() === b.strides.join();

/** Whether two arrays have the same numbers, as far as can be told before a run. */
function isSame(plan: Plan, a: Value, b: Value): boolean {
  if (sizeOf(a.shape) !== sizeOf(b.shape)) return false;
  if (a.depth === 0 && b.depth === 0) {
    const numbers = plan.numbers(b);
    return plan.numbers(a).every((number, i) => number === numbers[i]);
  }
  const alike = reshaped(a, b.shape);
  return alike !== undefined && lieAlike(alike, b);
}

/** Operators that look whether steps have computed what they are to. */
export function remembering({ Add, Gemm, Loop, Scan, Sigmoid, Tanh }: Operators): Operators {
  return {
    Add: (plan, inputs, node, scope) => {
      const results = Add!(plan, inputs, node, scope);
      const sums = plans.get(plan);
      const [a, b] = inputs;
      if (sums && a && b && inputs.length === 2) note(plan, sums, [a, b], results[0]!);
      return results;
    },
    Gemm: (plan, inputs, node, scope) => {
      const [left, right, added] = inputs;
      const plain = !added && intOf(node, "transA", 0) === 0 && floatOf(node, "alpha", 1) === 1;
      const turned = right && (intOf(node, "transB", 0) === 1 ? permuted(right, [1, 0]) : right);
      const found = plain && left && turned ? remembered(plan, left, turned) : undefined;
      return found ? [found] : Gemm!(plan, inputs, node, scope);
    },
    Loop: forgetting(Loop!),
    Scan: (plan, inputs, node, scope) => cellsOf(plan, inputs, node) ?? forgetting(Scan!)(plan, inputs, node, scope),
    Sigmoid: gated("sigmoid", Sigmoid!),
    Tanh: gated("tanh", Tanh!),
  };
}

/** What is computed in turns is nobody's after them. */
const forgetting =
  (otherwise: Compute): Compute =>
  (plan, inputs, node, scope) => {
    const before = plans.get(plan)?.all.length ?? 0;
    const results = otherwise(plan, inputs, node, scope);
    const sums = plans.get(plan);
    if (!sums || sums.all.length === before) return results;
    const gone = new Set(sums.all.splice(before));
    for (const map of [sums.ofBiases, sums.ofFed, sums.before])
      for (const [store, each] of map) if (gone.has(each)) map.delete(store);
    return results;
  };

const gated =
  (name: FunctionName, otherwise: Compute): Compute =>
  (plan, inputs, node, scope) => {
    const gates = inputs[0] && gatesOf(plan, name, inputs[0]);
    return gates ? [gates] : otherwise(plan, inputs, node, scope);
  };

/** A function of what steps have as a gate, where that is the one they take. */
function gatesOf(plan: Plan, name: FunctionName, value: Value): Value | undefined {
  const found = plans.get(plan)?.before.get(value.store);
  if (!found?.gates || value.strides.join() !== found.gates.strides.join()) return undefined;
  const { gates, functions, second } = found;
  const { offset } = value;
  const [end, all] = [offset + value.shape.at(-1)!, gates.shape.at(-1)!];
  const whole = value.shape.slice(0, -1).join() === gates.shape.slice(0, -1).join() && end <= all;
  const within = (name === functions[0] && end <= second) || (name === functions[1] && offset >= second);
  return whole && within ? { ...gates, offset: gates.offset + offset, shape: value.shape } : undefined;
}

/** What a Scan gives that goes through the cells once more, handing out what each step begins with. */
function cellsOf(plan: Plan, inputs: readonly (Value | undefined)[], node: Node): Value[] | undefined {
  const sums = plans.get(plan);
  const places = sums && cellsWithin(node);
  const [begun, ...fed] = inputs;
  if (!places || inputs.length !== 3 || !begun) return undefined;
  const [kept, added] = places.map((place) => fed[place]!) as [Value, Value];
  const product = definitionOf(added.store);
  if (!product || added.offset !== 0 || !together(added) || sizeOf(added.shape) !== added.store.size) return undefined;
  const [left, right] = product.operands;
  const calls = callsOf(product);
  if (!left || !right || calls.length !== 1 || calls[0]?.name !== "multiply") return undefined;
  const found = sums.all.find(({ cells }) => {
    if (!cells || !lieAlike(kept, cells.kept) || !isSame(plan, begun, cells.begun)) return false;
    const [one, other] = cells.added;
    return (lieAlike(left, one) && lieAlike(right, other)) || (lieAlike(left, other) && lieAlike(right, one));
  });
  return found?.cells && [found.cells.last, found.cells.before];
}

/** Which input of a Scan is multiplied with what it hands on, and which is added to that, if it does nothing else and goes along first axes. */
function cellsWithin({ attributes }: Node): readonly [number, number] | undefined {
  const body = attributes.body?.graph;
  const aside = ["scan_input_directions", "scan_output_directions", "scan_input_axes", "scan_output_axes"];
  if (body?.inputs.length !== 3 || body.outputs.length !== 2 || body.nodes.length !== 3) return undefined;
  if (attributes.num_scan_inputs?.ints[0] !== 2) return undefined;
  if (aside.some((name) => attributes[name]?.ints.some((int) => int !== 0))) return undefined;
  const made = (operator: string) => body.nodes.find((node) => node.operator === operator);
  const [product, sum, same] = [made("Mul"), made("Add"), made("Identity")];
  const [state = "", ...fed] = body.inputs;
  if (!product || !sum || !same || product.inputs.length !== 2 || sum.inputs.length !== 2) return undefined;
  const other = ({ inputs }: Node, name: string) => (inputs.includes(name) ? inputs.find((one) => one !== name) : "");
  const places = [other(product, state), other(sum, product.outputs[0]!)].map((name) => fed.indexOf(name ?? ""));
  const [kept = -1, added = -1] = places;
  const gives = body.outputs[0] === sum.outputs[0] && body.outputs[1] === same.outputs[0] && same.inputs[0] === state;
  return gives && kept >= 0 && added === 1 - kept ? [kept, added] : undefined;
}

/** Whether a sum is one on the way to gates: of the biases, of these with what is fed, or of that with the product of what is remembered. */
function note(plan: Plan, { all, ofBiases, ofFed, before }: Sums, [a, b]: readonly [Value, Value], sum: Value): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    for (const each of all) {
      const { fed, product, bias, biases } = each;
      if (sum.offset !== 0 || !together(sum)) continue;
      if (lieAlike(one, biases[0]!) && lieAlike(other, biases[1]!)) ofBiases.set(sum.store, each);
      else if (isSame(plan, one, fed) && (ofBiases.get(other.store) === each || isSame(plan, other, bias)))
        ofFed.set(sum.store, each);
      else if (ofFed.get(one.store) === each && lieAlike(other, product)) before.set(sum.store, each);
    }
}
