// Which episodes data can carry: how many ways and shots each split has classes and examples for, and what to train with.
import { splits } from "@innerloop/train";
import type { Carried, ReportedClass, ReportedSplit, Suggestion } from "./report.ts";

/** Shots that people ask for. */
const usualShots = [1, 5, 10];

/** With fewer classes to train on, what was learned on others is the better start. */
const fewClasses = 20;

/** @param queries of each class beside the shots */
export const carriedBy = (
  classes: readonly ReportedClass[],
  reported: readonly ReportedSplit[],
  queries: number,
): Carried[] =>
  reported.flatMap(({ split, classes: count }) =>
    usualShots.map((shots): Carried => {
      if (count === undefined) return { split, shots };
      const enough = classes.filter((each) => each.split === split && (each.examples ?? Infinity) >= shots + queries);
      return { split, shots, classes: enough.length };
    }),
  );

/** What is told of each split. */
export const splitsOf = (classes: readonly ReportedClass[], endless: boolean): ReportedSplit[] =>
  splits.map((split) => {
    if (endless) return { split };
    const own = classes.filter((each) => each.split === split);
    const counted = own.flatMap(({ name, examples }) => (examples === undefined ? [] : [{ name, examples }]));
    const smallest = counted.reduce<ReportedSplit["smallest"]>(
      (least, each) => (least && least.examples <= each.examples ? least : each),
      undefined,
    );
    return {
      split,
      classes: own.length,
      ...(counted.length < own.length ? {} : { examples: counted.reduce((sum, { examples }) => sum + examples, 0) }),
      ...(smallest ? { smallest } : {}),
    };
  });

/**
 * What to train with: five ways where there are as many classes to train and to validate on, and as many queries as the smallest class
 * has examples for.
 * @returns nothing where no two classes with two examples are there
 */
export function suggested(
  reported: readonly ReportedSplit[],
  { ways, shots, queries }: { readonly ways: number; readonly shots: number; readonly queries: number },
): Suggestion | undefined {
  const of = (name: string) => reported.find(({ split }) => split === name);
  const [train, val] = [of("train"), of("val")];
  const there = [train, val].filter((each) => each?.classes === undefined || each.classes > 0);
  const most = Math.min(...there.map((each) => each?.classes ?? Infinity));
  const smallest = Math.min(...there.map((each) => each?.smallest?.examples ?? Infinity));
  if (most < 2 || smallest < 2) return undefined;
  const trained = train?.classes;
  return {
    ways: Math.min(ways, most),
    shots,
    queries: Math.max(1, Math.min(queries, smallest - shots)),
    ...(trained !== undefined && trained < fewClasses
      ? { few: `${trained} classes to train on are few; what was learned on others is a better start` }
      : {}),
  };
}
