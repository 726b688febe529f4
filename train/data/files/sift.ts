// What no example should be: one from which nothing can be learned, and one that is there already.
import { createHash } from "node:crypto";
import type { Split } from "../episodes/task.ts";
import type { LeftOut } from "./file-kind.ts";
import { leftOut, listed, sentenceOf } from "./left-out.ts";

/** An example as training keeps it, and what messages call it. */
export interface NamedExample<Kept> {
  readonly name: string;
  readonly kept: Kept;
  /** The recording that it was cut from, where others were as well. */
  readonly source?: string;
}

/** A class with its examples. */
export interface ReadClass<Kept> {
  readonly name: string;
  readonly split?: Split;
  readonly examples: readonly NamedExample<Kept>[];
}

/** How examples are looked at. */
export interface Looks<Kept> {
  /** Several examples, as messages call them: "images". */
  readonly several: string;
  /** What an example is from which nothing can be learned, in the words of {@link LeftOut}. */
  flaw(kept: Kept): string | undefined;
  /** What is the same of two examples that are the same. */
  bytes(kept: Kept): Uint8Array;
}

/**
 * Leaves out examples with a flaw, but for classes that hold nothing else, and of equal examples of a class all but the first.
 * Equal ones of several classes stay, since nobody can say of which they are, and are told.
 */
export function sift<Kept>(
  classes: readonly ReadClass<Kept>[],
  looks: Looks<Kept>,
): { classes: readonly ReadClass<Kept>[]; leftOut: readonly LeftOut[]; notes: readonly string[] } {
  const { several } = looks;
  const flawed = new Map<string, string[]>();
  const kept = new Map<string, string[]>();
  const twice: string[] = [];
  const contradictions: string[] = [];
  const seen = new Map<string, { readonly name: string; readonly of: string }>();
  const note = (list: Map<string, string[]>, why: string, name: string): void => {
    const there = list.get(why);
    if (there) there.push(name);
    else list.set(why, [name]);
  };
  const sound = classes.map(({ examples, ...rest }) => {
    const flaws = examples.map(({ kept }) => looks.flaw(kept));
    const nothingElse = flaws.every((flaw) => flaw !== undefined);
    const left = examples.filter(({ name, kept: values }, i) => {
      const flaw = flaws[i];
      if (flaw !== undefined) note(nothingElse ? kept : flawed, flaw, name);
      if (flaw !== undefined && !nothingElse) return false;
      const key = createHash("sha1").update(looks.bytes(values)).digest("base64");
      const before = seen.get(key);
      if (!before) seen.set(key, { name, of: rest.name });
      else if (before.of === rest.name) twice.push(`${name} (as ${before.name})`);
      else contradictions.push(`${name} (as ${before.name})`);
      return before?.of !== rest.name;
    });
    return { ...rest, examples: left };
  });
  return {
    classes: sound,
    leftOut: [
      ...[...flawed].flatMap(([why, names]) => leftOut(why, names)),
      ...leftOut(`${several} that are in their class already`, twice),
    ],
    notes: [
      ...[...kept].flatMap(([why, names]) =>
        leftOut(why, names).map((each) => sentenceOf(each, "are kept, since their classes hold nothing else")),
      ),
      ...(contradictions.length === 0
        ? []
        : [
            `The same ${several} are in several classes, which contradict each other (${contradictions.length}): ${listed(contradictions)}`,
          ]),
    ],
  };
}
