// A body that is run for every entry of some stacks, in their order or from the end, and hands values on from turn to turn. Its
// body is a graph of its own: what it reads from outside is an input of the node.
import { apply, input } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { applying, defineWithBody, unfit } from "../core/operator.ts";
import { sameShape, sizeOf } from "../core/shapes.ts";
import type {
  EvaluationContext,
  Inputs,
  NumberArray,
  Operator,
  Outputs,
  Subgraph,
  Value,
  ValueType,
} from "../core/value.ts";
import { backward, type Repeat, type Turn } from "../transforms/recurrence.ts";
import { closed } from "../transforms/subgraph.ts";
import { batchedTurns } from "../transforms/turn-batching.ts";
import { turnByTurn } from "../transforms/turn-by-turn.ts";
import { joined } from "./internal/joining.ts";
import { repeats } from "./internal/repeating.ts";
import { Transpose } from "./internal/transpose.ts";
import { Expand } from "./movement.ts";

/** What of the turns is held for derivatives. */
export type Held = "products" | "states";

export type ScanAttributes = {
  /** Takes states, then entries of stacks, then what is captured; gives the next states, then what is collected. */
  readonly body: Subgraph;
  /** How many states there are, and how many stacks. */
  readonly states: number;
  readonly scanned: number;
  /** Whether it goes from the end of the stacks, and fills those that it gives from their end. */
  readonly reverse: boolean;
  /** Whether the stacks may be empty, which ONNX Runtime does not take for a Scan. */
  readonly maybeNever?: boolean | undefined;
  /**
   * Where derivatives are taken turn by turn: what of each turn is held for them, its products as well as its states, or the states
   * alone. Unless given, what does not go from turn to turn is computed for all turns at once.
   */
  readonly holds?: Held | undefined;
};

type Given = readonly [Value, ...Value[]];

/** What goes into a node, or into its body: states, stacks (of which the body gets entries), what is captured. */
function scanParts<T>(list: readonly T[], { states, scanned }: Pick<ScanAttributes, "states" | "scanned">) {
  return {
    states: list.slice(0, states),
    stacks: list.slice(states, states + scanned),
    captured: list.slice(states + scanned),
  };
}

const turnOf = ({ body, states, scanned }: ScanAttributes): Turn => {
  const taken = scanParts(body.takes, { states, scanned });
  return {
    states: taken.states,
    slices: taken.stacks,
    captured: taken.captured,
    next: body.gives.slice(0, states),
    collected: body.gives.slice(states),
  };
};

const lengthOf = (inputs: readonly Value[], attributes: ScanAttributes): Dim =>
  at(at(scanParts(inputs, attributes).stacks, 0).shape, 0);

const scan: Operator<ScanAttributes, Given, Outputs> = defineWithBody({
  name: "Scan",
  family: "control",
  summary: "a body run for every entry of some stacks; it hands values on, and collects others",
  since: 9,
  infer(inputs, attributes) {
    const { body, states } = attributes;
    const given = scanParts(inputs, attributes);
    const [over] = given.stacks;
    if (!over?.shape.length)
      throw unfit("Scan", inputs, "there has to be a stack, whose first axis is that of the turns.");
    const length = at(over.shape, 0);
    for (const stack of given.stacks)
      if (stack.shape[0] !== length) throw unfit("Scan", given.stacks, "the stacks need as many entries each.");
    zip(given.states, body.gives, (start, next) => {
      if (!sameShape(start.shape, next.shape) || start.dtype !== next.dtype)
        throw unfit("Scan", [start, next], "what a turn hands on has to have the type of what it was given.");
    });
    const [first, ...others] = body.gives.map(
      ({ dtype, shape }, i): ValueType => ({ dtype, shape: i < states ? shape : [length, ...shape] }),
    );
    if (!first) throw unfit("Scan", inputs, "the body has to give something.");
    return [first, ...others];
  },
  gradient({ inputs, attributes, cotangents: seeds, needs }) {
    const given = scanParts(inputs, attributes);
    const flags = scanParts(
      inputs.map((_, i) => needs(i)),
      attributes,
    );
    const { holds, maybeNever } = attributes;
    const { initial, stacks, captured } = (holds ? turnByTurn : backward)(
      {
        turn: turnOf(attributes),
        stacks: given.stacks,
        captured: given.captured,
        length: lengthOf(inputs, attributes),
        over: () => at(given.stacks, 0),
        reverse: attributes.reverse,
        tape: (inside) => taped(inputs, attributes, inside),
        products: holds !== "states",
        repeat: repeating({ maybeNever, holds }),
      },
      { final: seeds.slice(0, attributes.states), collected: seeds.slice(attributes.states) },
      { initial: flags.states, stacks: flags.stacks, captured: flags.captured },
    );
    return [...initial, ...stacks, ...captured];
  },
  batch(inputs, batched, attributes, original) {
    const flags = scanParts(batched, attributes);
    const given = scanParts(inputs, attributes);
    const tasks = at(at(inputs, batched.indexOf(true)).shape, 0);
    const turns = batchedTurns(turnOf(attributes), flags, tasks);
    const initial = given.states.map((value, i) =>
      turns.states[i] && !flags.states[i] ? Expand(value, [tasks, ...value.shape]) : value,
    );
    const stacks = given.stacks.map((value, i) => (flags.stacks[i] ? swapFirst(value) : value));
    const takes = [...turns.takes, ...given.captured.map((_, i) => at(turns.captured, i))];
    const body = closed(takes, namesOf(takes.length, attributes), turns.gives);
    const results = apply(scan, [...initial, ...stacks, ...given.captured, ...body.captured] as Inputs as Given, {
      ...attributes,
      body: body.graph,
    });
    const one = apply(scan, original, attributes);
    const outputs = results.map((value, i) => {
      if (!turns.varies[i]) return Expand(value, [tasks, ...at(one, i).shape]);
      return i < attributes.states ? value : swapFirst(value);
    });
    return outputs as readonly Value[] as Outputs;
  },
  evaluate: (context) => evaluated(context),
});

repeats("Scan", ({ states, scanned }) => ({ handedOn: Number(states), own: Number(states) + Number(scanned) }));

/** The first two axes in the other order. */
const swapFirst = (value: Value): Value => Transpose(value, [1, 0, ...upTo(value.rank).slice(2)]);

function evaluated({ inputs, attributes, outputs, run }: EvaluationContext<ScanAttributes, Given, Outputs>): Outputs2 {
  const { body, states, reverse } = attributes;
  const given = scanParts<NumberArray>(inputs, attributes);
  const turns = at(at(given.stacks, 0).shape, 0);
  let carried: readonly NumberArray[] = given.states;
  const collected = outputs.slice(states).map((): Float64Array[] => []);
  for (const turn of reverse ? upTo(turns).reverse() : upTo(turns)) {
    const slices = given.stacks.map(({ dtype, shape: [, ...shape], data }): NumberArray => {
      const size = sizeOf(shape);
      return { dtype, shape, data: data.slice(turn * size, (turn + 1) * size) };
    });
    const results = run(body, [...carried, ...slices, ...given.captured]);
    carried = results.slice(0, states);
    zip(collected, results.slice(states), (list, { data }) => list.push(data));
  }
  const stacked = collected.map((list) => joined(reverse ? list.reverse() : list));
  return [...carried.map(({ data }) => data), ...stacked] as unknown as Outputs2;
}

type Outputs2 = readonly [Float64Array, ...Float64Array[]];

/** The names of what a body takes. */
const namesOf = (count: number, { states, scanned }: Pick<ScanAttributes, "states" | "scanned">): string[] =>
  upTo(count).map((i) =>
    i < states ? `state${i}` : i < states + scanned ? `entry${i - states}` : `outer${i - states - scanned}`,
  );

/** The stacks of values inside the body, which the same node gives beside what it gives anyway. */
function taped(inputs: Given, attributes: ScanAttributes, inside: readonly Value[]): readonly Value[] {
  const { body, states } = attributes;
  const known = body.gives.slice(states);
  const added = inside.filter((value) => !known.includes(value));
  const gives = [...body.gives, ...added];
  const outputs = apply(scan, inputs, { ...attributes, body: { takes: body.takes, gives } });
  return inside.map((value) => at(outputs, gives.indexOf(value, states)));
}

/** Repeats by a Scan. */
const repeating =
  (options: Pick<ScanOptions, "maybeNever" | "holds">): Repeat =>
  (initial, stacks, reverse, turn) => {
    const { carried, collected } = Scan(
      initial,
      stacks,
      (states, slices) => {
        const { next, collected: kept } = turn(states, slices);
        return { carried: next, collected: kept };
      },
      { ...options, reverse },
    );
    return { final: carried, stacks: collected };
  };

export const repeatByScan = repeating({});
export const repeatMaybeNever = repeating({ maybeNever: true });

export type ScanOptions = Partial<Pick<ScanAttributes, "reverse" | "maybeNever" | "holds">>;

/**
 * Runs `turn` for every entry of some stacks.
 * @param initial the values carried into the first turn
 * @param stacks of as many entries each, along axis 0
 * @param turn given the carried values and an entry of each stack: the carried values for the next turn, and values to collect
 * @returns the values carried out of the last turn, and each collected value with a leading axis of turns
 */
export const Scan = applying(
  scan,
  (
    initial: readonly Value[],
    stacks: readonly Value[],
    turn: (
      carried: readonly Value[],
      entries: readonly Value[],
    ) => { readonly carried: readonly Value[]; readonly collected: readonly Value[] },
    { reverse = false, maybeNever = false, holds }: ScanOptions = {},
  ): { readonly carried: readonly Value[]; readonly collected: readonly Value[] } => {
    const carriedIn = initial.map((v, i) => input(`state${i}`, v.shape, v.dtype));
    const entries = stacks.map((v, i) => input(`entry${i}`, v.shape.slice(1), v.dtype));
    const { carried, collected } = turn(carriedIn, entries);
    if (carried.length !== initial.length)
      throw unfit("Scan", carried, `a turn was given ${initial.length} values to hand on, and has to hand on as many.`);
    const parts = { states: initial.length, scanned: stacks.length };
    const own = [...carriedIn, ...entries];
    const { graph, captured } = closed(own, namesOf(own.length, parts), [...carried, ...collected]);
    if (carried.length + collected.length === 0) return { carried: [], collected: [] };
    const inputs = [...initial, ...stacks, ...captured] as readonly Value[] as Given;
    const outputs = apply(scan, inputs, {
      ...{ body: graph, ...parts, reverse },
      ...(maybeNever && { maybeNever }),
      ...(holds && { holds }),
    });
    return { carried: outputs.slice(0, initial.length), collected: outputs.slice(initial.length) };
  },
);
