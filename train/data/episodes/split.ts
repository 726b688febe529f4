// Which classes are held back: a fixed choice by name, so that every run and every machine holds back the same ones.
import { createHash } from "node:crypto";
import { InnerloopError } from "@innerloop/schemas";
import type { Split } from "./task.ts";

/** The classes held back for `val` and `test`, each as a fraction of all classes or as a list of names. Default none. */
export interface SplitOptions {
  readonly val?: number | readonly (string | number)[];
  readonly test?: number | readonly (string | number)[];
}

/** Of the classes of data without splits of their own, how many are held back; the shares of mini-ImageNet (Ravi and Larochelle 2017). */
export const usuallyHeldBack = { val: 0.16, test: 0.2 };

/**
 * Splits classes by name. Fractions are cut from the names in order of a hash of each, so that the choice is the same
 * everywhere, and unrelated to the alphabet. What neither `val` nor `test` takes is `train`.
 *
 * @throws {InnerloopError} `bad-split` (status 2) for a fraction outside [0, 1], fractions of more than 1 in all, a name
 *   that is no class, or a class in both
 */
export function splitClasses(names: readonly string[], { val = 0, test = 0 }: SplitOptions): Record<Split, string[]> {
  const all = [...new Set(names)].sort((a, b) => (hash(a) < hash(b) ? -1 : 1));
  if (typeof val === "number" && typeof test === "number" && val + test > 1)
    throw badSplit(`val ${val} and test ${test} are more than 1 together; expected fractions of the classes`);
  const named = new Set([val, test].flatMap((choice) => (typeof choice === "number" ? [] : choice.map(String))));
  const take = (split: Split, choice: number | readonly (string | number)[], free: readonly string[]): string[] => {
    if (typeof choice !== "number") {
      const wanted = choice.map(String);
      const unknown = wanted.find((name) => !all.includes(name));
      if (unknown !== undefined) throw badSplit(`"${unknown}" is listed for ${split} but no example has this label`);
      return wanted;
    }
    if (!(choice >= 0 && choice <= 1)) throw badSplit(`${split} is ${choice}; expected a fraction from 0 to 1`);
    return free.filter((name) => !named.has(name)).slice(0, Math.round(choice * all.length));
  };
  const forTest = take("test", test, all);
  const forVal = take("val", val, typeof val === "number" ? all.filter((name) => !forTest.includes(name)) : all);
  const twice = forVal.find((name) => forTest.includes(name));
  if (twice !== undefined) throw badSplit(`"${twice}" is listed for both val and test; a class belongs to one split`);
  const heldBack = new Set([...forTest, ...forVal]);
  return { train: all.filter((name) => !heldBack.has(name)).sort(), val: forVal.sort(), test: forTest.sort() };
}

function badSplit(message: string): InnerloopError {
  return new InnerloopError("bad-split", message, { exitStatus: 2 });
}

function hash(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}
