// Programs that one process leaves for later ones: making one takes as long as many of its runs.
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Kernels } from "./addon.ts";
import type { Layout } from "./plan/program.ts";

/** Where programs are kept. All may fail without a word: a program is made anew then. */
export interface KeptPrograms {
  /** What was kept under a key, as it was. Who finds nothing makes it, and says then that it is to be kept, or that nothing is. */
  find(key: string): Uint8Array | undefined;
  keep(key: string, bytes: Uint8Array): void;
  /** There will be nothing under a key: who waits for it need not. */
  leave?(key: string): void;
}

/** What a program rests on beside sizes: how many classes there are, by the input that tells. */
export type Largest = ReadonlyMap<string, number>;

/** A key of a model's programs for sizes, for the kernels that computed what no run changes, and for the costs by which forms were chosen. */
export const keyOf = ({ name, costs }: Pick<Kernels, "name" | "costs">, model: string, sizes: unknown): string =>
  createHash("sha256")
    .update(
      JSON.stringify([planner(), name, costs, model, sizes], (_, value) =>
        typeof value === "bigint" ? `${value}n` : value,
      ),
    )
    .digest("hex")
    .slice(0, 32);

export const digestOf = (model: Uint8Array): string => createHash("sha256").update(model).digest("hex");

let known: string | undefined;

/** What reads models, makes programs and packs them, by the files that it is: its version is the same from build to build. */
function planner(): string {
  known ??= filesOf(dirname(fileURLToPath(import.meta.url))).join();
  return known;
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesOf(path);
    const { size, mtimeMs } = statSync(path);
    return [`${path}:${size}:${mtimeMs}`];
  });

/** A text and arrays, each as long as the text says; words and numbers lie as this machine has them. */
export function packed({ words, known, arrays, tables, ...rest }: Layout, largest: Largest): Uint8Array {
  // They lie one after another.
  const last = known.at(-1);
  const end = last ? last.at + last.numbers.length : 0;
  const lengths = [words.length, end, tables.length, ...arrays.map(({ length }) => length)];
  const head = Buffer.from(JSON.stringify({ lengths, largest: [...largest], ...rest }));
  const start = 4 + head.length;
  const all = Buffer.alloc(start + 4 * lengths.reduce((sum, length) => sum + length, 0));
  all.writeUInt32LE(head.length);
  all.set(head, 4);
  all.set(bytesOf(words), start);
  for (const { at, numbers } of known) all.set(bytesOf(numbers), start + 4 * (words.length + at));
  let at = start + 4 * (words.length + end);
  for (const numbers of [tables, ...arrays]) {
    all.set(bytesOf(numbers), at);
    at += 4 * numbers.length;
  }
  return all;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

export function unpacked(bytes: Uint8Array): { readonly layout: Layout; readonly largest: Largest } {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 4 + whole.readUInt32LE();
  const { lengths, largest, ...rest } = JSON.parse(whole.toString("utf8", 4, start)) as Omit<
    Layout,
    "words" | "known" | "arrays" | "tables"
  > & { readonly lengths: readonly number[]; readonly largest: readonly [string, number][] };
  let at = start;
  const next = (length = 0): ArrayBuffer => {
    const begin = at;
    at += 4 * length;
    // As a copy, since numbers begin at multiples of 4 bytes.
    return new Uint8Array(whole.subarray(begin, at)).buffer;
  };
  const [words, known, tables, ...arrays] = lengths;
  return {
    layout: {
      ...rest,
      words: new Int32Array(next(words)),
      known: [{ at: 0, numbers: new Float32Array(next(known)) }],
      tables: new Int32Array(next(tables)),
      arrays: arrays.map((length) => new Float32Array(next(length))),
    },
    largest: new Map(largest),
  };
}
