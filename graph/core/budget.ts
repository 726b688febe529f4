// How much may be made while a graph is built from somebody's file, so that a small file costs little: a count that
// whatever makes something adds to before it makes it.
import { InnerloopError } from "@innerloop/schemas";

/** What is counted. */
export interface Budget {
  /** Nodes of the graph. */
  readonly nodes: number;
  /** Numbers of constants that operators make: ranges, tables of windows, lists of sizes. */
  readonly numbers: number;
  /** Numbers read and written, and products, while constants are worked out. */
  readonly work: number;
}

/** What no single array goes beyond, whoever builds the graph; how long its evaluation may take is for them to say. */
const largest: Budget = { nodes: Number.POSITIVE_INFINITY, numbers: 2 ** 24, work: Number.POSITIVE_INFINITY };

let limits: Budget | undefined;
let spent: Record<keyof Budget, number> = { nodes: 0, numbers: 0, work: 0 };

/** Runs `build`, in which no more than this is made. */
export function within<T>(budget: Budget, build: () => T): T {
  const before = { limits, spent };
  [limits, spent] = [budget, { nodes: 0, numbers: 0, work: 0 }];
  try {
    return build();
  } finally {
    ({ limits, spent } = before);
  }
}

/**
 * Says that so much is about to be made.
 *
 * @throws InnerloopError `too-large`, and nothing is to be made, where that is more than what is left
 */
export function spend(what: keyof Budget, amount: number): void {
  spent[what] += amount;
  const most = (limits ?? largest)[what];
  if ((limits ? spent[what] : amount) <= most) return;
  const words = { nodes: "operators", numbers: "numbers of constants", work: "steps to work out constants" }[what];
  throw new InnerloopError(
    "too-large",
    `it takes more than ${most} ${words}${limits ? " to read this model" : ""}; give smaller sizes`,
    { exitStatus: limits ? 1 : 2 },
  );
}
