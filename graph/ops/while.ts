// A body that is run up to a number of times, as long as it says so. How often that was is known by the stacks of what it collects,
// whose length has a name; its derivative goes over these from the end.
import { apply, input } from "../core/build.ts";
import { attributeKey } from "../core/interning.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { applying, defineWithBody, unfit } from "../core/operator.ts";
import { sameShape } from "../core/shapes.ts";
import { freshSizes } from "../core/told.ts";
import type { EvaluationContext, NumberArray, Operator, Outputs, Subgraph, Value, ValueType } from "../core/value.ts";
import { backward, type Turn } from "../transforms/recurrence.ts";
import { closed, dependOn } from "../transforms/subgraph.ts";
import { batchedTurns } from "../transforms/turn-batching.ts";
import { joined } from "./internal/joining.ts";
import { repeats } from "./internal/repeating.ts";
import { Transpose } from "./internal/transpose.ts";
import { Expand } from "./movement.ts";
import { repeatMaybeNever } from "./scan.ts";

type WhileAttributes = {
  /**
   * Takes the number of the turn (int64), whether to go on (bool), states, then what is captured; gives whether to go on, the
   * next states, then what is collected.
   */
  readonly body: Subgraph;
  readonly states: number;
  /** The name of the number of turns, as a size. */
  readonly fresh: readonly [size: string];
};

type Given = readonly [count?: Value | undefined, condition?: Value | undefined, ...others: (Value | undefined)[]];

const valuesOf = (inputs: Given): Value[] => inputs.slice(2).filter((value) => value !== undefined);

/** The body as a turn, and what it says of going on. */
function turnOf({ body: { takes, gives }, states }: WhileAttributes): Turn {
  return {
    others: takes.slice(0, 2),
    states: takes.slice(2, 2 + states),
    slices: [],
    captured: takes.slice(2 + states),
    next: gives.slice(1, 1 + states),
    collected: gives.slice(1 + states),
  };
}

const loop: Operator<WhileAttributes, Given, Outputs> = defineWithBody({
  name: "While",
  family: "control",
  summary: "a body run up to a number of times, as long as it says so; it hands values on, and collects others",
  writtenAs: "Loop",
  infer(inputs, { body: { gives }, states, fresh: [size] }) {
    const [count, condition] = inputs;
    if (count && (count.dtype !== "int64" || count.rank !== 0))
      throw unfit("Loop", [count], "the number of turns has to be an int64 scalar.");
    for (const value of [condition, gives[0]])
      if (value && (value.dtype !== "bool" || value.rank !== 0))
        throw unfit("Loop", [value], "whether it goes on has to be a bool scalar.");
    zip(valuesOf(inputs).slice(0, states), gives.slice(1), (start, next) => {
      if (!sameShape(start.shape, next.shape) || start.dtype !== next.dtype)
        throw unfit("Loop", [start, next], "what a turn hands on has to have the type of what it was given.");
    });
    const [first, ...others] = gives
      .slice(1)
      .map(({ dtype, shape }, i): ValueType => ({ dtype, shape: i < states ? shape : [size, ...shape] }));
    if (!first) throw unfit("Loop", inputs, "the body has to give something.");
    return [first, ...others];
  },
  gradient({ inputs, attributes, cotangents: seeds, needs }) {
    const { states } = attributes;
    const turn = turnOf(attributes);
    const flags = inputs.map((_, i) => needs(i)).slice(2);
    const { initial, captured } = backward(
      {
        turn,
        stacks: [],
        captured: valuesOf(inputs).slice(states),
        length: attributes.fresh[0],
        over: () => at(taped(inputs, attributes, attributes.body.takes.slice(0, 1)), 0),
        reverse: false,
        tape: (inside) => taped(inputs, attributes, inside),
        products: true,
        repeat: repeatMaybeNever,
      },
      { final: seeds.slice(0, states), collected: seeds.slice(states) },
      { initial: flags.slice(0, states), stacks: [], captured: flags.slice(states) },
    );
    return [undefined, undefined, ...initial, ...captured];
  },
  batch(inputs, batched, attributes, original) {
    const { states } = attributes;
    const turn = turnOf(attributes);
    const [given, flags] = [valuesOf(inputs), batched.slice(2)];
    const tasks = at(at(inputs, batched.indexOf(true))?.shape ?? [], 0);
    const turns = batchedTurns(
      turn,
      { states: flags.slice(0, states), stacks: [], captured: flags.slice(states) },
      tasks,
    );
    const varying = [
      ...turn.states.filter((_, i) => turns.states[i]),
      ...turn.captured.filter((_, i) => flags[states + i]),
    ];
    if (batched[0] || batched[1] || dependOn(attributes.body.gives.slice(0, 1), varying)[0])
      throw unfit("Loop", inputs, "vmap cannot let the number of turns differ from task to task.");
    const initial = given
      .slice(0, states)
      .map((value, i) => (turns.states[i] && !flags[i] ? Expand(value, [tasks, ...value.shape]) : value));
    const takes = [...turns.takes, ...turns.captured];
    const body = closed(takes, namesOf(takes.length, states), [at(attributes.body.gives, 0), ...turns.gives]);
    const results = apply(loop, [inputs[0], inputs[1], ...initial, ...given.slice(states), ...body.captured], {
      ...attributes,
      body: body.graph,
    });
    const one = apply(loop, original, attributes);
    return results.map((value, i) => {
      if (!turns.varies[i]) return Expand(value, [tasks, ...at(one, i).shape]);
      return i < states ? value : Transpose(value, [1, 0, ...upTo(value.rank).slice(2)]);
    }) as readonly Value[] as Outputs;
  },
  evaluate: (context) => evaluated(context),
});

repeats("While", ({ states }) => ({ handedOn: 1 + Number(states), own: 2 + Number(states) }));

function evaluated({ inputs, attributes, outputs, run, bind }: EvaluationContext<WhileAttributes, Given, Outputs>) {
  const { body, states, fresh } = attributes;
  const [count, condition] = inputs;
  const given = inputs.slice(2).filter((array) => array !== undefined);
  const most = count ? at(count.data, 0) : Number.POSITIVE_INFINITY;
  let going = condition ? at(condition.data, 0) !== 0 : true;
  let carried: readonly NumberArray[] = given.slice(0, states);
  const collected = outputs.slice(states).map((): Float64Array[] => []);
  let turns = 0;
  for (; turns < most && going; turns++) {
    const turn: NumberArray = { dtype: "int64", shape: [], data: Float64Array.of(turns) };
    const on: NumberArray = { dtype: "bool", shape: [], data: Float64Array.of(1) };
    const [next, ...results] = run(body, [turn, on, ...carried, ...given.slice(states)]);
    going = next?.data[0] !== 0;
    carried = results.slice(0, states);
    zip(collected, results.slice(states), (list, { data }) => list.push(data));
  }
  bind(fresh[0], turns);
  return [...carried.map(({ data }) => data), ...collected.map(joined)] as readonly Float64Array[] as readonly [
    Float64Array,
    ...Float64Array[],
  ];
}

const namesOf = (count: number, states: number): string[] =>
  upTo(count).map((i) =>
    i === 0 ? "turn" : i === 1 ? "going" : i < 2 + states ? `state${i - 2}` : `outer${i - 2 - states}`,
  );

/** The stacks of values inside the body, which the same node gives beside what it gives anyway. */
function taped(inputs: Given, attributes: WhileAttributes, inside: readonly Value[]): readonly Value[] {
  const { body, states } = attributes;
  const known = body.gives.slice(1 + states);
  const added = inside.filter((value) => !known.includes(value));
  const gives = [...body.gives, ...added];
  const outputs = apply(loop, inputs, { ...attributes, body: { takes: body.takes, gives } });
  return inside.map((value) => at(outputs, gives.indexOf(value, 1 + states) - 1));
}

/** What bounds a loop. */
export interface WhileOptions {
  /** The most turns, an int64 scalar; without it there is no end but that of the condition. */
  readonly count?: Value | undefined;
  /** Whether there is a first turn, a bool scalar; there is one unless it says otherwise. */
  readonly condition?: Value | undefined;
  /** The name of the number of turns, as a size; a new one unless given. */
  readonly size?: string;
}

/**
 * Runs `turn` up to `count` times, as long as it says to go on.
 * @param initial the values carried into the first turn
 * @param turn given the carried values, the number of the turn and a condition that holds: whether to go on, the carried values for
 *   the next turn, and values to collect
 * @returns the values carried out of the last turn, and each collected value with a leading axis of turns
 */
export const While = applying(
  loop,
  (
    initial: readonly Value[],
    turn: (
      carried: readonly Value[],
      turn: Value,
      going: Value,
    ) => { readonly going: Value; readonly carried: readonly Value[]; readonly collected: readonly Value[] },
    { count, condition, size }: WhileOptions = {},
  ): { readonly carried: readonly Value[]; readonly collected: readonly Value[] } => {
    const carriedIn = initial.map((v, i) => input(`state${i}`, v.shape, v.dtype));
    const [number, on] = [input("turn", [], "int64"), input("going", [], "bool")];
    const { going, carried, collected } = turn(carriedIn, number, on);
    if (carried.length !== initial.length)
      throw unfit("Loop", carried, `a turn was given ${initial.length} values to hand on, and has to hand on as many.`);
    const own = [number, on, ...carriedIn];
    const { graph, captured } = closed(own, namesOf(own.length, initial.length), [going, ...carried, ...collected]);
    const given: Given = [count, condition, ...initial, ...captured];
    const [made = ""] = size ? [size] : freshSizes("turns", given, 1, attributeKey(graph));
    const outputs = apply(loop, given, { body: graph, states: initial.length, fresh: [made] });
    return { carried: outputs.slice(0, initial.length), collected: outputs.slice(initial.length) };
  },
);
