// What an evaluation makes do with where there are few classes or examples: fewer ways and queries, which is told; and what it
// cannot be made of.
import type { EpisodeShape, Split, TaskSource } from "@innerloop/train";
import { wrongCall } from "../refusal.ts";
import type { EvaluationOptions } from "./evaluation.ts";

/**
 * The sizes that a split allows, of those that nobody asked for.
 * @param asked what was asked for, and `shape` what that comes to
 * @returns the sizes, and what is fewer, one sentence each
 * @throws InnerloopError `too-few-classes` (status 2) where there are not two classes to tell apart
 */
export function shapeWithin(
  tasks: TaskSource,
  split: Split,
  asked: Pick<EvaluationOptions, "ways" | "queries">,
  shape: EpisodeShape,
): { readonly shape: EpisodeShape; readonly notes: readonly string[] } {
  if (tasks.kind === "regression") return { shape, notes: [] };
  const [train, there] = [tasks.classCount("train"), tasks.classCount(split)];
  if (there < 2)
    throw wrongCall(
      "too-few-classes",
      `${there === 0 ? "No class" : "One class"} of ${tasks.name} is in its ${split} split, and two are needed to tell apart` +
        `${split === "test" && train > 0 ? `; ${train} are what is trained on` : ""}. Give data of other classes (data, --data), or ` +
        "measure on another split (split, --split): what is in train says nothing of new classes.",
    );
  const notes: string[] = [];
  const ways = asked.ways === undefined ? Math.min(shape.ways, there) : shape.ways;
  if (ways < shape.ways)
    notes.push(`Episodes have ${ways} classes, not ${shape.ways}: no more are in the ${split} split`);
  const least = tasks.smallestClass?.(split);
  const most = Math.max(1, (least?.examples ?? Number.POSITIVE_INFINITY) - shape.shots);
  const queries = asked.queries === undefined ? Math.min(shape.queries, most) : shape.queries;
  if (least && queries < shape.queries)
    notes.push(
      `Episodes have ${queries} queries a class, not ${shape.queries}: "${least.name}" has ${least.examples} examples`,
    );
  return { shape: { ...shape, ways, queries }, notes };
}
