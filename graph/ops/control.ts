// Repetition. A loop's body is a graph that may use values from outside; what in it depends on no carried value is
// computed once, before the loop.
import { apply, input } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import { applying, defineWithBody, unfit } from "../core/operator.ts";
import type { Body, Operator, Outputs, Value } from "../core/value.ts";

const loop: Operator<
  { readonly body: Body; readonly length: string },
  readonly [count: Value, ...initial: Value[]],
  Outputs
> = defineWithBody({
  name: "Loop",
  family: "control",
  summary: "a body applied a number of times; it carries values on, and collects others",
  since: 13,
  infer([count, ...initial], { body: { results }, length }) {
    if (count.dtype !== "int64" || count.rank !== 0)
      throw unfit("Loop", [count], "the number of turns has to be an int64 scalar.");
    zip(initial, results, (start, next) => {
      if (start.shape.join() !== next.shape.join() || start.dtype !== next.dtype)
        throw unfit("Loop", [start, next], "what a turn hands on has to have the type of what it was given.");
    });
    const [first, ...others] = results.map(({ dtype, shape }, i) => ({
      dtype,
      shape: i < initial.length ? shape : [length, ...shape],
    }));
    if (!first) throw unfit("Loop", [count], "the body has to give something.");
    return [first, ...others];
  },
});

/**
 * Runs `turn` `count` times (an int64 scalar, known only when the graph runs).
 * @param initial the values carried into the first turn
 * @param turn given the carried values: the carried values for the next turn, and values to collect
 * @param length the name of the number of turns, as a size
 * @returns the values carried out of the last turn, and each collected value with a leading axis of turns
 */
export const Loop = applying(
  loop,
  (
    count: Value,
    initial: readonly Value[],
    turn: (...carried: Value[]) => { readonly carried: readonly Value[]; readonly collected: readonly Value[] },
    length: string,
  ): { readonly carried: readonly Value[]; readonly collected: readonly Value[] } => {
    const iteration = input("iteration", [], "int64");
    const parameters = initial.map((v, i) => input(`carried${i}`, v.shape, v.dtype));
    const { carried, collected } = turn(...parameters);
    const body: Body = { parameters: [iteration, ...parameters], results: [...carried, ...collected] };
    const outputs = apply(loop, [count, ...initial], { body, length });
    return { carried: outputs.slice(0, initial.length), collected: outputs.slice(initial.length) };
  },
);
