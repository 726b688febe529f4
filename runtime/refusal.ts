// The errors of a call that was wrong, as all of this room throws them.
import { InnerloopError, show } from "@innerloop/schemas/bundle";

/** What a caller gave is wrong. */
export function badInput(message: string, code = "bad-input"): InnerloopError {
  return new InnerloopError(code, message, { exitStatus: 2 });
}

/** What was to be read has more bytes than it may have. */
export function tooLarge(place: string, what: string, bytes: number | string, limit: number): InnerloopError {
  return new InnerloopError(
    "file-too-large",
    `${place}: it has ${bytes} bytes, and ${what} may have ${limit}; give another, or a higher limit`,
  );
}

/** @throws InnerloopError `bad-option` for options that are no object, or whose signal is none */
export function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null)
    throw badOption(`${show(options)} was given; options are an object, such as { steps: 3 }`);
  const { signal } = options as { signal?: AbortSignal };
  if (signal !== undefined && typeof signal?.addEventListener !== "function")
    throw badOption(`signal ${show(signal)} was given; an AbortSignal was expected`);
}

/** An option is wrong. */
export function badOption(message: string): InnerloopError {
  return badInput(message, "bad-option");
}
