// What validations of a run are made of: held-back classes, as many as there are; and what is said where these are few.
import { InnerloopError, type RunConfig } from "@innerloop/schemas";
import type { EpisodeShape, Split, TaskSource } from "../data/index.ts";

/** Episodes of a split, and their size. */
export interface Drawn {
  readonly split: Split;
  readonly shape: EpisodeShape;
}

type Sizes = Pick<RunConfig, "ways" | "shots" | "queries">;

/**
 * Episodes for validation, verification and the like, of held-back classes where there are two, and else of those that are
 * trained on: with fewer classes or queries than were asked for, where there are no more.
 * @param asked of an episode
 * @param split whose classes are held back
 */
export function heldBackEpisodes(tasks: TaskSource, asked: Sizes, split: "val" | "test" = "val"): Drawn {
  const { ways, shots, queries } = asked;
  if (tasks.kind === "regression") return { split, shape: { ways: 1, shots, queries } };
  const there = tasks.classCount(split);
  // Kept episodes are as they are, and classes that are not counted are enough.
  if (there === 0 && tasks.classCount("train") === 0) return { split, shape: { ways, shots, queries } };
  const from = there >= 2 ? split : "train";
  return {
    split: from,
    shape: { ways: Math.min(ways, tasks.classCount(from)), shots, queries: queriesOf(tasks, from, asked) },
  };
}

/** The same data without classes that no episode can be drawn from, which are told. */
export function enoughExamples(
  tasks: TaskSource,
  { shots }: Pick<RunConfig, "shots">,
): { readonly tasks: TaskSource; readonly notes: readonly string[] } {
  const { tasks: larger, leftOut } = tasks.withExamples?.(shots + 1) ?? { tasks, leftOut: [] };
  if (leftOut.length === 0) return { tasks, notes: [] };
  // Where none would be left, drawing one says which class has how many.
  if (larger.classCount("train") === 0) return { tasks, notes: [] };
  const shown = leftOut.slice(0, 6).join(", ");
  const more = leftOut.length > 6 ? ` and ${leftOut.length - 6} more` : "";
  const examples = `${shots} example${shots === 1 ? "" : "s"} and a query`;
  return {
    tasks: larger,
    notes: [`Classes with fewer examples than a task needs (${examples}) are left out: ${shown}${more}`],
  };
}

/** Queries of each class, as many as its examples leave, and one at least. */
export function queriesOf(tasks: TaskSource, split: Split, { shots, queries }: Sizes): number {
  const least = tasks.smallestClass?.(split)?.examples ?? Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(queries, least - shots));
}

/** What a run should say of its validations, where they are not what was asked for. */
export function notesOnHeldBack(tasks: TaskSource, config: RunConfig): string[] {
  if (tasks.kind === "regression") return [];
  const { split, shape } = heldBackEpisodes(tasks, config);
  const few = tasks.classCount("val");
  const notes: string[] = [];
  if (split === "train")
    notes.push(
      `${few === 1 ? "One class is" : "No classes are"} held back for validation, which draws other episodes of the classes that are trained ` +
        "on: its accuracy says nothing of new classes",
    );
  else if (shape.ways < config.ways)
    notes.push(`Validation tells ${shape.ways} classes apart, not ${config.ways}: no more are held back for it`);
  const least = tasks.smallestClass?.("train");
  if (least && least.examples < config.shots + config.queries)
    notes.push(
      `Training tasks have ${queriesOf(tasks, "train", config)} queries a class, not ${config.queries}: "${least.name}" has ${least.examples} examples`,
    );
  return notes;
}

/**
 * Says at once what is lacking where the classes to train on are fewer than a task needs.
 * @throws InnerloopError `too-few-classes` (status 2): what there is, how it is split, what is needed, and what would work
 */
export function checkClasses(
  tasks: TaskSource,
  { ways, shots, queries, split, folds }: RunConfig,
  needed: number,
): void {
  const [train, val, test] = (["train", "val", "test"] as const).map((part) => tasks.classCount(part)) as [
    number,
    number,
    number,
  ];
  if (tasks.kind === "regression" || train >= needed) return;
  const all = train + val + test;
  const counted = (n: number) => (n === 0 ? "none" : String(n));
  const can: string[] = [];
  if (train >= 2) can.push(`tasks of fewer classes (--ways ${train})`);
  if (!folds && train + val >= needed && val > 0 && !split)
    can.push("no classes for validation, which then draws from those that are trained on (--split train,test)");
  if (!folds && all >= needed && all > train + (split ? 0 : val))
    can.push("all classes to train on, measured on none (--split train)");
  if (!folds && all >= needed + Math.ceil(all / Math.floor(all / 2)))
    can.push(`cross-validation, and then all classes to train on (--folds ${Math.min(5, Math.floor(all / 2))})`);
  if (train >= 2) can.push("a start from a bundle, whose training tasks may have fewer classes (--from drawings)");
  throw new InnerloopError(
    "too-few-classes",
    `${tasks.name} has ${all} class${all === 1 ? "" : "es"}: ${counted(train)} to train on, ${counted(val)} for validation (val), ${counted(test)} for test. ` +
      `Tasks of ${needed} ways, ${shots} shots and ${queries} queries need ${needed} classes to train on, of ${shots + queries} examples each; val and test make do ` +
      `with two each, and tasks of ${ways} ways are validated as they are asked for from ${ways * 5} classes in all on. ` +
      `What would work: ${[...can, "more classes"].join("; ")}.`,
    { exitStatus: 2 },
  );
}
