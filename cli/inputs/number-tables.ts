// Tables that hold the numbers of examples, a row each: for bundles without preprocessing, and for windows that lie in a row.

import { exampleOf } from "@innerloop/runtime/input";
import { InnerloopError, type Manifest, sizeOf } from "@innerloop/schemas";
import { wrongCall } from "../call/command.ts";

/** An example, where it is from, and what is known of it. */
export interface FileExample {
  /** The file, and for a table the row in it: `readings.csv:3`. */
  readonly input: string;
  readonly data: Float32Array;
  readonly label?: string;
  /** The targets of a regression. */
  readonly y?: readonly number[];
}

/** Whether a file is a table, by its name. */
export const isTable = (file: string): boolean => /\.(csv|tsv|json)$/i.test(file);

/**
 * Whether a file holds the numbers of an example in a row: any table for a bundle of pictures or without preprocessing; for one of
 * windows, a table with a column of labels, or whose rows have the numbers of a whole window, since a recording has those of one sample.
 * @throws InnerloopError as `readTable`, for a bundle without preprocessing
 */
export async function holdsExamples(file: string, { input }: Manifest): Promise<boolean> {
  const kind = input.preprocessing?.kind;
  if (!isTable(file) || kind === "sound" || kind === "row" || kind === "text" || kind === "bytes") return false;
  // No picture is a table, so that it can only hold the numbers themselves.
  if (kind !== "window") return true;
  const { readTable } = await import("@innerloop/train");
  const [first] = await readTable(file).catch(() => []);
  // In JSON the numbers of a row are a list of their own, which a sample of a recording has as many of as there are channels.
  const sample = /\.json$/i.test(file) ? input.shape.at(-1)! : sizeOf(input.shape) - 1;
  return first !== undefined && (first.label !== undefined || first.x.length > sample);
}

/** @throws InnerloopError (status 2) for rows that do not fit */
export async function rowsFor(file: string, manifest: Manifest): Promise<FileExample[]> {
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
