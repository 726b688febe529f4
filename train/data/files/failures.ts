// Examples that cannot be read: a few are left out and told, and more of them are an error that a person has to see.
import { InnerloopError } from "@innerloop/schemas";
import type { LeftOut } from "./file-kind.ts";
import { leftOut, listed } from "./left-out.ts";

/** An example that cannot be read. */
export interface Failure {
  readonly name: string;
  /** Its class. */
  readonly of: string;
  readonly error: InnerloopError;
  /** What is wrong with it, without its name. */
  readonly why: string;
}

/** Whether an error is of one example, so that others may well be read. */
export const isOfExample = (cause: unknown): cause is InnerloopError =>
  cause instanceof InnerloopError && cause.exitStatus === 1 && cause.code !== "sharp-missing";

/** Does some work on an example, whose name errors of it then begin with. */
export function naming<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof InnerloopError)) throw cause;
    throw new InnerloopError(cause.code, `${name}: ${cause.message}`, { cause });
  }
}

/**
 * What becomes of examples that cannot be read: they are left out, or, where they are a fifth of all or more, or all of a class,
 * a problem of the code that they have in common.
 *
 * @param several what examples are called
 * @param counts the examples of each class, those that cannot be read among them
 */
export function withoutFailures(
  name: string,
  several: string,
  counts: ReadonlyMap<string, number>,
  failures: readonly Failure[],
): { readonly leftOut: readonly LeftOut[]; readonly problem?: InnerloopError } {
  if (failures.length === 0) return { leftOut: [] };
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const of = new Map<string, number>();
  for (const { of: label } of failures) of.set(label, (of.get(label) ?? 0) + 1);
  const lost = [...of].filter(([label, count]) => counts.get(label) === count).map(([label]) => `"${label}"`);
  const inOrder = [...failures].sort((a, b) => (a.name < b.name ? -1 : 1));
  const left = leftOut(
    `${several} that cannot be read`,
    inOrder.map(({ name, why }) => `${name} (${why})`),
  );
  if (failures.length * 5 < total && lost.length === 0) return { leftOut: left };
  const told = inOrder.slice(0, 3).map(({ error }) => error.message);
  const [first, ...others] = inOrder.map(({ error }) => error.code);
  const problem = new InnerloopError(
    others.every((code) => code === first) ? first! : "data-broken",
    `${failures.length} of the ${total} ${several} in ${name} cannot be read` +
      `${lost.length > 0 ? `, and nothing else is in ${listed(lost)}` : ""}: ${told.join(". ")}` +
      (failures.length > told.length ? `. And ${failures.length - told.length} more` : ""),
    { cause: inOrder[0]!.error },
  );
  return { leftOut: left, problem };
}
