// Arrays in a file: examples x [n, ...] and their classes y [n], from NumPy (.npz) or as safetensors.
import { readFileSync, statSync } from "node:fs";
import { decodeSafetensors, InnerloopError, mistaken } from "@innerloop/schemas";
import type { TaskSource } from "../episodes/task.ts";
import { type Failure, withoutFailures } from "../files/failures.ts";
import { leftOut, listed, sentenceOf } from "../files/left-out.ts";
import { ReadTasks } from "../files/read-tasks.ts";
import { type NamedExample, sift } from "../files/sift.ts";
import { type FileArray, isZip, readNpz } from "./npy.ts";
import { pathOf } from "./place.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";

const expected = "a .npz or .safetensors file with the arrays x [n, ...] and y [n] was expected";

/** Options of {@link openArrays}. */
export type ArraysOptions = Pick<OpenTasksOptions, "heldBack" | "split">;

/**
 * Few-shot tasks from arrays in a file: examples `x [n, ...inputShape]`, numbers that are taken as they are, and of each the class
 * `y [n]`, a whole number or, where the file has texts (.npz), a name. What is no example is left out or refused as that of files is.
 *
 * @throws {InnerloopError} `data-missing` (status 2); `data-broken`, `safetensors-invalid` and `not-a-number` (status 1), naming the file
 */
export async function openArrays(place: string, { heldBack, split }: ArraysOptions = {}): Promise<TaskSource> {
  const file = pathOf(place);
  const name = `arrays:${file}`;
  const { x, y, others } = readArrays(file);
  const broken = (what: string) => new InnerloopError("data-broken", `${file}: ${what}`);
  const [count = 0, ...inputShape] = x.shape;
  if (inputShape.length === 0 || count === 0 || inputShape.includes(0) || typeof x.data[0] === "string")
    throw broken(`x is ${shown(x)}; numbers of the shape [n, ...], one example after the other, were expected`);
  if (y.shape.length !== 1 || y.shape[0] !== count || isFraction(y))
    throw broken(
      `y is ${shown(y)}; whole numbers or names of the shape [${count}], a class for each example, were expected`,
    );
  const size = x.data.length / count;
  const values = Float32Array.from(x.data as ArrayLike<number>, Number);
  const classes = new Map<string, NamedExample<Float32Array>[]>();
  const counts = new Map<string, number>();
  const failures: Failure[] = [];
  for (let i = 0; i < count; i++) {
    const label = String(y.data[i]).normalize();
    if (label === "") throw broken(`the class of example ${i} is an empty text; give it a name`);
    const kept = values.subarray(i * size, (i + 1) * size);
    const failure = failureOf(kept, i, file);
    if (failure) failures.push({ ...failure, of: label });
    const members = classes.get(label) ?? [];
    if (!failure) members.push({ name: `x[${i}]`, kept });
    classes.set(label, members);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const unread = withoutFailures(name, "examples", counts, failures);
  if (unread.problem) throw unread.problem;
  const sifted = sift(
    [...classes].map(([name, examples]) => ({ name, examples })),
    {
      several: "examples",
      // A row of equal numbers may well mean something.
      flaw: (kept) =>
        inputShape.length > 1 && kept.every((value) => value === kept[0])
          ? "examples that hold one number all over, from which nothing can be learned,"
          : undefined,
      bytes: (kept) => new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength),
    },
  );
  const left = [...leftOut("arrays beside x and y", others), ...unread.leftOut, ...sifted.leftOut];
  return new ReadTasks({
    name,
    inputShape,
    classes: sifted.classes,
    notes: [...left.map((each) => sentenceOf(each)), ...sifted.notes],
    advice: "add examples of more classes",
    split: { ...split, heldBack },
    write: (example, target, offset) => target.set(example, offset),
  });
}

/** What is wrong with an example in which a number is none. */
function failureOf(example: Float32Array, index: number, file: string): Omit<Failure, "of"> | undefined {
  const at = example.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return undefined;
  const message = `${file}: Example ${index} is ${example[at]} at position ${at}; expected finite numbers. Repair the example or leave it out`;
  return {
    name: `x[${index}]`,
    why: `${example[at]} at position ${at}`,
    error: new InnerloopError("not-a-number", message),
  };
}

/** The two arrays of a file, and the names of all others. */
function readArrays(file: string): { x: FileArray; y: FileArray; others: string[] } {
  const info = statSync(file, { throwIfNoEntry: false });
  if (!info?.isFile())
    throw new InnerloopError(
      "data-missing",
      `${file} ${info === undefined ? "does not exist" : "is a folder"}; ${expected}`,
      { exitStatus: 2 },
    );
  const bytes = new Uint8Array(readFileSync(file));
  const broken = (what: string, cause?: unknown) => new InnerloopError("data-broken", `${file}${what}`, { cause });
  const other = mistaken(bytes);
  if (other !== undefined) throw broken(`: ${other}`);
  const { arrays, names } = isZip(bytes) ? npz() : safetensors();
  const [x, y] = [arrays.get("x"), arrays.get("y")];
  if (!x || !y) throw broken(` holds ${names.length === 0 ? "no arrays" : `the arrays ${listed(names)}`}; ${expected}`);
  return { x, y, others: names.filter((name) => name !== "x" && name !== "y") };

  function npz() {
    try {
      return readNpz(bytes, ["x", "y"]);
    } catch (cause) {
      throw broken(` ${(cause as Error).message}. Write it again`, cause);
    }
  }

  function safetensors() {
    const { tensors } = decodeSafetensors(bytes, file);
    const found = Object.entries(tensors).map(([name, { dtype, shape, data }]): [string, FileArray] => [
      name,
      { type: dtype, shape, data },
    ]);
    return { arrays: new Map(found), names: Object.keys(tensors) };
  }
}

const shown = ({ type, shape }: FileArray): string => `${type}[${shape.join(", ")}]`;

/** Numbers with a fraction are measured, and tell no class. */
const isFraction = ({ data }: FileArray): boolean => data instanceof Float32Array || data instanceof Float64Array;

export const arrays: Reader = {
  spec: "arrays:FILE",
  summary: "a .npz or .safetensors file with x [n, ...] and y [n]",
  kind: "classification",
  meant: { what: "A file of arrays", by: (text) => /\.(npz|safetensors)$/i.test(text) },
  open: openArrays,
};
