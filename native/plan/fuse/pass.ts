// What passes are, and how one goes through the tree of steps.
import type { Step, Store } from "../steps.ts";
import type { NumberOf } from "./code.ts";
import { Level, uses } from "./level.ts";

export interface Pass {
  readonly name: string;
  /** What it is good for. */
  readonly why: string;
  /** Changes the steps of one place. */
  readonly apply: (level: Level, numberOf: NumberOf) => void;
}

/** The steps after a pass, those of turns first. */
export function passed(
  steps: readonly Step[],
  outputs: ReadonlySet<Store>,
  numberOf: NumberOf,
  { apply }: Pass,
): { readonly steps: Step[]; readonly changed: boolean } {
  const all = uses(steps);
  let changed = false;
  const through = (each: readonly Step[]): Step[] => {
    const before = each.map((step) => {
      if (step.kind !== "turns") return step;
      const body = through(step.body);
      return body.length === step.body.length && body.every((inner, i) => inner === step.body[i])
        ? step
        : { ...step, body };
    });
    const here = uses(each);
    const level = new Level(before, (store) => outputs.has(store) || all.get(store)! > (here.get(store) ?? 0));
    apply(level, numberOf);
    changed ||= level.changed;
    return level.steps;
  };
  return { steps: through(steps), changed };
}
