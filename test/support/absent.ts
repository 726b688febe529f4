// What a machine may lack is one skipped test that says why, not as many as there are cases.
import { describe, it } from "vitest";

/** A suite; where a reason is given why it cannot run here, one skipped test with that reason stands in its place. */
export function describeUnless(absent: string | undefined, title: string, suite: () => void): void {
  describe(title, absent === undefined ? suite : () => void it.skip(`not here: ${absent}`, () => undefined));
}

/** The same of one test. */
export function itUnless(
  absent: string | undefined,
  title: string,
  options: { readonly timeout?: number },
  test: () => unknown,
): void {
  if (absent === undefined) it(title, options, test as () => Promise<void>);
  else it.skip(`${title} (not here: ${absent})`, () => undefined);
}
