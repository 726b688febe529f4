// How a call is refused, for tests that try many.
import { InnerloopError } from "@innerloop/schemas";

/** The code that a call fails with, or what else it fails with in words; `accepted` where it does not fail. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof InnerloopError ? error.code : String(error);
  }
  return "accepted";
}
