// Recurrent networks whole where ONNX Runtime has them, which is in float32; else as the steps of a Scan. And a Scan as its
// turns one after another, for whoever has no graphs inside nodes.
import { at, upTo, zip } from "../core/lists.ts";
import type { Value } from "../core/value.ts";
import { cut } from "../ops/internal/slicing.ts";
import { Reshape, Unsqueeze } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { GRU, LSTM, RNN } from "../ops/recurrent.ts";
import { Scan } from "../ops/scan.ts";
import { applied } from "../transforms/subgraph.ts";
import { lowering } from "./lower.ts";

/** Ways to compute recurrent networks in other precisions. */
export const recurrentAsSteps = [RNN, GRU, LSTM].map((entry) =>
  lowering(entry, (inputs, attributes) =>
    inputs[0].dtype === "float32" ? undefined : entry.operator.decompose?.(inputs, attributes),
  ),
);

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
