// The names of arrays: in the feeds and outputs of training graphs, and in checkpoints. Each is made here and taken apart
// here, so that whoever writes one and whoever reads it cannot differ.

/** Names that stand for something of another array, with a prefix before its name. */
interface Family {
  /** The name of one. */
  of(name: string): string;
  /** Entries by such names. */
  named<T>(entries: Readonly<Record<string, T>>): Record<string, T>;
  /** Those entries that have such names, by the names without the prefix; and all others. */
  split<T>(entries: Readonly<Record<string, T>>): { found: Record<string, T>; others: Record<string, T> };
}

function family(prefix: string): Family {
  const of = (name: string) => `${prefix}${name}`;
  return {
    of,
    named: (entries) => Object.fromEntries(Object.entries(entries).map(([name, value]) => [of(name), value])),
    split: (entries) => {
      const all = Object.entries(entries);
      const has = (name: string) => name.startsWith(prefix);
      const found = all
        .filter(([name]) => has(name))
        .map(([name, value]) => [name.slice(prefix.length), value] as const);
      return { found: Object.fromEntries(found), others: Object.fromEntries(all.filter(([name]) => !has(name))) };
    },
  };
}

/** What an array of the state is after a step. */
export const next = family("next/");

/** The derivative of the meta-loss with respect to a parameter, summed over tasks. */
export const gradient = family("gradient/");

/** What a sum over tasks is before the tasks of a run are added to it. */
export const total = family("total/");

/** A parameter as it did best in validation, in a checkpoint. */
export const best = family("best/");

/** What adapting makes of an array. */
export const adapted = family("adapted/");

/** An array that an optimizer keeps for a parameter. */
export const optimizerArray = (slot: string, parameter: string): string => `optimizer/${slot}/${parameter}`;

/** Arrays by which a step's graph decides whether the step is taken. */
export const guardArrays = {
  /** 1 until a step was not finite; from then on, steps change nothing. */
  health: "guard/health",
  /** What the losses of a float16 step are multiplied by. */
  lossScale: "guard/loss_scale",
  /** For how many finite steps the loss scale has stood. */
  steady: "guard/steady",
} as const;

/** The arrays of an episode. */
export const episodeArrays = {
  support: { x: "support_x", y: "support_y" },
  query: { x: "query_x", y: "query_y" },
} as const;
