// Files of examples, as people have them: images, and tables of numbers in CSV or JSON.
import { readFile, stat } from "node:fs/promises";
import type { LabelledExample, RegressionExamples } from "@innerloop/runtime";
import { exampleOf, readExample } from "@innerloop/runtime/input";
import { InnerloopError, type Manifest } from "@innerloop/schemas";
import { wrongCall } from "./command.ts";

/** An example, where it is from, and what is known of it. */
export interface FileExample {
  /** The file, and for a table the row in it: `readings.csv:3`. */
  readonly input: string;
  readonly data: Float32Array;
  readonly label?: string;
  /** The targets of a regression. */
  readonly y?: readonly number[];
}

const tableFile = /\.(csv|json)$/i;

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
      examples.push(...(await readTable(input, manifest)));
      continue;
    }
    checkTakesImages(input, manifest);
    const files = kind === "folder" ? (await classesIn(input)).flatMap(({ files }) => files) : [input];
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
  if (kind === "table") return readTable(support, manifest);
  if (kind === "file")
    throw wrongCall(
      "bad-support",
      `--support is the file ${support}; a folder with one sub-folder of images a class, or a .csv or .json table was expected.`,
    );
  checkTakesImages(support, manifest);
  const examples: FileExample[] = [];
  for (const { name, files } of await classesIn(support))
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
  return found.isDirectory() ? "folder" : tableFile.test(path) ? "table" : "file";
}

async function classesIn(folder: string) {
  const { listImageClasses } = await import("@innerloop/train");
  return listImageClasses(folder);
}

function checkTakesImages(path: string, manifest: Manifest): void {
  if (manifest.input.preprocessing?.kind === "image") return;
  throw wrongCall("wrong-data", `${path} was given, but the bundle "${manifest.name}" takes ${wanted(manifest)}.`);
}

async function readTable(file: string, manifest: Manifest): Promise<FileExample[]> {
  const text = await readFile(file, "utf8");
  const rows = /\.csv$/i.test(file) ? csvRows(file, text) : jsonRows(file, text);
  if (rows.length === 0) throw wrongCall("data-missing", `${file} has no examples; give at least one row.`);
  const size = manifest.input.shape.reduce((a, b) => a * b, 1);
  const windows = manifest.input.preprocessing?.kind === "window";
  return rows.map(({ x, y, label }, i) => {
    const input = `${file}:${i + 1}`;
    if (x.length !== size && !windows)
      throw wrongCall(
        "wrong-shape",
        `${input} has ${x.length} numbers; the bundle "${manifest.name}" takes ${size} ([${manifest.input.shape}]).`,
      );
    const bad = [...x, ...(y ?? [])].findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw wrongCall(
        "not-a-number",
        `${input} has no finite number in its column ${bad + 1}; repair the row or leave it out.`,
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

interface Row {
  readonly x: readonly number[];
  readonly y?: readonly number[];
  readonly label?: string;
}

/** A header and rows; the columns `label` and `y`, `y1`, … are what their names say, all others are the input's numbers. */
function csvRows(file: string, text: string): Row[] {
  const [header = [], ...rows] = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map((line) => line.split(",").map((field) => field.trim().replace(/^"(.*)"$/, "$1")));
  if (header.length > 0 && header.every((name) => name !== "" && Number.isFinite(Number(name))))
    throw wrongCall(
      "bad-table",
      `${file} starts with numbers; a first line with the names of the columns was expected.`,
    );
  const isTarget = (name: string) => /^y\d*$/.test(name);
  return rows.map((fields, i) => {
    if (fields.length !== header.length)
      throw wrongCall(
        "bad-table",
        `${file}:${i + 1} has ${fields.length} fields and the first line ${header.length}; give one a column.`,
      );
    const number = (field: string) => (field === "" ? Number.NaN : Number(field));
    const pick = (is: (name: string) => boolean) => fields.filter((_, column) => is(header[column]!));
    const [label] = pick((name) => name === "label");
    const y = pick(isTarget).map(number);
    return {
      x: pick((name) => name !== "label" && !isTarget(name)).map(number),
      ...(y.length > 0 ? { y } : {}),
      ...(label === undefined ? {} : { label }),
    };
  });
}

/** A list of `{ "x": [numbers], "label": text }`, or `"y": [numbers]`. */
function jsonRows(file: string, text: string): Row[] {
  const expected = 'a list of { "x": [numbers], "label": text } was expected (a regression has "y": [numbers])';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InnerloopError("bad-table", `${file} is no JSON (${(cause as Error).message}); ${expected}.`, {
      exitStatus: 2,
      cause,
    });
  }
  if (!Array.isArray(value)) throw wrongCall("bad-table", `${file} holds no list; ${expected}.`);
  return value.map((row: { x?: unknown; y?: unknown; label?: unknown } | null, i) => {
    const numbers = (field: unknown): number[] | undefined =>
      field === undefined
        ? undefined
        : [field].flat(Number.POSITIVE_INFINITY).map((it) => (typeof it === "number" ? it : Number.NaN));
    const x = numbers(row?.x);
    const y = numbers(row?.y);
    if (x === undefined) throw wrongCall("bad-table", `${file}:${i + 1} has no "x"; ${expected}.`);
    return { x, ...(y ? { y } : {}), ...(row?.label === undefined ? {} : { label: String(row.label) }) };
  });
}
