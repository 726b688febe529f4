// What goes wrong while something is set up, in words: a disk that is full, a folder that is not the user's, an interruption.
import { InnerloopError } from "@innerloop/schemas";

/** An error in what was asked for (status 2). */
export const wrongCall = (code: string, message: string): InnerloopError =>
  new InnerloopError(code, message, { exitStatus: 2 });

/** An error of work that failed (status 1). */
export const failed = (code: string, message: string, cause?: unknown): InnerloopError =>
  new InnerloopError(code, message, { cause });

/**
 * An error of the file system, told in terms of what was being done; any other error as it is.
 * @param otherwise what to do where the folder may not be written
 */
export function diskFailure(cause: unknown, folder: string, otherwise: string): unknown {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
    return failed(
      "disk-full",
      `The disk of ${folder} is full; make room, then call it again. Nothing was changed.`,
      cause,
    );
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return failed(
      "no-permission",
      `${(cause as NodeJS.ErrnoException).path ?? folder} may not be written; ${otherwise}. Nothing was changed.`,
      cause,
    );
  if (code === "ENOTDIR" || code === "EEXIST")
    return failed(
      "no-folder",
      `${folder} cannot be made, a file is in its way; ${otherwise}. Nothing was changed.`,
      cause,
    );
  return cause;
}
