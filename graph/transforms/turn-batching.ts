// Batching a repeated body: which of what it hands on differs from task to task, and the body on all tasks at once.
import { input } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at, zip } from "../core/lists.ts";
import type { Value } from "../core/value.ts";
import type { Turn } from "./recurrence.ts";
import { dependOn } from "./subgraph.ts";
import { batchOutputs } from "./vmap.ts";

/** Which of what goes into a body has a leading axis of tasks. */
interface Batched {
  readonly states: readonly boolean[];
  readonly stacks: readonly boolean[];
  readonly captured: readonly boolean[];
}

/** The body for all tasks. */
export interface BatchedTurns {
  /** States and entries, as inputs that were made for this; and what is captured, likewise. */
  readonly takes: readonly Value[];
  readonly captured: readonly Value[];
  readonly gives: readonly Value[];
  /** Which states differ from task to task, and which results do. */
  readonly states: readonly boolean[];
  readonly varies: readonly boolean[];
}

/** The body of turns of which some values have a leading axis of tasks. */
export function batchedTurns(
  { states, slices, captured, others = [], next, collected }: Turn,
  batched: Batched,
  tasks: Dim,
): BatchedTurns {
  const results = [...next, ...collected];
  const sources = [...slices.filter((_, i) => batched.stacks[i]), ...captured.filter((_, i) => batched.captured[i])];
  let flags: readonly boolean[] = batched.states;
  let varies: readonly boolean[] = [];
  for (;;) {
    const before = flags;
    varies = dependOn(results, [...sources, ...states.filter((_, i) => before[i])]);
    flags = before.map((flag, i) => flag || varies[i] === true);
    if (flags.every((flag, i) => flag === before[i])) break;
  }
  const made = (values: readonly Value[], which: readonly boolean[]): Value[] =>
    values.map((value, i) => (which[i] ? input("batch", [tasks, ...value.shape], value.dtype) : value));
  const [ownStates, ownSlices, ownCaptured] = [
    made(states, flags),
    made(slices, batched.stacks),
    made(captured, batched.captured),
  ];
  const pairs = [
    ...zip(states, ownStates, (from, to) => [from, to] as const),
    ...zip(slices, ownSlices, (from, to) => [from, to] as const),
    ...zip(captured, ownCaptured, (from, to) => [from, to] as const),
  ];
  const batches = new Map(pairs.filter(([from, to]) => from !== to));
  const changed = results.filter((_, i) => varies[i] || flags[i]);
  const given = batchOutputs(changed, batches, tasks);
  const gives = results.map((value, i) => (varies[i] || flags[i] ? at(given, changed.indexOf(value)) : value));
  return {
    takes: [...others, ...ownStates, ...ownSlices],
    captured: ownCaptured,
    gives,
    states: flags,
    varies: results.map((_, i) => varies[i] === true || flags[i] === true),
  };
}
