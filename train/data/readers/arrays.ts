// Arrays in a file: examples x [n, ...] and their classes y [n], from NumPy (.npz) or as safetensors.
import { readFileSync, statSync } from "node:fs";
import { decodeSafetensors, InnerloopError, mistaken, type SplitRecord } from "@innerloop/schemas";
import { checkNumbers, type LabelledClass, poolOf } from "../episodes/pool.ts";
import { ofSplits, PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import { type SplitRule, splitOf } from "../episodes/split.ts";
import type { Split, TaskSource } from "../episodes/task.ts";
import { listed } from "../files/left-out.ts";
import { type FileArray, isZip, readNpz } from "./npy.ts";
import { pathOf } from "./place.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";

const expected = "a .npz or .safetensors file with the arrays x [n, ...] and y [n] was expected";

/** Options of {@link openArrays}. */
export type ArraysOptions = Pick<OpenTasksOptions, "heldBack" | "split">;

/**
 * Few-shot tasks from arrays in a file: examples `x [n, ...inputShape]`, numbers that are taken as they are, and of each the class
 * `y [n]`, a whole number or, where the file has texts (.npz), a name. Classes are held back by a hash of their names.
 *
 * @throws {InnerloopError} `data-missing` (status 2); `data-broken`, `safetensors-invalid` and `not-a-number` (status 1), naming the file
 */
export async function openArrays(place: string, { heldBack, split }: ArraysOptions = {}): Promise<TaskSource> {
  const file = pathOf(place);
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
  const examples = Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size));
  checkNumbers(examples, { source: `${file}: `, exitStatus: 1 });
  const classes = new Map<string, Float32Array[]>();
  examples.forEach((example, i) => {
    const name = String(y.data[i]).normalize();
    if (name === "") throw broken(`the class of example ${i} is an empty text; give it a name`);
    const members = classes.get(name);
    if (members) members.push(example);
    else classes.set(name, [example]);
  });
  return new Arrays(
    `arrays:${file}`,
    inputShape,
    classes,
    { ...split, heldBack },
    notesOn(examples, inputShape, others),
  );
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

/** What is left out, and what nothing can be learned from. Rows of equal numbers may well mean something, and are not told. */
function notesOn(
  examples: readonly Float32Array[],
  inputShape: readonly number[],
  others: readonly string[],
): string[] {
  const blank = inputShape.length < 2 ? 0 : examples.filter((each) => each.every((value) => value === each[0])).length;
  return [
    ...(others.length > 0 ? [`Arrays beside x and y are left out: ${listed(others)}`] : []),
    ...(blank > 0
      ? [`${blank} of ${examples.length} examples hold one number all over, so that nothing can be learned from them`]
      : []),
  ];
}

class Arrays extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly notes: readonly string[];
  readonly split: SplitRecord;
  readonly #pools: Readonly<Record<Split, ClassPool>>;

  constructor(
    name: string,
    inputShape: readonly number[],
    classes: ReadonlyMap<string, readonly Float32Array[]>,
    rule: SplitRule,
    notes: readonly string[],
  ) {
    super();
    this.name = name;
    this.inputShape = inputShape;
    this.notes = notes;
    const split = splitOf(
      [...classes.keys()].map((name) => ({ name })),
      rule,
    );
    this.split = split.record;
    const pool = (which: Split): ClassPool =>
      poolOf(
        {
          title: `the ${which} split of ${name} (${classes.size} classes in all)`,
          inputShape,
          classes: split.classes[which].map(
            (each): LabelledClass<Float32Array> => ({ name: each, examples: classes.get(each)! }),
          ),
          advice: "add examples of more classes",
        },
        (example, target, offset) => target.set(example, offset),
      );
    this.#pools = ofSplits(pool);
  }

  protected pool(split: Split): ClassPool {
    return this.#pools[split];
  }
}

export const arrays: Reader = {
  spec: "arrays:FILE",
  summary: "a .npz or .safetensors file with x [n, ...] and y [n]",
  kind: "classification",
  meant: { what: "A file of arrays", by: (text) => /\.(npz|safetensors)$/i.test(text) },
  open: openArrays,
};
