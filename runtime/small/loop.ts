// Loops whose number of turns is known before a run.
import { sizeOf } from "@innerloop/schemas/bundle";
import { refused } from "./file.ts";
import { type Compute, Scope, type Value } from "./plan.ts";

export const loop: Compute = (plan, _, node, around) => {
  const body = node.attributes.body?.graph;
  const [trips = "", going = ""] = node.inputs;
  if (!body || trips === "" || (going !== "" && plan.numbers(around.get(going))[0] !== 1))
    throw refused("a Loop that ends by a condition");
  const [count = 0] = plan.numbers(around.get(trips));
  const depth = around.depth + 1;
  const scope = new Scope(depth, around);
  const { machine } = plan;
  const copy = machine.routines["Copy v"]!;
  const copied = (from: number, to: number, numbers: number) => copy(to, 0, 1, Math.ceil(numbers / 4), from, 0);
  const [turn, condition] = [plan.room([], "int64", depth), plan.known([1], [], "bool")];
  const starts = node.inputs.slice(2).map((name) => plan.written(around.get(name)));
  const carried = starts.map(({ shape, dtype }) => plan.room(shape, dtype, depth));
  for (const [i, value] of [turn, condition, ...carried].entries()) scope.set(body.inputs[i]!, value);
  let results: readonly Value[] = [];
  const rows: { readonly from: Value; readonly to: Value }[] = [];
  const moves: { readonly from: Value; readonly to: Value }[] = [];
  const steps = plan.turns(count, depth, () => {
    plan.walk(body, scope);
    const [goesOn, ...made] = body.outputs.map((name) => plan.written(scope.get(name)));
    if (goesOn!.at !== condition.at) throw refused("a Loop that ends by a condition");
    const next = made.slice(0, carried.length);
    next.forEach((from, i) => {
      const to = carried[i]!;
      if (from.shape.join() !== to.shape.join()) throw refused("a Loop whose values change their shapes");
      if (from.at === to.at) return;
      // What is handed on to another place is out of the way first.
      const another = carried.some(({ at }) => at === from.at);
      const apart = another ? plan.room(from.shape, from.dtype, depth) : from;
      if (another) plan.step(depth, () => copied(from.at, apart.at, sizeOf(from.shape)));
      moves.push({ from: apart, to });
    });
    const gathered = made.slice(carried.length).map((from) => {
      const to = plan.room([count, ...from.shape], from.dtype, around.depth);
      rows.push({ from, to });
      return to;
    });
    for (const { from, to } of rows)
      plan.step(depth, () => {
        const [at, size] = [from.at / 4, sizeOf(from.shape)];
        machine.floats.copyWithin(to.at / 4 + machine.floats[turn.at / 4]! * size, at, at + size);
      });
    for (const { from, to } of moves) plan.step(depth, () => copied(from.at, to.at, sizeOf(from.shape)));
    results = [...carried.map((value) => ({ ...value, depth: around.depth })), ...gathered];
  });
  plan.step(Math.max(1, around.depth), () => {
    for (const [i, { at, shape }] of starts.entries()) copied(at, carried[i]!.at, sizeOf(shape));
    for (let i = 0; i < count; i++) {
      machine.floats[turn.at / 4] = i;
      for (const step of steps) step();
    }
  });
  return results;
};
