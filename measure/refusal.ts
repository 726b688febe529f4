// Errors in what was asked for.
import { InnerloopError } from "@innerloop/schemas";

/** An error in what was asked for (status 2). */
export const wrongCall = (code: string, message: string): InnerloopError =>
  new InnerloopError(code, message, { exitStatus: 2 });
