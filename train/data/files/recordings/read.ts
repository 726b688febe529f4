// A file with one recording becomes numbers of channels in the order of time: text, JSON, NumPy's arrays, and sound.
import { extname } from "node:path";
import { decimal, InnerloopError, mistaken, parseJson, show } from "@innerloop/schemas";
import { type FileArray, readNpy } from "../../readers/npy.ts";
import { delimited } from "../delimited.ts";
import { isMissing } from "../rows/cells.ts";
import { isWav, readWav } from "../sounds/wav.ts";
import { readBounded, readText, refusing } from "../text.ts";
import { recordingOf } from "./columns.ts";
import { columnsIn } from "./json.ts";
import type { Columns, Recording } from "./recording.ts";

const refuse = refusing(1);

const formats: Readonly<Record<string, (file: string) => Promise<Columns>>> = {
  ".csv": readLines,
  ".tsv": readLines,
  ".txt": readLines,
  ".json": async (file) => columnsIn(file, parsed(file, await readText(file, refuse))),
  ".npy": readArray,
};

/** Whether a file of this name may have a recording. */
export const isRecording = (file: string): boolean => ending(file) in formats || ending(file) === ".wav";

const ending = (file: string): string => extname(file).toLowerCase();

/** @throws InnerloopError (status 1) `bad-recording`, `bad-table`, `not-a-number`, naming the file */
export async function readRecording(file: string): Promise<Recording> {
  if (ending(file) === ".wav") return readWaves(file);
  const columns = await (formats[ending(file)] ?? readLines)(file);
  const [channels, count] = [columns.columns.length, columns.columns[0]?.length ?? 0];
  if (columns.names === undefined && count < 16 && channels > 4 * count)
    throw refuse(
      "bad-recording",
      `${file}: it has ${count} samples of ${channels} channels; samples come one after the other, each with its channels: turn it around`,
    );
  return recordingOf(file, columns);
}

/** What a WAV file holds may well be a vibration. */
async function readWaves(file: string): Promise<Recording> {
  const bytes = new Uint8Array(await readBounded(file, refuse));
  if (!isWav(bytes)) throw refuse("bad-recording", `${file}: ${mistaken(bytes) ?? "it is no WAV file"}`);
  const { data, rate, channels = 1 } = readWav(bytes, file);
  const scale = data instanceof Int16Array ? 1 / 32768 : 1;
  return { data: Float32Array.from(data, (value) => value * scale), channels, ...(rate ? { rate } : {}), done: [] };
}

function parsed(file: string, text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw refuse("bad-recording", `${file}: it is no JSON (${(cause as Error).message})`);
  }
}

/** Fields between delimiters or blanks, with a first line of names or without. */
async function readLines(file: string): Promise<Columns> {
  const text = (await readText(file, refuse)).replace(/^\ufeff/, "");
  const { before, header, body } = withoutComments(text);
  const among = /[,;\t|]/.test(body.slice(0, 1e4)) ? undefined : [" "];
  const lines = among ? body.replace(/^ +| +$/gm, "").replace(/ {2,}/g, " ") : body;
  const { delimiter, records } = delimited(file, lines, refuse, among, before);
  const [first, second] = records;
  if (first === undefined) throw refuse("bad-recording", `${file}: it has no samples`);
  const isHeader = namesColumns(first.fields, second?.fields);
  const names = isHeader ? first.fields : header?.split(delimiter).map((name) => name.trim());
  const samples = isHeader ? records.slice(1) : records;
  const width = samples[0]?.fields.length ?? first.fields.length;
  const other = samples.find(({ fields }) => fields.length !== width);
  if (other)
    throw refuse(
      "bad-recording",
      `${file}: line ${other.line} has ${other.fields.length} fields and others ${width} (fields between ${show(delimiter)})`,
    );
  if (isHeader && samples.length > 0 && first.fields.length !== width)
    throw refuse(
      "bad-recording",
      `${file}: the first line has ${first.fields.length} names, and samples have ${width} fields`,
    );
  return {
    ...(names?.length === width ? { names } : {}),
    columns: Array.from({ length: width }, (_, i) => samples.map(({ fields }) => fields[i]!)),
    at: (sample) => `line ${samples[sample]!.line}`,
  };
}

/** A first line that has names where the second has numbers. */
function namesColumns(first: readonly string[], second: readonly string[] | undefined): boolean {
  const isName = (field: string): boolean =>
    !isMissing(field) && !/^[+-]?\d/.test(field) && Number.isNaN(decimal(field));
  return second === undefined
    ? first.every((field) => isName(field) || isMissing(field))
    : first.some((field, i) => isName(field) && !isName(second[i] ?? ""));
}

/** Lines that instruments write before the numbers, the last of which may have the names of columns. */
function withoutComments(text: string): { before: number; header?: string; body: string } {
  let [before, body]: [number, string] = [0, text];
  let header: string | undefined;
  while (/^[#%]/.test(body)) {
    const end = body.indexOf("\n");
    header = body.slice(1, end < 0 ? undefined : end).trim();
    body = end < 0 ? "" : body.slice(end + 1);
    before++;
  }
  return { before, ...(header === undefined ? {} : { header }), body };
}

async function readArray(file: string): Promise<Columns> {
  const bytes = new Uint8Array(await readBounded(file, refuse));
  const other = mistaken(bytes);
  if (other !== undefined) throw refuse("bad-recording", `${file}: ${other}`);
  let array: FileArray;
  try {
    array = readNpy(bytes, "array");
  } catch (cause) {
    throw new InnerloopError("bad-recording", `${file} ${(cause as Error).message}`, { cause });
  }
  const { shape, data, type } = array;
  const [count = 0, channels = 1] = shape;
  if (shape.length === 0 || shape.length > 2 || typeof data[0] === "string" || channels === 0)
    throw refuse(
      "bad-recording",
      `${file}: it has ${type}[${shape.join(", ")}]; numbers of the shape [samples, channels] were expected`,
    );
  return {
    columns: Array.from({ length: channels }, (_, channel) =>
      Array.from({ length: count }, (_, i) => Number(data[i * channels + channel])),
    ),
    at: (sample) => `sample ${sample + 1}`,
  };
}
