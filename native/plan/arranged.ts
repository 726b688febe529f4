// Passes over all steps of a plan at once, after they are joined: how many examples or matrices at a time, and by which form, products are done.

import { placesAtPoints, planesAtPoints, weightGradientsAtPoints, windowsAtPoints } from "./at-points/index.ts";
import { bunched } from "./bunch/index.ts";
import { evenly } from "./evenly.ts";
import { byHeads } from "./heads.ts";
import { laid } from "./laid.ts";
import { shortLived } from "./lives.ts";
import { inPanels } from "./panels.ts";
import type { Plan } from "./plan.ts";
import type { Step, Store } from "./steps.ts";

export interface Arrangement {
  readonly name: string;
  /** What it is good for. */
  readonly why: string;
  /** @param kept stores that have their numbers before the steps or are read after them */
  readonly apply: (steps: readonly Step[], kept: ReadonlySet<Store>, plan: Plan) => readonly Step[];
}

/** In the order in which they are taken, each once. */
export const arrangements: readonly Arrangement[] = [
  {
    name: "bunches",
    why: "what lies between the layers of some examples stays in the second cache; that of all of them goes to memory and comes back",
    apply: (steps, kept, { origins }) => bunched(steps, kept, { origins }),
  },
  {
    name: "places",
    why: "four places of windows that a pool is over, and gradients of their weights, are products at points in both directions",
    apply: (steps, kept, plan) => placesAtPoints(steps, kept, plan),
  },
  {
    name: "planes",
    why: "windows over what lies in four planes, as gradients of a pool do, are products at points in both directions",
    apply: (steps, kept, plan) => planesAtPoints(steps, kept, plan),
  },
  {
    name: "windows",
    why: "windows of 3 x 3 places are products at points along their columns, or in squares, of which there are fewer than taps",
    apply: (steps, _, plan) => windowsAtPoints(steps, plan),
  },
  {
    name: "weight gradients",
    why: "the same of the gradients of their weights, which are summed at points over all examples",
    apply: (steps, kept, plan) => weightGradientsAtPoints(steps, kept, plan),
  },
  {
    name: "even",
    why: "what lies evenly is read in place, without a table that says where each number is",
    apply: (steps) => evenly(steps),
  },
  {
    name: "laid",
    why: "what lies between points and chains has its examples outermost, as all else that these go over",
    apply: (steps, kept) => laid(steps, kept),
  },
  {
    name: "panels",
    why: "what turns multiply few rows by lies as kernels go over it before the turns",
    apply: (steps, _, plan) => inPanels(steps, plan),
  },
  {
    name: "heads",
    why: "scores of attention, shares and what they weigh stay in the cache from one to the next, some matrices at a time",
    apply: (steps, kept, plan) => byHeads(steps, kept, plan),
  },
  {
    name: "lives",
    why: "steps stand where fewer numbers are alive: gradients of weights as soon as they can, and what is read long after it was made is made there",
    apply: (steps, kept, { origins }) => shortLived(steps, { kept, origins }),
  },
];
