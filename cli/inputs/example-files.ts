// Files of examples, as people have them: images, and tables of numbers in CSV or JSON.
import { stat } from "node:fs/promises";
import type { LabelledExample, RegressionExamples } from "@innerloop/runtime";
import { exampleOf, readExample } from "@innerloop/runtime/input";
import { InnerloopError, type Manifest, sizeOf } from "@innerloop/schemas";
import { wrongCall } from "../call/command.ts";
import { say, style } from "../terminal/output.ts";

/** An example, where it is from, and what is known of it. */
export interface FileExample {
  /** The file, and for a table the row in it: `readings.csv:3`. */
  readonly input: string;
  readonly data: Float32Array;
  readonly label?: string;
  /** The targets of a regression. */
  readonly y?: readonly number[];
}

/** File names that are taken for tables. */
const tableFile = /\.(csv|tsv|json)$/i;

const wanted = ({ input }: Manifest): string =>
  input.preprocessing?.kind === "image"
    ? "image files, or folders of them"
    : `.csv or .json files with ${input.shape.join("×")} numbers an example`;

/**
 * The examples of inputs, in their order: an image is one, a folder all images in it, a table one a row.
 * @throws InnerloopError for what is missing (status 2), cannot be read or does not fit the bundle
 */
export async function readInputs(inputs: readonly string[], manifest: Manifest): Promise<FileExample[]> {
  const examples: FileExample[] = [];
  for (const input of inputs) {
    const kind = await kindOf(input);
    if (kind === "table") {
      examples.push(...(await readTableFor(input, manifest)));
      continue;
    }
    checkTakesImages(input, manifest);
    const files = kind === "folder" ? (await imagesIn(input, true)).flatMap(({ files }) => files) : [input];
    for (const file of files) examples.push({ input: file, data: await readExample(manifest, file) });
  }
  return examples;
}

/**
 * The support set in a folder with one sub-folder of images a class, or in a table with a column `label` (a regression:
 * columns `y…`).
 * @throws InnerloopError as {@link readInputs}
 */
export async function readSupport(support: string, manifest: Manifest): Promise<FileExample[]> {
  const kind = await kindOf(support);
  if (kind === "table") return readTableFor(support, manifest);
  if (kind === "file")
    throw wrongCall(
      "bad-support",
      `--support is the file ${support}; a folder with one sub-folder of images a class, or a .csv or .json table was expected.`,
    );
  checkTakesImages(support, manifest);
  const examples: FileExample[] = [];
  for (const { name, files } of await imagesIn(support, false))
    for (const file of files) examples.push({ input: file, label: name, data: await readExample(manifest, file) });
  return examples;
}

/** Examples as the runtime takes them for classification. @throws InnerloopError (status 2) for one without a label */
export function labelled(examples: readonly FileExample[]): LabelledExample[] {
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

async function kindOf(path: string): Promise<"folder" | "table" | "file"> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw wrongCall(
      "data-missing",
      `${path} ${cause.code === "ENOENT" ? "does not exist" : `cannot be read (${cause.message})`}; check the path.`,
    );
  });
  if (found.isDirectory()) return "folder";
  if (!found.isFile()) throw wrongCall("data-missing", `${path} is neither a file nor a folder; give one of these.`);
  return tableFile.test(path) ? "table" : "file";
}

/** The classes in a folder, and what was left out of it told. */
async function imagesIn(folder: string, everything: boolean) {
  const { classes, notes } = (await import("@innerloop/train")).findImages(folder, { everything });
  for (const note of notes) say(`${style("yellow", "note")} ${note}.`);
  return classes;
}

function checkTakesImages(path: string, manifest: Manifest): void {
  if (manifest.input.preprocessing?.kind === "image") return;
  throw wrongCall("wrong-data", `${path} was given, but the bundle "${manifest.name}" takes ${wanted(manifest)}.`);
}

async function readTableFor(file: string, manifest: Manifest): Promise<FileExample[]> {
  // Loaded here, so that who has pictures does not wait for it.
  const { readTable } = await import("@innerloop/train");
  const size = sizeOf(manifest.input.shape);
  const windows = manifest.input.preprocessing?.kind === "window";
  return (await readTable(file)).map(({ input, x, y, label }) => {
    if (x.length !== size && !windows)
      throw wrongCall(
        "wrong-shape",
        `${input} has ${x.length} numbers; the bundle "${manifest.name}" takes ${size} ([${manifest.input.shape}]).`,
      );
    const data = windows ? windowIn(input, x, manifest) : Float32Array.from(x);
    return { input, data, ...(y ? { y } : {}), ...(label === undefined ? {} : { label }) };
  });
}

/** The example that a row of samples is, at the bundle's rate, one number of each channel after the other. */
function windowIn(input: string, data: readonly number[], manifest: Manifest): Float32Array {
  try {
    return exampleOf(manifest, { data });
  } catch (cause) {
    throw cause instanceof InnerloopError ? wrongCall(cause.code, `${input}: ${cause.message}.`) : cause;
  }
}
