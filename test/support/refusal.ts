// How a call is refused: the error that a user sees, or its code.
import { InnerloopError } from "@innerloop/schemas";
import { expect } from "vitest";

function known(error: unknown): InnerloopError {
  expect(error).toBeInstanceOf(InnerloopError);
  return error as InnerloopError;
}

/** The InnerloopError that a promise ends with, or a call that takes its time; anything else fails the test. */
export async function refusal(call: Promise<unknown> | (() => unknown)): Promise<InnerloopError> {
  let error: unknown;
  try {
    await (typeof call === "function" ? call() : call);
  } catch (cause) {
    error = cause;
  }
  return known(error);
}

/** The InnerloopError that a call throws. */
export function refusalOf(call: () => unknown): InnerloopError {
  let error: unknown;
  try {
    call();
  } catch (cause) {
    error = cause;
  }
  return known(error);
}

/** The code that a call fails with, `accepted` where it does not fail; any other error fails the test. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (cause) {
    return known(cause).code;
  }
  return "accepted";
}

/** The same of a call that takes its time. */
export async function codeOfAsync(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (cause) {
    return known(cause).code;
  }
  return "accepted";
}
