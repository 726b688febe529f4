// What flags of the commands say, and what is wrong with one.
import { InnerloopError } from "@innerloop/schemas";

export const list = (text: string): string[] => text.split(",").map((part) => part.trim());

export function counts(text: string, flag = "threads"): number[] {
  const found = list(text).map(Number);
  if (found.every((count) => Number.isInteger(count) && count >= 1)) return found;
  throw new InnerloopError(
    "bad-option",
    `--${flag} ${text} was given; whole numbers from 1, as in 1,2, were expected.`,
    {
      exitStatus: 2,
    },
  );
}

export function turns(runs: number, flag = "runs"): number {
  if (Number.isInteger(runs) && runs >= 1) return runs;
  throw new InnerloopError("bad-option", `--${flag} ${runs} was given; a whole number from 1 was expected.`, {
    exitStatus: 2,
  });
}

export function among<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  return list(text).map((part) => {
    const found = known.find((name) => name === part);
    if (found !== undefined) return found;
    throw new InnerloopError("bad-option", `--${flag} ${part} was given; expected some of ${known.join(", ")}.`, {
      exitStatus: 2,
    });
  });
}

/** Times, which need not be whole. */
export function minutesIn(text: string): number[] {
  const found = list(text).map(Number);
  if (found.every((value) => value > 0 && Number.isFinite(value))) return found;
  throw new InnerloopError("bad-option", `--minutes ${text} was given; numbers above 0, as in 1,2.5, were expected.`, {
    exitStatus: 2,
  });
}

/** `batch=8`. */
export function sizeIn(text: string): [string, number] {
  const [name = "", size] = text.split("=");
  return [name, counts(size ?? "", "size")[0]!];
}
