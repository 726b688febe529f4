// arrays:FILE: what NumPy wrote, to the bit, and everything that can be wrong with such a file.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSafetensors, type Tensor } from "@innerloop/schemas";
import { openArrays, openTasks, type TaskSource } from "@innerloop/train";
import { zipSync } from "fflate";
import { describe, expect, it, test } from "vitest";
import { itUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { python, pythonLacks } from "../support/python.ts";
import { refusal } from "../support/refusal.ts";

const folder = temporaryFolder("arrays");

/** A .npy file as NumPy's format has it: magic, version 1.0, a header padded to 64 bytes, the elements. */
function npy(
  type: string,
  shape: readonly number[],
  elements: ArrayBufferView | Uint8Array,
  order = "False",
): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const words = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${sizes}), }`;
  const header = `${words.padEnd(Math.ceil((words.length + 11) / 64) * 64 - 11)}\n`;
  const body = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  const bytes = new Uint8Array(10 + header.length + body.length);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(body, 10 + header.length);
  return bytes;
}

/** Texts as NumPy keeps them: UTF-32, filled up with zeros. */
function texts(values: readonly string[], width: number): Uint32Array {
  const codes = new Uint32Array(values.length * width);
  values.forEach((value, i) => {
    Array.from(value).forEach((letter, j) => {
      codes[i * width + j] = letter.codePointAt(0)!;
    });
  });
  return codes;
}

let files = 0;
function write(bytes: Uint8Array | string, ending = "npz"): string {
  const file = join(folder, `${files++}.${ending}`);
  writeFileSync(file, bytes);
  return file;
}

const npz = (arrays: Readonly<Record<string, Uint8Array>>): string =>
  write(zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes]))));
const safetensors = (arrays: Readonly<Record<string, Tensor>>): string =>
  write(encodeSafetensors(arrays), "safetensors");

/** 12 classes of 4 examples; example e of class c is [c, e]. */
const count = 48;
const x = Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? (i / 2) % 12 : Math.floor(i / 24)));
const names = Array.from({ length: count }, (_, i) => `größe ${i % 12}`);
const y = Int32Array.from({ length: count }, (_, i) => i % 12);
const noneHeld = { heldBack: { val: 0, test: 0 } };

function checkEpisodes(tasks: TaskSource, nameOf: (label: number) => string): void {
  for (let index = 0; index < 20; index++) {
    const { support, query, classes } = tasks.episode("train", 1, index, { ways: 3, shots: 1, queries: 2 });
    for (const { x: values, y: labels } of [support, query])
      for (const [row, label] of Array.from(labels.data, Number).entries())
        expect(classes![label]).toBe(nameOf(Number(values.data[row * (values.data.length / labels.data.length)])));
  }
}

describe("a .npz", () => {
  it("has examples and the names of their classes", async () => {
    const file = npz({ x: npy("<f4", [count, 2], x), y: npy("<U9", [count], texts(names, 9)) });
    const tasks = await openTasks(`arrays:${file}`, noneHeld);
    expect(tasks).toMatchObject({ name: `arrays:${file}`, kind: "classification", inputShape: [2], notes: [] });
    expect(tasks.classCount("train")).toBe(12);
    checkEpisodes(tasks, (label) => `größe ${label}`);
  });

  it.each([
    ["<f8", Float64Array.from(x)],
    ["|u1", Uint8Array.from(x)],
    ["<i2", Int16Array.from(x)],
    ["<i8", BigInt64Array.from(Array.from(x, BigInt))],
  ] as const)("has numbers of the type %s", async (type, elements) => {
    const file = npz({ x: npy(type, [count, 1, 2], elements), y: npy("<i4", [count], y) });
    const tasks = await openArrays(file, noneHeld);
    expect(tasks.inputShape).toEqual([1, 2]);
    checkEpisodes(tasks, String);
  });

  itUnless(pythonLacks("numpy"), "is read as NumPy wrote it", {}, async () => {
    const file = join(folder, "numpy.npz");
    const program = `import numpy as np
x = (np.arange(96) % 7).reshape(48, 2).astype(np.float16).astype(np.float32); x[:, 0] = np.arange(48) % 12
np.savez_compressed(${JSON.stringify(file)}, x=x, y=np.array(["größe %d" % (i % 12) for i in range(48)]), z=np.zeros(3))`;
    execFileSync(python, ["-c", program]);
    const tasks = await openArrays(file, noneHeld);
    expect(tasks.notes).toEqual(["Arrays beside x and y are left out: z"]);
    checkEpisodes(tasks, (label) => `größe ${label}`);
  });
});

describe("a .safetensors", () => {
  const right = {
    x: { dtype: "float32", shape: [count, 2], data: x },
    y: { dtype: "int32", shape: [count], data: y },
  } as const;

  it("has examples and the numbers of their classes", async () => {
    checkEpisodes(await openArrays(safetensors(right), noneHeld), String);
  });

  it("has classes held back by their names, as folders of images have", async () => {
    const tasks = await openArrays(safetensors(right));
    expect((["train", "val", "test"] as const).map((split) => tasks.classCount(split))).toEqual([8, 2, 2]);
    const seen = (split: "train" | "val" | "test") =>
      Array.from(
        { length: 30 },
        (_, i) => tasks.episode(split, 0, i, { ways: 2, shots: 1, queries: 1 }).classes!,
      ).flat();
    const all = [...new Set(seen("train")), ...new Set(seen("val")), ...new Set(seen("test"))];
    expect(all.sort()).toEqual([...new Set(Array.from(y, String))].sort());
  });

  it("tells of arrays that it does not read, and of examples that say nothing", async () => {
    const pictures = new Float32Array(count * 4).map((_, i) => (i < 8 ? 1 : i));
    const { notes } = await openArrays(
      safetensors({ ...right, x: { dtype: "float32", shape: [count, 2, 2], data: pictures }, extra: right.y }),
    );
    expect(notes).toEqual([
      "Arrays beside x and y are left out: extra",
      "Examples that hold one number all over, from which nothing can be learned, are left out: x[0], x[1]",
    ]);
  });

  it("leaves out examples that are broken or there twice, and tells which", async () => {
    const data = x.with(5, Number.NaN);
    // Example 12 becomes example 0, which is of class 0 as well, and example 1 of class 1 becomes example 3 of class 3.
    data.set([0, 0], 24);
    data.set([3, 0], 2);
    const tasks = await openArrays(
      safetensors({ ...right, x: { dtype: "float32", shape: [count, 2], data } }),
      noneHeld,
    );
    expect(tasks.notes).toEqual([
      "Examples that cannot be read are left out: x[2] (NaN at position 1)",
      "Examples that are in their class already are left out: x[12] (as x[0])",
      "The same examples are in several classes, which contradict each other (1): x[3] (as x[1])",
    ]);
    const { message } = await refusal(async () => tasks.episode("train", 0, 0, { ways: 2, shots: 1, queries: 3 }));
    expect(message).toMatch(/Class "0" .* has 3 examples/);
  });

  it("has labels as they are given: with spaces, in any script, of digits", async () => {
    const given = [" 007", "7", "größe 1", "ゆき", "a  b", "-3"];
    const labels = Array.from({ length: count }, (_, i) => given[i % 6]!);
    const tasks = await openArrays(
      npz({ x: npy("<f4", [count, 2], x), y: npy("<U9", [count], texts(labels, 9)) }),
      noneHeld,
    );
    const { classes } = tasks.episode("train", 0, 0, { ways: 6, shots: 1, queries: 1 });
    expect([...classes!].sort()).toEqual([...given].sort());
  });

  test.each<[string, () => string, string, 1 | 2, RegExp]>([
    ["a missing file", () => join(folder, "none.npz"), "data-missing", 2, /none\.npz does not exist; a \.npz or/],
    ["a folder", () => folder, "data-missing", 2, /is a folder; a \.npz or \.safetensors file with the arrays x/],
    ["an empty file", () => write(""), "data-broken", 1, /it is empty/],
    ["a web page", () => write("<!doctype html><p>login"), "data-broken", 1, /it is a web page/],
    ["a text", () => write("label,x\n1,2\n"), "safetensors-invalid", 1, /a complete \.safetensors file was expected/],
    ["no y", () => safetensors({ x: right.x, z: right.y }), "data-broken", 1, /holds the arrays x, z; a \.npz or/],
    ["no array", () => npz({}), "data-broken", 1, /holds no arrays|cannot be unpacked/],
    [
      "an archive that is cut short",
      () => write(readFileSync(npz({ x: npy("<f4", [count, 2], x), y: npy("<i4", [count], y) })).subarray(0, 300)),
      "data-broken",
      1,
      /cannot be unpacked .*; it may be cut short/,
    ],
    [
      "an array that is too short",
      () => npz({ x: npy("<f4", [count, 3], x), y: npy("<i4", [count], y) }),
      "data-broken",
      1,
      /holds "x", which has 384 bytes of elements; its shape \[48,3\] takes 576/,
    ],
    [
      "the order of Fortran",
      () => npz({ x: npy("<f4", [count, 2], x, "True"), y: npy("<i4", [count], y) }),
      "data-broken",
      1,
      /ascontiguousarray/,
    ],
    [
      "pickled objects",
      () => npz({ x: npy("|O", [count, 2], x), y: npy("<i4", [count], y) }),
      "data-broken",
      1,
      /elements of the type \|O; little-endian/,
    ],
    [
      "another order of bytes",
      () => npz({ x: npy(">f4", [count, 2], x), y: npy("<i4", [count], y) }),
      "data-broken",
      1,
      /elements of the type >f4; little-endian/,
    ],
    [
      "examples of no shape",
      () => safetensors({ ...right, x: { dtype: "float32", shape: [2 * count], data: x } }),
      "data-broken",
      1,
      /x is float32\[96\]; numbers of the shape \[n, \.\.\.\]/,
    ],
    [
      "fewer classes than examples",
      () => safetensors({ ...right, y: { dtype: "int32", shape: [4], data: y.slice(0, 4) } }),
      "data-broken",
      1,
      /y is int32\[4\]; whole numbers or names of the shape \[48\]/,
    ],
    [
      "classes with a fraction",
      () => safetensors({ ...right, y: { dtype: "float32", shape: [count], data: Float32Array.from(y) } }),
      "data-broken",
      1,
      /y is float32\[48\]; whole numbers or names/,
    ],
    [
      "numbers that are none, in a fifth of the examples",
      () => {
        const data = x.map((value, i) => (i % 2 === 1 && i >= 5 && i < 25 ? Number.NaN : value));
        return safetensors({ ...right, x: { dtype: "float32", shape: [count, 2], data } });
      },
      "not-a-number",
      1,
      /Example 2 is NaN at position 1; expected finite numbers/,
    ],
    [
      "a class without a name",
      () => npz({ x: npy("<f4", [count, 2], x), y: npy("<U9", [count], texts(["", ...names.slice(1)], 9)) }),
      "data-broken",
      1,
      /the class of example 0 is an empty text/,
    ],
  ])("%s is refused", async (_, make, code, exitStatus, message) => {
    const file = make();
    const error = await refusal(() => openTasks(`arrays:${file}`));
    expect(error).toMatchObject({ code, exitStatus, message: expect.stringMatching(message) });
    expect(error.message).toContain(file);
  });

  it("is what a file of such a name is taken for", async () => {
    expect((await refusal(() => openTasks("set.npz"))).message).toMatch(
      /A file of arrays is arrays:FILE, as arrays:set\.npz$/,
    );
    expect((await refusal(() => openTasks("arrays"))).message).toMatch(
      /lacks its file; .*Give arrays:FILE with the file's path/,
    );
  });
});
