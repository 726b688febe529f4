// A Scan by other means: as its turns one after another, for whoever has no graphs inside nodes; and as a Loop where there may be
// no turn at all, since ONNX Runtime refuses a Scan over nothing.
import { at, upTo, zip } from "../core/lists.ts";
import type { Value } from "../core/value.ts";
import { Sub } from "../ops/arithmetic.ts";
import { Equal } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { Shape } from "../ops/graph.ts";
import { Range } from "../ops/internal/counting.ts";
import { Gather } from "../ops/internal/gathering.ts";
import { cut } from "../ops/internal/slicing.ts";
import { Reshape, Unsqueeze } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { Scan } from "../ops/scan.ts";
import { While } from "../ops/while.ts";
import { applied } from "../transforms/subgraph.ts";
import { lowering } from "./lower.ts";

/** The most turns that are written one after another. */
const mostTurns = 512;

/** A Scan over a known number of turns, unrolled. */
export const scanUnrolled = lowering(Scan, (inputs, { body, states, scanned, reverse }) => {
  const stacks = inputs.slice(states, states + scanned);
  const turns = at(at(stacks, 0).shape, 0);
  if (typeof turns !== "number" || turns > mostTurns || turns === 0) return undefined;
  let carried: readonly Value[] = inputs.slice(0, states);
  const captured = inputs.slice(states + scanned);
  const collected = body.gives.slice(states).map((): Value[] => []);
  for (const turn of reverse ? upTo(turns).reverse() : upTo(turns)) {
    const entries = stacks.map((stack) => Reshape(cut(stack, 0, turn, turn + 1), stack.shape.slice(1)));
    const results = applied(body, [...carried, ...entries, ...captured]);
    carried = results.slice(0, states);
    zip(collected, results.slice(states), (list, value) => list.push(Unsqueeze(value, [0])));
  }
  return [...carried, ...collected.map((list) => Concat(reverse ? list.reverse() : list, 0))];
});

/** A Scan whose stacks may be empty, as a Loop that picks their entries. */
export const scanAsLoop = lowering(Scan, (inputs, { body, states, scanned, reverse, maybeNever }) => {
  const stacks = inputs.slice(states, states + scanned);
  const size = at(at(stacks, 0).shape, 0);
  if (!maybeNever || typeof size === "number") return undefined;
  const captured = inputs.slice(states + scanned);
  const [first] = stacks;
  // A size alone would not hold on to what tells it, where the entries are not read.
  const count =
    first?.rank === 1 && stacks.length === 1
      ? ReduceSum(Cast(Equal(first, first), "int64"), { keepdims: false })
      : Reshape(cut(Shape(at(stacks, 0)), 0, 0, 1), []);
  const last = Sub(count, 1);
  const { carried, collected } = While(
    inputs.slice(0, states),
    (now, turn, going) => {
      const place = reverse ? Sub(last, turn) : turn;
      const results = applied(body, [...now, ...stacks.map((stack) => Gather(stack, place, 0)), ...captured]);
      return { going, carried: results.slice(0, states), collected: results.slice(states) };
    },
    { count, size },
  );
  return [...carried, ...collected.map((stack) => (reverse ? Gather(stack, Sub(last, Range(size)), 0) : stack))];
});
