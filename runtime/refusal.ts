// The errors of a call that was wrong, as all of this room throws them.
import { InnerloopError } from "@innerloop/schemas/bundle";

/** What a caller gave is wrong. */
export function badInput(message: string, code = "bad-input"): InnerloopError {
  return new InnerloopError(code, message, { exitStatus: 2 });
}

/** An option is wrong. */
export function badOption(message: string): InnerloopError {
  return badInput(message, "bad-option");
}
