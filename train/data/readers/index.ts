// The readers of data, and how a SPEC finds its own.
import { InnerloopError, type Preprocessing } from "@innerloop/schemas";
import { registry } from "../../registry.ts";
import type { TaskSource } from "../episodes/task.ts";
import type { FileKind } from "../files/file-kind.ts";
import { type GuessedDoor, guessAmong } from "../files/guess.ts";
import { type FilesRead, type ReadingBounds, readFiles } from "../files/open-files.ts";
import { wholeFiles } from "../files/whole.ts";
import { arrays } from "./arrays.ts";
import { glyphs } from "./glyphs.ts";
import { images } from "./images.ts";
import { motions } from "./motions.ts";
import { omniglot } from "./omniglot.ts";
import { pathOf } from "./place.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";
import { rows } from "./rows.ts";
import { sinusoid } from "./sinusoid.ts";
import { sound } from "./sound.ts";
import { texts } from "./texts.ts";
import { tones } from "./tones.ts";
import { windows } from "./windows.ts";

/** What is made up here. */
const generated: readonly Reader[] = [glyphs, motions, tones, sinusoid];

/** What is read where people have it. */
const placed: readonly Reader[] = [omniglot, images, windows, sound, rows, texts, arrays];

/** In the order in which errors and help name them. */
const all: readonly Reader[] = [...generated, ...placed];

/** A reader under the name that its SPEC begins with. */
export interface NamedReader extends Reader {
  readonly name: string;
}

export const readers = registry(
  "reader",
  all.map((reader): NamedReader => ({ ...reader, name: reader.spec.split(":")[0]! })),
);

/** The specs that {@link openTasks} knows. */
export const TASK_SPECS: readonly string[] = all.map(({ spec }) => spec);

/** What the word after the colon of a spec stands for. */
const places: Readonly<Record<string, string>> = { DIR: "folder", FILE: "file" };

const placeIn = (spec: string): string | undefined =>
  spec.includes(":") ? spec.slice(spec.indexOf(":") + 1) : undefined;

/** The reader that a spec begins with; what a program calls its own data begins with none. */
export const readerOf = (spec: string): NamedReader | undefined => readers.find(spec.split(":")[0]!);

/** Files of bundles that are made of a model, which have no door of data of their own. */
const ofModels: readonly FileKind[] = [wholeFiles];

/** The files that a bundle with a preprocessing of this kind takes, one example each. */
export const fileKindOf = (kind: Preprocessing["kind"]): FileKind | undefined =>
  [...all.map(({ files }) => files), ...ofModels].find((files) => files?.kind === kind);

/** Which door opens what is at a place: the one that takes most of the files there. Nothing is opened but folders. */
export const guessDoor = (place: string): GuessedDoor => guessAmong(readers.all, place);

/** Whether {@link openTasks} knows a spec; what a program calls its own data is none. */
export function isSpec(spec: string): boolean {
  const reader = readerOf(spec);
  return reader !== undefined && Boolean(placeIn(reader.spec)) === Boolean(placeIn(spec)) && placeIn(spec) !== "";
}

/**
 * Opens a data set by its spec, one of {@link TASK_SPECS}.
 *
 * @throws {InnerloopError} `unknown-data` (status 2) for another spec, listing the known ones; and what the data set
 *   itself throws where its folder is missing, empty or broken
 */
export async function openTasks(spec: string, options: OpenTasksOptions = {}): Promise<TaskSource> {
  const reader = readerOf(spec);
  if (reader && isSpec(spec)) {
    const place = pathOf(placeIn(spec) ?? "");
    return withOtherDoor(reader, place, async () => reader.open(place, options));
  }
  const wanted = reader && placeIn(reader.spec);
  const lacks = wanted !== undefined && !placeIn(spec) ? (places[wanted] ?? "place") : undefined;
  const meant = all.find((reader) => reader.meant?.by(spec));
  throw new InnerloopError(
    "unknown-data",
    `Data "${spec.length > 80 ? `${spec.slice(0, 79)}…` : spec}" ${lacks ? `lacks its ${lacks}` : "is not known"}; expected ${TASK_SPECS.join(", ")}` +
      (lacks
        ? `. Give ${reader!.spec} with the ${lacks}'s path`
        : spec === "" || !meant
          ? ""
          : `. ${meant.meant!.what} is ${meant.spec}, as ${meant.spec.split(":")[0]}:${spec.slice(0, 80)}`),
    { exitStatus: 2 },
  );
}

/** What was opened to look at it. */
export interface SurveyedData {
  readonly reader: NamedReader;
  readonly tasks: TaskSource;
  /** What is known of the files, for readers of these. */
  readonly read?: FilesRead<unknown>;
}

/**
 * As {@link openTasks}, for those who look at data before they train on them: of files, only as many are read as is asked for.
 *
 * @throws {InnerloopError} as {@link openTasks}, but for files that cannot be read, which are told in `read`
 */
export async function surveyData(
  spec: string,
  options: OpenTasksOptions = {},
  bounds: ReadingBounds = {},
): Promise<SurveyedData> {
  const reader = readerOf(spec);
  if (!reader?.files || !isSpec(spec)) return { reader: reader!, tasks: await openTasks(spec, options) };
  const { name, files } = reader;
  const place = pathOf(placeIn(spec) ?? "");
  const read = await withOtherDoor(reader, place, () => readFiles(name, files, place, options, bounds));
  return { reader, tasks: read.tasks, read };
}

/** Where a door finds nothing that it takes, the error names the one that would. */
async function withOtherDoor<T>(reader: NamedReader, place: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    if (!(cause instanceof InnerloopError) || cause.code !== "data-missing") throw cause;
    const { spec, counts } = guessDoor(place);
    const [most] = counts;
    if (spec === undefined || !most || most.door === reader.name) throw cause;
    const text = `${cause.message}. There are ${most.count} ${most.what}, as ${most.first}; they are ${spec}`;
    throw new InnerloopError(cause.code, text, { exitStatus: cause.exitStatus, cause });
  }
}
