// Whether the result of some work can be written is found out before the work.
import { InnerloopError } from "@innerloop/schemas";

/**
 * Tries to write to the place of a file.
 * @throws InnerloopError `write-failed`
 */
export async function tryOut(path: string): Promise<void> {
  const { tryFile } = await import("@innerloop/runtime/files");
  try {
    await tryFile(path);
  } catch (cause) {
    throw new InnerloopError(
      "write-failed",
      `${path} cannot be written (${cause instanceof Error ? cause.message : String(cause)}); nothing was written; ` +
        "give --out a place in a folder that exists, can be written to and has space.",
      { cause },
    );
  }
}
