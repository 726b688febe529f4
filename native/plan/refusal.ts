// What is not computed here goes to ONNX Runtime: the error that says so, which no caller of a session sees.
import { InnerloopError } from "@innerloop/schemas";

/** The code of {@link refused}. */
export const notNative = "not-native";

/** The error for what is not computed here. */
export const refused = (what: string): InnerloopError => new InnerloopError(notNative, `${what} is not computed here`);
