// The runs that a config comes down to: one, and beside it those that say what it is worth. They share its time.
import { InnerloopError, type RunConfig } from "@innerloop/schemas";
import { isSpec, type TaskSource } from "../data/index.ts";
import { fromNothing } from "../start/index.ts";

/** A run beside the one whose weights are kept. */
export interface SideRun {
  /** The name of its folder in the run's own. */
  readonly folder: string;
  /** What it is, as in "fold 1 of 5, from nothing". */
  readonly title: string;
  readonly start: "bundle" | "nothing";
  readonly config: RunConfig;
}

export interface Plan {
  readonly sides: readonly SideRun[];
  /** What is measured on the classes that each of so many folds holds back. */
  readonly folds: number | undefined;
  /** The part of the time that is for the run itself. */
  readonly share: number;
  /** What a person should know before, one sentence each. */
  readonly notes: readonly string[];
}

/** The share of a comparison that is for the start from nothing, and that of the two folds where no classes are held back. */
const shares = { nothing: 1 / 3, folds: 1 / 2 };

/** @throws InnerloopError `data-missing` (status 2) for folds of data that only a program has */
export function planOf(config: RunConfig, tasks: TaskSource): Plan {
  const comparing = config.from !== undefined && config.compare !== false;
  const asked = config.fold === undefined ? config.folds : undefined;
  const alone: Plan = { sides: [], folds: undefined, share: 1, notes: [] };
  if (tasks.kind === "regression" || (asked === undefined && !comparing)) return alone;
  const heldBack = tasks.classCount("val") >= 2;
  if (asked === undefined && heldBack) {
    const side = { folder: "from-nothing", title: "from nothing", start: "nothing" } as const;
    return {
      sides: [{ ...side, config: shortened(fromNothing(config), shares.nothing) }],
      folds: undefined,
      share: 1 - shares.nothing,
      notes: [
        `A third of ${lengthIn(config)} is for a start from nothing, to compare with (compare: false, --no-compare, leaves it out)`,
      ],
    };
  }
  const classes = tasks.classCount("train");
  if (asked === undefined && (classes < 4 || !isSpec(tasks.name)))
    return {
      ...alone,
      notes: ["Nothing can tell whether training on makes it better, since no classes are held back"],
    };
  if (!isSpec(tasks.name))
    throw new InnerloopError(
      "data-missing",
      `The data "${tasks.name}" were given by a program, which splits them; folds are of data that are opened by a SPEC. Leave folds out.`,
      { exitStatus: 2 },
    );
  const of = asked ?? 2;
  const starts = comparing
    ? (["bundle", "nothing"] as const)
    : ([config.from === undefined ? "nothing" : "bundle"] as const);
  const count = of * starts.length;
  const share = asked === undefined ? shares.folds : 1 / (count + 1);
  const { split: _, ...rest } = config;
  // Each fold has so many fewer to train on.
  const ways = Math.min(config.ways, classes - Math.ceil(classes / of));
  const sides = Array.from({ length: of }, (_, i) => i + 1).flatMap((fold) =>
    starts.map((start): SideRun => {
      const own = shortened({ ...rest, ways, folds: of, fold }, (1 - share) / count);
      const named = comparing && start === "nothing";
      return {
        folder: `fold-${fold}${named ? "-from-nothing" : ""}`,
        title: `fold ${fold} of ${of}${named ? ", from nothing" : ""}`,
        start,
        config: start === "nothing" ? fromNothing(own) : { ...own, compare: false },
      };
    }),
  );
  const why = asked === undefined ? "To compare starts, " : "";
  return {
    sides,
    folds: of,
    share,
    notes: [
      `${why}${count} short runs, each of which holds back one of ${of} parts of the ${classes} classes, take ${percent(1 - share)} of ${lengthIn(config)}; ` +
        "the rest is for the run on all of them, whose weights are kept",
    ],
  };
}

/** A config for a part of the time. */
export function shortened(config: RunConfig, share: number): RunConfig {
  const { minutes, iterations } = config;
  return {
    ...config,
    ...(minutes === undefined ? {} : { minutes: minutes * share }),
    ...(iterations === undefined ? {} : { iterations: Math.max(1, Math.round(iterations * share)) }),
  };
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

const lengthIn = ({ minutes, iterations }: RunConfig): string =>
  minutes === undefined ? `the ${iterations} iterations` : `the ${minutes} minute${minutes === 1 ? "" : "s"}`;
