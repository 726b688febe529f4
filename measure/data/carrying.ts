// Which episodes data can carry: how many ways and shots each split has classes and examples for, and what to train with.
import { type Split, splits } from "@innerloop/train";
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
      if (classes.length === 0) return { split, shots, ...(count === undefined ? {} : { classes: count }) };
      const enough = classes.filter((each) => each.split === split && (each.examples ?? 0) >= shots + queries);
      return { split, shots, classes: enough.length };
    }),
  );

/** What is told of each split. @param counts how many classes there are, where they are not named */
export const splitsOf = (
  classes: readonly ReportedClass[],
  counts?: Readonly<Record<Split, number>>,
): ReportedSplit[] =>
  splits.map((split) => {
    if (counts) return { split, ...(Number.isFinite(counts[split]) ? { classes: counts[split] } : {}) };
    const own = classes.filter((each) => each.split === split);
    const smallest = own.reduce<ReportedSplit["smallest"]>(
      (least, { name, examples = 0 }) => (least && least.examples <= examples ? least : { name, examples }),
      undefined,
    );
    const examples = own.reduce((sum, { examples = 0 }) => sum + examples, 0);
    return { split, classes: own.length, examples, ...(smallest ? { smallest } : {}) };
  });

/** Up to so large a share of the classes, those that are too small are better left out than all episodes made smaller. */
const fewSmall = 0.2;

/**
 * What to train with: five ways where there are as many classes to train and to validate on, and as many queries as the smallest class
 * has examples for, but for a few classes that are smaller than all others.
 * @returns nothing where no two classes with two examples are there
 */
export function suggested(
  classes: readonly ReportedClass[],
  reported: readonly ReportedSplit[],
  { ways, shots, queries }: { readonly ways: number; readonly shots: number; readonly queries: number },
): Suggestion | undefined {
  // What is measured in the end has other numbers of its own.
  const used = classes.filter(({ split }) => split !== "test");
  const below = (least: number) => used.filter(({ examples = 0 }) => examples < least);
  const without = (tooSmall: readonly ReportedClass[]) => {
    const left = used.filter((each) => !tooSmall.includes(each));
    const countOf = (name: Split): number =>
      classes.length === 0
        ? (reported.find(({ split }) => split === name)?.classes ?? Number.POSITIVE_INFINITY)
        : left.filter(({ split }) => split === name).length;
    const [train, val] = [countOf("train"), countOf("val")];
    // Without a split of its own, validation draws from the classes that are trained on.
    return { tooSmall, left, train, most: val === 0 ? train : Math.min(train, val) };
  };
  const usual = below(shots + queries);
  const tried = [...(usual.length <= fewSmall * used.length ? [usual] : []), below(shots + 1)].map(without);
  const found = tried.find(({ most }) => most >= 2);
  if (!found) return undefined;
  const { tooSmall, left, train, most } = found;
  const smallest = Math.min(Number.POSITIVE_INFINITY, ...left.map(({ examples = 0 }) => examples));
  const asked = Math.max(1, smallest - shots);
  return {
    settings: { ...(most < ways ? { ways: most } : {}), ...(asked < queries ? { queries: asked } : {}) },
    tooSmall: tooSmall.map(({ name, examples }) => `${name} (${examples})`),
    ...(train < fewClasses
      ? { few: `${train} classes to train on are few; what was learned on others may be the better start` }
      : {}),
  };
}
