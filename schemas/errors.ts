// The one error class of the project, so that a caller tells what a person can act on from what is a defect.
import { plain } from "./text.ts";

/** Settings of an {@link InnerloopError} beside its code and message. */
export interface InnerloopErrorOptions {
  /** The exit status of a command that ends in this error. 1 (the default): the work failed; 2: the call was wrong. */
  readonly exitStatus?: 1 | 2;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * An error made for its reader: the message says what was given, what was expected and what to do. It has no control
 * characters, whatever it quotes, and an end.
 */
export class InnerloopError extends Error {
  /** Stable and in kebab-case, for programs: "data-missing", "bundle-altered", "newer-version", "unknown-option", … */
  readonly code: string;
  readonly exitStatus: 1 | 2;

  constructor(code: string, message: string, options: InnerloopErrorOptions = {}) {
    super(plain(message), "cause" in options ? { cause: options.cause } : undefined);
    this.name = "InnerloopError";
    this.code = code;
    this.exitStatus = options.exitStatus ?? 1;
  }
}
