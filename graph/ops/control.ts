// Repetition. A loop's body is a graph that may use values from outside; what in it depends on no carried value is
// computed once, before the loop.
import { define, type Operator, unfit } from "../core/operator.ts";
import { apply, type Body, input, type Value } from "../core/value.ts";

const loop: Operator = define({
  name: "Loop",
  family: "control",
  summary: "a body applied a number of times; it carries values on, and collects others",
  since: 13,
  infer([count, ...initial], { body, length }) {
    const { parameters, results } = body as Body;
    const carried = parameters.length - 1;
    if (count!.dtype !== "int64" || count!.rank !== 0)
      throw unfit("Loop", [count!], "the number of turns has to be an int64 scalar.");
    for (let i = 0; i < carried; i++)
      if (initial[i]!.shape.join() !== results[i]!.shape.join() || initial[i]!.dtype !== results[i]!.dtype)
        throw unfit(
          "Loop",
          [initial[i]!, results[i]!],
          "what a turn hands on has to have the type of what it was given.",
        );
    return results.map(({ dtype, shape }, i) => ({ dtype, shape: i < carried ? shape : [length as string, ...shape] }));
  },
});

/**
 * Runs `turn` `count` times (an int64 scalar, known only when the graph runs).
 * @param initial the values carried into the first turn
 * @param turn given the carried values: the carried values for the next turn, and values to collect
 * @param length the name of the number of turns, as a size
 * @returns the values carried out of the last turn, and each collected value with a leading axis of turns
 */
export function Loop(
  count: Value,
  initial: readonly Value[],
  turn: (...carried: Value[]) => { readonly carried: readonly Value[]; readonly collected: readonly Value[] },
  length: string,
): { readonly carried: readonly Value[]; readonly collected: readonly Value[] } {
  const iteration = input("iteration", [], "int64");
  const parameters = initial.map((v, i) => input(`carried${i}`, v.shape, v.dtype));
  const { carried, collected } = turn(...parameters);
  const body: Body = { parameters: [iteration, ...parameters], results: [...carried, ...collected] };
  const outputs = apply(loop, [count, ...initial], { body, length });
  return { carried: outputs.slice(0, initial.length), collected: outputs.slice(initial.length) };
}
