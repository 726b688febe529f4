// Where data are, as people write it.
import { fileURLToPath } from "node:url";
import { InnerloopError } from "@innerloop/schemas";

/**
 * A path, also where it was given as the text of a `file:` URL.
 *
 * @throws {InnerloopError} `bad-option` (status 2) for a URL that names no file of this machine
 */
export function pathOf(place: string): string {
  if (!/^file:/i.test(place)) return place;
  try {
    return fileURLToPath(place);
  } catch (cause) {
    throw new InnerloopError(
      "bad-option",
      `${place} was given, which names no file of this machine (${(cause as Error).message}); give a path or file:///…`,
      { exitStatus: 2, cause },
    );
  }
}
