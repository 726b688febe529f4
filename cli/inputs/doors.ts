// The door that the files of a bundle go through, by its preprocessing, and what is said of files that are for another one.
import { InnerloopError, type Manifest, type Preprocessing } from "@innerloop/schemas";
import type { FileKind, GuessedDoor } from "@innerloop/train";
import { wrongCall } from "../call/command.ts";

/** The door of a bundle, at a place. */
export interface OpenDoor {
  readonly files: FileKind;
  readonly how: Preprocessing;
  /** What its files are, without their endings: "pictures". */
  readonly several: string;
  /**
   * Does something with the files at the place.
   * @throws InnerloopError `wrong-data` (status 2) where the place holds files of another kind, and which; else what that throws
   */
  open<T>(work: (files: FileKind) => Promise<T>): Promise<T>;
}

const withoutEndings = (what: string): string => what.replace(/ \(.*$/, "");

/**
 * The door that takes the files of a bundle.
 * @throws InnerloopError `wrong-data` (status 2) for a bundle that takes numbers alone, and for a file that is of another kind
 */
export async function doorFor(place: string, is: "folder" | "file", manifest: Manifest): Promise<OpenDoor> {
  const { fileKindOf, guessDoor } = await import("@innerloop/train");
  const how = manifest.input.preprocessing;
  const files = how && fileKindOf(how.kind);
  const numbers = manifest.input.shape.join("×");
  if (!how || !files)
    throw wrongCall(
      "wrong-data",
      `${place} was given${foundText(guessDoor(place))}, but the bundle "${manifest.name}" takes .csv or .json files with ${numbers} numbers an example.`,
    );
  const several = withoutEndings(files.what);
  const refuse = (found: GuessedDoor, cause?: unknown): InnerloopError =>
    new InnerloopError(
      "wrong-data",
      `${place} was given${foundText(found)}, but the bundle "${manifest.name}" takes ${files.what}; ` +
        `give these, or a bundle that was trained on ${withoutEndings(found.counts[0]!.what)}.`,
      { exitStatus: 2, cause },
    );
  // Most of what is there is of another kind. A folder is looked through only where something is wrong with it.
  const isOther = ({ counts: [most] }: GuessedDoor): boolean => most !== undefined && !files.takes(most.first);
  if (is === "file" && isOther(guessDoor(place))) throw refuse(guessDoor(place));
  return {
    files,
    how,
    several,
    async open(work) {
      try {
        return await work(files);
      } catch (cause) {
        const found = cause instanceof InnerloopError && is === "folder" ? guessDoor(place) : undefined;
        throw found && isOther(found) ? refuse(found, cause) : cause;
      }
    },
  };
}

/** What there is, in words that go after what was given. */
function foundText({ is, counts: [most], more }: GuessedDoor): string {
  if (!most) return "";
  const what = withoutEndings(most.what);
  if (is === "file") return `, a file of ${what}`;
  return `, which holds ${more ? "at least " : ""}${most.count} ${what} (${most.first}${most.count > 1 ? ", …" : ""})`;
}
