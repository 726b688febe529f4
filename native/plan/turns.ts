// Steps that are taken in turns whose number is known before a run: ONNX's Loop and Scan.
import type { Graph, Node } from "../read.ts";
import { type Compute, type Plan, Scope } from "./plan.ts";
import { refused } from "./refusal.ts";
import { slices } from "./slices.ts";
import { accessOf, axisOf, expanded, permuted, together, type Value, withOnes } from "./views.ts";

/** A body with what goes in and out of its turns. */
interface Turned {
  readonly count: number;
  readonly body: Graph;
  readonly around: Scope;
  /** What the first turn begins with. */
  readonly starts: readonly Value[];
  /** What the body calls that, and what it hands on. */
  readonly names: readonly string[];
  readonly next: readonly string[];
  /** Results of all turns. */
  readonly gathered: readonly Gathered[];
  /** Gives the body its other inputs. */
  readonly enter: (scope: Scope, turn: Value) => void;
  /** After the body. */
  readonly leave?: (scope: Scope) => void;
}

interface Gathered {
  readonly name: string;
  readonly axis: number;
  readonly back: boolean;
}

/** @throws InnerloopError `not-native` for a loop that a condition ends */
export const loop: Compute = (plan, [trips, going, ...given], node, around) => {
  const body = bodyOf(node);
  if (!trips || (going && plan.numbers(going)[0] !== 1)) throw refused("a Loop that ends by a condition");
  const starts = given.map((value) => value ?? missing(node));
  const [turnName = "", goingName = "", ...names] = body.inputs;
  const [goesOn = "", ...made] = body.outputs;
  const truth = plan.constant([1], [], "bool");
  return turned(plan, {
    ...{ count: plan.numbers(trips)[0]!, body, around, starts, names, next: made.slice(0, names.length) },
    gathered: made.slice(names.length).map((name) => ({ name, axis: 0, back: false })),
    enter(scope, turn) {
      scope.set(turnName, turn);
      scope.set(goingName, truth);
    },
    leave(scope) {
      const last = scope.get(goesOn);
      if (last.depth > 0 || plan.numbers(last)[0] !== 1) throw refused("a Loop that ends by a condition");
    },
  });
};

export const scan: Compute = (plan, given, node, around) => {
  const body = bodyOf(node);
  if (node.opset < 9) throw refused("a Scan with a batch");
  const { attributes } = node;
  const count = attributes.num_scan_inputs?.ints[0] ?? missing(node);
  const values = given.map((value) => value ?? missing(node));
  const states = values.length - count;
  const fed = values.slice(states).map((value, i) => {
    const axis = axisOf(attributes.scan_input_axes?.ints[i] ?? 0, value.shape.length);
    return { value, axis, back: attributes.scan_input_directions?.ints[i] === 1, name: body.inputs[states + i]! };
  });
  const [turns = 0, ...others] = fed.map(({ value, axis }) => value.shape[axis]!);
  if (others.some((other) => other !== turns)) throw refused(`a Scan over ${[turns, ...others]} turns`);
  return turned(plan, {
    ...{ count: turns, body, around, starts: values.slice(0, states) },
    ...{ names: body.inputs.slice(0, states), next: body.outputs.slice(0, states) },
    gathered: body.outputs.slice(states).map((name, i) => ({
      ...{ name, axis: attributes.scan_output_axes?.ints[i] ?? 0 },
      back: attributes.scan_output_directions?.ints[i] === 1,
    })),
    enter(scope, turn) {
      const found = slices(plan, fed, { turn, depth: scope.depth });
      for (const [i, { name }] of fed.entries()) scope.set(name, found[i]!);
    },
  });
};

function bodyOf(node: Node): Graph {
  return node.attributes.body?.graph ?? missing(node);
}

function missing({ operator }: Node): never {
  throw refused(`a ${operator} that lacks something`);
}

/** Steps in turns, and what they give: what was handed on last, then what was gathered. */
function turned(plan: Plan, { count, body, around, starts, names, next, gathered, enter, leave }: Turned): Value[] {
  const depth = around.depth + 1;
  const outside = Math.max(1, around.depth);
  const scope = new Scope(depth, around);
  const still = stillOf(body);
  const turn = plan.room([], "int64", depth);
  const states = starts.map((start, i): State => {
    if (still.get(next[i]!) === names[i]) return { start };
    return { start, carried: plan.room(start.shape, start.dtype, depth) };
  });
  let results: Value[] = [];
  const steps = plan.turns(depth, () => {
    for (const [i, { start, carried }] of states.entries()) scope.set(names[i]!, carried ?? start);
    enter(scope, turn);
    plan.walk(body, scope);
    leave?.(scope);
    results = gathered.map((one) => rowsOf(plan, scope.get(one.name), { ...one, count, turn, outside }));
    handOn(
      plan,
      states.flatMap(({ carried }, i) => (carried ? { from: scope.get(next[i]!), to: carried } : [])),
    );
  });
  for (const { start, carried } of states) if (carried) plan.copy(start, { ...carried, depth: outside });
  if (count > 0 && steps.length > 0) plan.step(outside, { kind: "turns", count, turn: turn.store, body: steps });
  return [...states.map(({ start, carried }) => (carried ? { ...carried, depth: outside } : start)), ...results];
}

interface State {
  readonly start: Value;
  /** What the turns change, if they do. */
  readonly carried?: Value;
}

/** Values of a body that are others by name. */
function stillOf(body: Graph): ReadonlyMap<string, string> {
  const names = new Map(body.inputs.map((name) => [name, name]));
  for (const { operator, inputs, outputs } of body.nodes) {
    const same = operator === "Identity" ? names.get(inputs[0]!) : undefined;
    if (same !== undefined) names.set(outputs[0]!, same);
  }
  return names;
}

/** Writes what the next turn begins with, all of it from before that. */
function handOn(plan: Plan, pairs: readonly { readonly from: Value; readonly to: Value }[]): void {
  const changing = new Set(pairs.map(({ to }) => to.store));
  const apart = pairs.map(({ from, to }) => {
    if (from.shape.join() !== to.shape.join()) throw refused("a loop whose values change their shapes");
    const real = plan.real(from);
    const same = real.store === to.store && real.offset === 0 && together(real);
    if (same) return [];
    // What is handed on to another place is out of the way first.
    return { to, from: changing.has(real.store) ? plan.copied({ ...real, depth: to.depth }) : real };
  });
  for (const { from, to } of apart.flat()) plan.copy(from, to);
}

/** What each turn gives, as one array. */
function rowsOf(
  plan: Plan,
  value: Value,
  { count, turn, outside, axis, back }: Gathered & { count: number; turn: Value; outside: number },
): Value {
  const { shape, dtype } = value;
  const to = axisOf(axis, shape.length + 1);
  if (value.depth <= outside && count > 0) return expanded(withOnes(value, [to]), shape.toSpliced(to, 0, count));
  const rows = plan.room([count, ...shape], dtype, outside);
  const size = rows.store.size / Math.max(1, count);
  const from = plan.written(value);
  plan.step(turn.depth, {
    ...{ kind: "move", size, from: accessOf(from), fromStep: 0, turn: turn.store },
    to: { ...accessOf(rows), offset: back ? (count - 1) * size : 0 },
    toStep: back ? -size : size,
  });
  const order = rows.shape.map((_, place) => (place === to ? 0 : place < to ? place + 1 : place));
  return permuted(rows, order);
}
