// ONNX models that a call names, and names of what is in them.
import type { Model } from "@innerloop/graph";
import type { FilesBeside } from "@innerloop/runtime/files";
import { InnerloopError } from "@innerloop/schemas";
import { wrongCall } from "../call/command.ts";
import { say } from "../terminal/output.ts";
import { pathOf, placeAt, shownPath } from "./places.ts";
import { mostOfModel, readWithin } from "./reading.ts";

interface GivenFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A model on disk. */
interface OnnxFile extends GivenFile {
  /** What lies beside it, where its numbers may be. */
  readonly files: FilesBeside;
}

/**
 * The bytes of a model.
 * @throws InnerloopError `file-missing` (status 2) where there is no such file; `file-unreadable`
 */
export async function readModel(given: string): Promise<OnnxFile> {
  const [file, { filesBeside }] = await Promise.all([
    readFileOf(given, "an .onnx file"),
    import("@innerloop/runtime/files"),
  ]);
  return { ...file, files: filesBeside(file.path) };
}

/** The bytes of any file. @param what was expected */
export async function readFileOf(given: string, what: string): Promise<GivenFile> {
  const path = pathOf(given);
  const place = await placeAt(path);
  if (place !== "file")
    throw wrongCall(
      "file-missing",
      `${shownPath(path)} ${place === "nothing" ? "does not exist" : "is a folder"}; ${what} was expected; check the path.`,
    );
  try {
    const { buffer, byteOffset, length } = await readWithin(path, mostOfModel);
    return { path, bytes: new Uint8Array(buffer, byteOffset, length) };
  } catch (cause) {
    throw new InnerloopError("file-unreadable", `${shownPath(path)} cannot be read (${(cause as Error).message}).`, {
      cause,
    });
  }
}

/**
 * Reads the model that a call names, and says what to know of it.
 * @throws InnerloopError as {@link readModel}, and what `readOnnx` throws
 */
export async function openModel(given: string): Promise<Model> {
  const { path, bytes, files } = await readModel(given);
  const { readOnnx } = await import("@innerloop/graph");
  const model = readOnnx(bytes, path, { files });
  for (const note of model.notes) say(note);
  return model;
}

/** The entries of a list `a,b,/pattern/`; commas within a pattern are its own. */
export function namesIn(option: string, text: string): string[] {
  const names = [...text.matchAll(/\/[^/]*\/|[^,]+/g)].map(([name]) => name.trim()).filter((name) => name !== "");
  if (names.length > 0) return names;
  throw wrongCall("bad-option", `--${option} is "${text}"; names were expected, as in x,w1.`);
}

/** A pattern between slashes. @throws InnerloopError `bad-option` (status 2) for one that is none */
export function patternIn(option: string, name: string): RegExp | undefined {
  if (!/^\/.*\/$/.test(name)) return undefined;
  try {
    return new RegExp(name.slice(1, -1));
  } catch (cause) {
    throw wrongCall("bad-option", `--${option}: ${name} is no regular expression (${(cause as Error).message}).`);
  }
}

/**
 * The entries of a list `name=value,name=value`.
 * @param what they are, for messages: "axes, as in x=0"
 */
export function pairsIn(option: string, text: string, what: string): Record<string, string> {
  const pairs = text.split(",").map((pair): [string, string] => {
    // Names may hold a sign of equality; what they are given does not.
    const at = pair.lastIndexOf("=");
    const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    if (at < 1 || value === "") throw wrongCall("bad-option", `--${option} is "${text}"; ${what} were expected.`);
    return [name, value];
  });
  return Object.assign(Object.create(null), Object.fromEntries(pairs));
}
