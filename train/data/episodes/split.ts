// Which classes are held back: one rule for all data, a fixed choice by name, so that every run and every machine holds back the
// same ones.
import { createHash } from "node:crypto";
import { InnerloopError, type SplitRecord } from "@innerloop/schemas";
import type { Split } from "./task.ts";

/** The classes held back for `val` and `test`, each as a fraction of all classes or as a list of names. Default none. */
export interface SplitOptions {
  readonly val?: number | readonly (string | number)[];
  readonly test?: number | readonly (string | number)[];
}

/** The shares of mini-ImageNet (Ravi and Larochelle 2017). */
const shares = { val: 0.16, test: 0.2 };

/** Classes of a usual episode. */
const usualWays = 5;

/**
 * How many of `count` classes are held back where nothing else is said: for `test` a fifth, and two at least from four classes on;
 * for `val` 16 %, or a fifth where that is fewer than five classes. With fewer than ten classes `val` would be a single one, so
 * there is none, and validation draws other episodes of the classes that are trained on. The numbers follow from the number of
 * classes alone, so that whoever measures holds back what training did.
 */
export function usuallyHeldBack(count: number): { readonly val: number; readonly test: number } {
  const val = Math.max(Math.round(shares.val * count), Math.min(usualWays, Math.floor(shares.test * count)));
  const test = Math.round(shares.test * count);
  return { val: val < 2 ? 0 : val, test: count < 4 ? 0 : Math.max(2, test) };
}

/** How classes are split that have no split of their own by their place. */
export interface SplitRule {
  /** The parts that there are; all unless given. */
  readonly parts?: readonly Split[];
  /** Fractions that are held back, in place of {@link usuallyHeldBack}. */
  readonly heldBack?: { readonly val: number; readonly test: number } | undefined;
  /**
   * Cross-validation: of so many parts of equal size, that of a number from 1 is `test`; without a number, none is. All others
   * are `train`.
   */
  readonly folds?: { readonly of: number; readonly number?: number };
  /** As the same data were split before, whatever else is given; classes that came later take no other's place. */
  readonly as?: SplitRecord;
}

/** Classes by split. */
export interface SplitClasses {
  readonly classes: Readonly<Record<Split, readonly string[]>>;
  readonly record: SplitRecord;
  /** What was decided, one sentence each; nothing where that is as usual. */
  readonly notes: readonly string[];
}

/** A class, with the split that its place says. */
interface Placed {
  readonly name: string;
  readonly split?: Split | undefined;
}

/**
 * Splits the classes of data. Those with a split of their own, as in a folder `train`, `val` or `test`, keep it; a part that no
 * class is in by its place is cut from the rest, which is `train`: by a hash of the names, so many as {@link usuallyHeldBack}
 * says or the rule does.
 *
 * @returns names in the order of the alphabet
 * @throws {InnerloopError} `bad-split` (status 2) for folds that are not from 2 to half of the classes, or fractions of more than 1
 */
export function splitOf(all: readonly Placed[], rule: SplitRule = {}): SplitClasses {
  const { folds, heldBack, as } = rule;
  // In cross-validation the folds take turns, and a test of its own stays one.
  const parts = as ? as.parts : folds ? ["train" as const, "test" as const] : rule.parts;
  const wanted = (split: Split): boolean => !parts || parts.includes(split);
  // What is in the place of a part that there is not to be is trained on.
  const own = ({ split }: Placed): Split | undefined =>
    split === undefined || split === "train" || !wanted(split) ? undefined : split;
  const placed = (split: Split): string[] => all.flatMap((each) => (own(each) === split ? [each.name] : []));
  const [val, test] = [placed("val"), placed("test")];
  const free = inOrder(all.flatMap((each) => (own(each) === undefined ? [each.name] : [])));
  const cut = as
    ? asBefore(free, as)
    : folds
      ? foldOf(free, folds)
      : firstOf(free, heldBackOf(free.length, heldBack), (part) => wanted(part) && placed(part).length === 0);
  const held = new Set([...cut.val, ...cut.test]);
  const classes = {
    train: free.filter((name) => !held.has(name)).sort(),
    val: [...val, ...cut.val].sort(),
    // A fold is measured by itself, and a test of its own is kept for the end.
    test: [...(folds?.number === undefined ? test : []), ...cut.test].sort(),
  };
  const record = as ?? { ...(parts ? { parts: [...parts] } : {}), ...ends("val", cut.val), ...ends("test", cut.test) };
  return { classes, record, notes: notesOn(all, cut, wanted) };
}

/** What of classes in folders of splits is not as the folders say. */
function notesOn(all: readonly Placed[], cut: Cut, wanted: (split: Split) => boolean): string[] {
  if (all.every(({ split }) => split === undefined)) return [];
  return (["val", "test"] as const).flatMap((part) => {
    const there = all.filter(({ split }) => split === part).length;
    if (there > 0)
      return wanted(part) ? [] : [`The classes in ${part}/ (${there}) are trained on, since there is to be no ${part}`];
    const held = cut[part].length;
    return held === 0 ? [] : [`${held} of the classes in train/ are held back as ${part}, which has no folder`];
  });
}

/** How many are held back, by fractions or as usual. @throws InnerloopError `bad-split` */
function heldBackOf(count: number, shares: SplitRule["heldBack"]): { val: number; test: number } {
  if (!shares) return usuallyHeldBack(count);
  if (shares.val + shares.test > 1) throw tooMuch(shares);
  const of = (part: "val" | "test") => Math.round(fraction(part, shares[part]) * count);
  return { val: of("val"), test: of("test") };
}

/** A part of the free classes for each split. */
type Cut = Readonly<Record<"val" | "test", readonly string[]>>;

/** The first by their hashes are `test`, the next `val`. @param isCut whether a part is to be made of them */
function firstOf(
  free: readonly string[],
  counts: { readonly val: number; readonly test: number },
  isCut: (part: "val" | "test") => boolean,
): Cut {
  const [val, test] = [isCut("val") ? counts.val : 0, isCut("test") ? counts.test : 0];
  return { test: free.slice(0, test), val: free.slice(test, test + val) };
}

function foldOf(free: readonly string[], { of, number }: NonNullable<SplitRule["folds"]>): Cut {
  const most = Math.floor(free.length / 2);
  if (!(Number.isInteger(of) && of >= 2 && of <= most))
    throw badSplit(
      `${of} folds of ${free.length} classes; ` +
        (most < 2
          ? "there have to be four classes at least, two in each fold; give more classes"
          : `from 2 to ${most} were expected, so that each fold has two classes to tell apart`),
    );
  if (number === undefined) return { val: [], test: [] };
  if (!(Number.isInteger(number) && number >= 1 && number <= of))
    throw badSplit(`fold ${number} of ${of}; a whole number from 1 to ${of} was expected`);
  const edge = (fold: number) => Math.floor((fold * free.length) / of);
  return { val: [], test: free.slice(edge(number - 1), edge(number)) };
}

function asBefore(free: readonly string[], record: SplitRecord): Cut {
  const within = (part: "val" | "test"): string[] => {
    const [first, last] = record[part] ?? [];
    if (first === undefined || last === undefined) return [];
    return free.filter((name) => place(name) >= first && place(name) <= last);
  };
  return { val: within("val"), test: within("test") };
}

/** The first and the last of classes, by their places. */
function ends(part: "val" | "test", cut: readonly string[]): SplitRecord {
  const [first, last] = [cut[0], cut.at(-1)];
  return first === undefined || last === undefined ? {} : { [part]: [place(first), place(last)] };
}

/**
 * Splits classes by name. Fractions are cut from the names in order of a hash of each, so that the choice is the same
 * everywhere, and unrelated to the alphabet. What neither `val` nor `test` takes is `train`.
 *
 * @throws {InnerloopError} `bad-split` (status 2) for a fraction outside [0, 1], fractions of more than 1 in all, a name
 *   that is no class, or a class in both
 */
export function splitClasses(names: readonly string[], { val = 0, test = 0 }: SplitOptions): Record<Split, string[]> {
  const all = inOrder(names);
  if (typeof val === "number" && typeof test === "number" && val + test > 1) throw tooMuch({ val, test });
  const named = new Set([val, test].flatMap((choice) => (typeof choice === "number" ? [] : choice.map(String))));
  const take = (split: Split, choice: number | readonly (string | number)[], free: readonly string[]): string[] => {
    if (typeof choice !== "number") {
      const wanted = choice.map(String);
      const unknown = wanted.find((name) => !all.includes(name));
      if (unknown !== undefined) throw badSplit(`"${unknown}" is listed for ${split} but no example has this label`);
      return wanted;
    }
    return free.filter((name) => !named.has(name)).slice(0, Math.round(fraction(split, choice) * all.length));
  };
  const forTest = take("test", test, all);
  const forVal = take("val", val, typeof val === "number" ? all.filter((name) => !forTest.includes(name)) : all);
  const twice = forVal.find((name) => forTest.includes(name));
  if (twice !== undefined) throw badSplit(`"${twice}" is listed for both val and test; a class belongs to one split`);
  const heldBack = new Set([...forTest, ...forVal]);
  return { train: all.filter((name) => !heldBack.has(name)).sort(), val: forVal.sort(), test: forTest.sort() };
}

/** @throws InnerloopError `bad-split` for a number that is none */
function fraction(split: Split, share: number): number {
  if (share >= 0 && share <= 1) return share;
  throw badSplit(`${split} is ${share}; expected a fraction from 0 to 1`);
}

const tooMuch = ({ val, test }: { val: number; test: number }): InnerloopError =>
  badSplit(`val ${val} and test ${test} are more than 1 together; expected fractions of the classes`);

function badSplit(message: string): InnerloopError {
  return new InnerloopError("bad-split", message, { exitStatus: 2 });
}

/** Names without repetition, in the order of their hashes. */
const inOrder = (names: readonly string[]): string[] =>
  [...new Set(names)].sort((a, b) => (hash(a) < hash(b) ? -1 : 1));

function hash(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

/** Where a class lies in that order, as a record has it. */
const place = (name: string): string => hash(name).slice(0, 16);
