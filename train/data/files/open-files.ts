// The one way in which data are opened from files: find, choose how examples are made by some of them, read all, leave out what
// is no example and tell it, split.
import { statSync } from "node:fs";
import type { RawInput } from "@innerloop/runtime/input";
import { type ExamplesConfig, InnerloopError, type Preprocessing, preprocessedShape, sizeOf } from "@innerloop/schemas";
import pMap from "p-map";
import { type SplitRule, splitOf } from "../episodes/split.ts";
import type { TaskSource } from "../episodes/task.ts";
import { pathOf } from "../readers/place.ts";
import type { OpenTasksOptions } from "../readers/reader.ts";
import { type Failure, isOfExample, withoutFailures } from "./failures.ts";
import type { Chosen, FileItem, FileKind, Found, LeftOut } from "./file-kind.ts";
import { leftOut, sentenceOf } from "./left-out.ts";
import { ReadTasks } from "./read-tasks.ts";
import { type ReadClass, sift } from "./sift.ts";
import { spread, thinned } from "./thinning.ts";

/** Files that are read at a time. What is decoded of them is gone before the next is, so that they take the memory of a few. */
const atOnce = 4;

/** Examples that a choice of preprocessing looks at: of each class, in all, and their bytes. */
const sample = { ofClass: 4, atMost: 200, bytes: 2 ** 28 };

/**
 * Few-shot tasks from files of a kind.
 *
 * Files that cannot be read are left out and told where they are few; where they are a fifth or more, or all of a class, something is
 * wrong that a person has to see. Examples from which nothing can be learned, and those that are in their class already, are left out
 * and told.
 *
 * @param reader the name of the reader, under which the data are opened again
 * @throws {InnerloopError} `data-missing`, and `wrong-data` for preprocessing of another kind (status 2); what reading throws (status 1)
 */
export async function openFiles<Item extends FileItem, Raw extends RawInput, Kept, How extends Preprocessing>(
  reader: string,
  kind: FileKind<Item, Raw, Kept, How>,
  place: string,
  options: OpenTasksOptions = {},
): Promise<TaskSource> {
  const { tasks, problem } = await readFiles(reader, kind, place, options, options);
  if (problem) throw problem;
  return tasks;
}

/** How much is read; all of it unless said. */
export interface ReadingBounds {
  /** Files, their bytes, and the numbers of their examples, at most; fewer are spread over the classes. */
  readonly most?: { readonly files: number; readonly bytes: number; readonly numbers: number };
  /** Told after each file. */
  onRead?(done: number, all: number): void;
  /** Stops it: its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** What was read. */
export interface FilesRead<Kept> {
  readonly tasks: ReadTasks<Kept>;
  /** What there is, whether it was read or not. */
  readonly found: Found;
  /** Files that were read. */
  readonly files: number;
  /** The examples without what was left out. */
  readonly classes: readonly ReadClass<Kept>[];
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
  /** Why examples are made as they are. */
  readonly reasons: readonly string[];
  /** What training refuses: too many files that cannot be read. */
  readonly problem: InnerloopError | undefined;
}

/** As {@link openFiles}, with what is known beside the tasks, and as much of the files as is asked for. */
export async function readFiles<Item extends FileItem, Raw extends RawInput, Kept, How extends Preprocessing>(
  reader: string,
  kind: FileKind<Item, Raw, Kept, How>,
  place: string,
  { examples: settings = {}, preprocessing: given, like, heldBack, split }: OpenTasksOptions = {},
  bounds: ReadingBounds = {},
): Promise<FilesRead<Kept>> {
  const path = pathOf(place);
  const name = `${reader}:${path}`;
  const found = await kind.find(path, settings);
  const look = (classes: Found<Item>["classes"]) => some(name, kind, classes);
  const { preprocessing, reasons } = given
    ? await suited(kind, ofKind(kind, given, name), settings, like, () =>
        look(knownOf(found.classes, { ...split, heldBack })),
      )
    : chosenBy(kind, await look(found.classes), settings);
  const inputShape = preprocessedShape(preprocessing);
  const wanted = bounds.most ? { ...found, classes: thinned(found.classes, sizeOf(inputShape), bounds.most) } : found;
  const make = (item: Item, raw: Raw) => kind.examples(item, raw, preprocessing, settings);
  const read = await readAll(name, kind, wanted, make, bounds);
  const several = nameOf(kind);
  const numbers = new Float32Array(sizeOf(inputShape));
  const sifted = sift(read.classes, {
    several,
    flaw: (kept) => kind.flaw?.(kept, preprocessing),
    bytes(kept) {
      if (ArrayBuffer.isView(kept)) return new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength);
      kind.write(kept, preprocessing, numbers, 0);
      return new Uint8Array(numbers.buffer);
    },
  });
  const left = [...found.leftOut, ...read.leftOut, ...sifted.leftOut];
  const notes = [
    ...(reasons.length > 0 ? [`Examples are ${reasons.join("; ")}`] : []),
    ...found.notes,
    ...left.map((each) => sentenceOf(each)),
    ...sifted.notes,
  ];
  const tasks = new ReadTasks({
    name,
    inputShape,
    preprocessing,
    classes: sifted.classes,
    notes,
    advice: statSync(path).isDirectory() ? `add folders of ${several}` : "add examples of more classes",
    split: { ...split, heldBack },
    write: (kept, target, offset) => kind.write(kept, preprocessing, target, offset),
  });
  return {
    tasks,
    found,
    files: read.files,
    classes: sifted.classes,
    leftOut: left,
    // Beside these, tasks tell how they were split.
    notes: [...found.notes, ...sifted.notes, ...tasks.notes.slice(notes.length)],
    reasons,
    problem: read.problem,
  };
}

/** What several examples of a kind are called. */
const nameOf = ({ what }: Pick<FileKind, "what">): string => what.split(" (")[0]!;

/** Preprocessing that was given, as one of this kind. */
function ofKind<How extends Preprocessing>(
  kind: { kind: How["kind"]; what: string },
  given: Preprocessing,
  name: string,
): How {
  if (given.kind === kind.kind) return given as How;
  throw new InnerloopError(
    "wrong-data",
    `${name} has ${nameOf(kind)}, and examples of the kind "${given.kind}" were expected; give data of that kind`,
    { exitStatus: 2 },
  );
}

/** A bundle's preprocessing, so that these examples look like those that it was trained on, where that is known and can be. */
async function suited<Item extends FileItem, Raw extends RawInput, How extends Preprocessing>(
  kind: Pick<FileKind<Item, Raw, unknown, How>, "suit">,
  preprocessing: How,
  settings: ExamplesConfig,
  like: OpenTasksOptions["like"],
  look: () => Promise<Looked<Item, Raw>>,
): Promise<Chosen<How>> {
  const { examples = [] } = kind.suit && like ? await look() : {};
  if (!kind.suit || !like || examples.length === 0) return { preprocessing, reasons: [] };
  return kind.suit(
    like,
    examples.map(({ raw }) => raw),
    preprocessing,
    settings,
  );
}

/** Classes that are not kept for the test, which no choice may know; all of them where there are no others. */
function knownOf<Item extends FileItem>(classes: Found<Item>["classes"], rule: SplitRule): Found<Item>["classes"] {
  const test = new Set(splitOf(classes, rule).classes.test);
  const known = classes.filter(({ name }) => !test.has(name));
  return known.length > 0 ? known : classes;
}

/** @throws InnerloopError of the files, where none of them can be read and nothing can be chosen without */
function chosenBy<Item extends FileItem, Raw extends RawInput, How extends Preprocessing>(
  kind: Pick<FileKind<Item, Raw, unknown, How>, "choose">,
  { examples, problem }: Looked<Item, Raw>,
  settings: ExamplesConfig,
): Chosen<How> {
  try {
    return kind.choose(examples, settings);
  } catch (cause) {
    throw problem ?? cause;
  }
}

/** Examples that were looked at. */
interface Looked<Item extends FileItem, Raw extends RawInput> {
  readonly examples: readonly { readonly item: Item; readonly label: string; readonly raw: Raw }[];
  /** Where none can be read. */
  readonly problem?: InnerloopError | undefined;
}

/** Examples by which a choice is made: the same ones every time, spread over the classes. What cannot be read is none. */
async function some<Item extends FileItem, Raw extends RawInput>(
  name: string,
  kind: Pick<FileKind<Item, Raw>, "read" | "sketch" | "what">,
  classes: Found<Item>["classes"],
): Promise<Looked<Item, Raw>> {
  const ofClasses = spread(classes, Math.ceil(sample.atMost / 2));
  const items = ofClasses
    .flatMap(({ name: label, items }) => spread(items, sample.ofClass).map((item, turn) => ({ item, label, turn })))
    .sort((a, b) => a.turn - b.turn)
    .slice(0, sample.atMost);
  const chosen: { item: Item; label: string; raw: Raw }[] = [];
  const failures: Failure[] = [];
  let bytes = 0;
  await pMap(
    items,
    async ({ item, label }) => {
      if (bytes > sample.bytes) return;
      const raw = await kind.read(item).catch((cause) => void failures.push(failureOf(item, label, cause)));
      if (raw === undefined) return;
      const seen = kind.sketch?.(raw) ?? raw;
      bytes += bytesOf(seen);
      chosen.push({ item, label, raw: seen });
    },
    { concurrency: atOnce },
  );
  if (chosen.length === 0) {
    const all = classes.reduce((sum, { items }) => sum + items.length, 0);
    const several = `${nameOf(kind)}${failures.length < all ? " that were looked at" : ""}`;
    const { problem } = withoutFailures(name, several, new Map([["", failures.length]]), failures);
    return { examples: [], problem };
  }
  // Reading ends in any order, and a choice must not depend on it.
  const place = new Map(items.map(({ item }, i) => [item, i]));
  return { examples: chosen.sort((a, b) => place.get(a.item)! - place.get(b.item)!) };
}

/** What is wrong with an example. @throws the error, where it is of more than that */
function failureOf(item: FileItem, of: string, error: unknown): Failure {
  if (!isOfExample(error)) throw error;
  return { name: item.name, of, error, why: error.message.replace(`${item.file}: `, "") };
}

const bytesOf = (raw: RawInput): number =>
  typeof raw !== "string" && "data" in raw && ArrayBuffer.isView(raw.data) ? raw.data.byteLength : 0;

/** Reads all examples; where too many of them cannot be read, that is a problem. */
async function readAll<Item extends FileItem, Raw extends RawInput, Kept>(
  name: string,
  kind: Pick<FileKind<Item, Raw>, "read" | "what">,
  { classes }: Found<Item>,
  examples: (item: Item, raw: Raw) => readonly Kept[],
  { onRead, signal }: ReadingBounds,
): Promise<{
  classes: ReadClass<Kept>[];
  leftOut: readonly LeftOut[];
  files: number;
  problem: InnerloopError | undefined;
}> {
  const failures: Failure[] = [];
  let done = 0;
  const items = classes.flatMap(({ name: of, items }) => items.map((item) => ({ of, item })));
  const read = await pMap(
    items,
    async ({ of, item }) => {
      signal?.throwIfAborted();
      onRead?.(++done, items.length);
      try {
        return examples(item, await kind.read(item));
      } catch (error) {
        failures.push(failureOf(item, of, error));
        return [];
      }
    },
    { concurrency: atOnce },
  );
  const counts = new Map(classes.map(({ name, items }) => [name, items.length]));
  const { leftOut: unread, problem } = withoutFailures(name, nameOf(kind), counts, failures);
  let at = 0;
  const made = classes.map(({ name, split, items }) => ({
    name,
    ...(split ? { split } : {}),
    examples: items.flatMap((item) => {
      const kept = read[at++]!;
      const source = kept.length > 1 ? { source: item.name } : undefined;
      return kept.map((each, i) => ({ name: source ? `${item.name}#${i + 1}` : item.name, kept: each, ...source }));
    }),
  }));
  const nothing = made.filter(({ examples }, i) => !problem && examples.length === 0 && classes[i]!.items.length > 0);
  return {
    files: items.length,
    problem,
    classes: made.filter((each) => !nothing.includes(each)),
    leftOut: [
      ...unread,
      ...leftOut(
        "classes of which no example can be made",
        nothing.map(({ name }) => name),
      ),
    ],
  };
}
