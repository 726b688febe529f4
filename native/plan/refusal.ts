// What is not computed here goes to ONNX Runtime: the error that says so, which no caller of a session sees.
import { InnerloopError } from "@innerloop/schemas/bundle";

/** The code of {@link refused}. */
const notNative = "not-native";

/** The error for what is not computed here. */
export const refused = (what: string): InnerloopError => new InnerloopError(notNative, `${what} is not computed here`);

/** Whether an error says that something is not computed here, be it for want of memory. */
export const isRefusal = (cause: unknown): boolean =>
  cause instanceof InnerloopError
    ? cause.code === notNative
    : cause instanceof RangeError && /allocation failed|invalid (?:typed )?array.*length/i.test(cause.message);
