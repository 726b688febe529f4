// Files of examples, as people have them, by the kind of files that a bundle takes: pictures, recordings, sounds, rows of a table;
// and tables of the numbers themselves.
import { stat } from "node:fs/promises";
import type { LabelledExample, RegressionExamples } from "@innerloop/runtime";
import { preprocess } from "@innerloop/runtime/input";
import { InnerloopError, type Manifest } from "@innerloop/schemas";
import type { FileItem } from "@innerloop/train";
import { withoutEffect, wrongCall } from "../call/command.ts";
import { say, style } from "../terminal/output.ts";
import { doorFor, type OpenDoor } from "./doors.ts";
import { type FileExample, holdsExamples, isTable, rowsFor } from "./number-tables.ts";

/** What a call says of its files. */
export interface ReadingOptions {
  /** The column of a table that has the classes. */
  readonly label?: string | undefined;
}

/**
 * The examples of inputs, in their order: a picture, a recording or a sound is one, a folder all that are in it, a table one a row.
 * @throws InnerloopError for what is missing (status 2), cannot be read or does not fit the bundle
 */
export async function readInputs(inputs: readonly string[], manifest: Manifest): Promise<FileExample[]> {
  const examples: FileExample[] = [];
  for (const input of inputs) {
    const is = await placeOf(input);
    if (is === "file" && (await holdsExamples(input, manifest))) {
      examples.push(...(await rowsFor(input, manifest)));
      continue;
    }
    const door = await doorFor(input, is, manifest);
    const read = await door.open(async ({ items }) => {
      const found = await items(input, {});
      const each: FileExample[] = [];
      for (const item of found) each.push({ input: nameOf(item), data: await exampleIn(door, item) });
      return each;
    });
    examples.push(...read);
  }
  return examples;
}

/**
 * The examples at a place with their classes: a folder with one sub-folder a class, or a table with a column of classes (a regression:
 * columns `y…`).
 * @param option the option that names the place, for messages
 * @throws InnerloopError as {@link readInputs}
 */
export async function readSupport(
  support: string,
  manifest: Manifest,
  option = "support",
  { label }: ReadingOptions = {},
): Promise<FileExample[]> {
  const is = await placeOf(support);
  const idle = () =>
    withoutEffect("--label", `the bundle "${manifest.name}" takes no table of which a column has the classes`);
  if (is === "file" && (await holdsExamples(support, manifest))) {
    if (label !== undefined) throw idle();
    return rowsFor(support, manifest);
  }
  const door = await doorFor(support, is, manifest);
  if (label !== undefined && !door.files.settings.includes("label")) throw idle();
  if (is === "file" && door.files.kind !== "row" && door.files.kind !== "text")
    throw wrongCall(
      "bad-support",
      `--${option} is the file ${support}; a folder with one sub-folder of ${door.several} a class${isTable(support) ? ", or a table with a column of classes" : ""} was expected.`,
    );
  return door.open(async ({ find }) => {
    const { classes, leftOut, notes } = await find(support, label === undefined ? {} : { label }, door.how);
    const examples: FileExample[] = [];
    for (const { name, items } of classes)
      for (const item of items) examples.push({ input: nameOf(item), label: name, data: await exampleIn(door, item) });
    const { sentenceOf } = await import("@innerloop/train");
    for (const note of [...notes, ...leftOut.map((each) => sentenceOf(each))])
      say(`${style("yellow", "note")} ${note}.`);
    return examples;
  });
}

/** Examples as the runtime takes them for classification. @throws InnerloopError (status 2) for one without a label */
export function labelled(examples: readonly FileExample[]): (LabelledExample & { readonly data: Float32Array })[] {
  return examples.map(({ input, data, label }) => {
    if (label === undefined)
      throw wrongCall(
        "bad-support",
        `${input} has no label; a column "label" was expected, with the class of each row.`,
      );
    return { label, data };
  });
}

/** Examples as the runtime takes them for a regression. @throws InnerloopError (status 2) for one without targets */
export function points(examples: readonly FileExample[], manifest: Manifest): RegressionExamples {
  const size = manifest.output.size ?? 1;
  const targets = examples.flatMap(({ input, y }) => {
    if (y?.length !== size)
      throw wrongCall("bad-support", `${input} has ${y?.length ?? 0} targets; ${size} were expected, in columns y….`);
    return [...y];
  });
  return {
    x: {
      data: Float32Array.from(examples.flatMap(({ data }) => [...data])),
      shape: [examples.length, ...manifest.input.shape],
    },
    y: { data: Float32Array.from(targets), shape: [examples.length, size] },
  };
}

async function placeOf(path: string): Promise<"folder" | "file"> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw wrongCall(
      "data-missing",
      `${path} ${cause.code === "ENOENT" ? "does not exist" : `cannot be read (${cause.message})`}; check the path.`,
    );
  });
  if (found.isDirectory()) return "folder";
  if (!found.isFile()) throw wrongCall("data-missing", `${path} is neither a file nor a folder; give one of these.`);
  return "file";
}

/** An example as messages name it: its path, and for a table the row in it. */
function nameOf({ name, file }: FileItem): string {
  const row = /:\d+$/.exec(name)?.[0] ?? "";
  return file + row;
}

/** What the bundle sees of an example: what training saw, since both go through the same reading and the runtime's preprocessing. */
async function exampleIn({ files, how }: OpenDoor, item: FileItem): Promise<Float32Array> {
  const raw = await files.read(item);
  try {
    return preprocess(how, raw);
  } catch (cause) {
    if (!(cause instanceof InnerloopError)) throw cause;
    throw new InnerloopError(cause.code, `${nameOf(item)}: ${cause.message}.`, { exitStatus: cause.exitStatus, cause });
  }
}
