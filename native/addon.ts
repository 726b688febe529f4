// Kernels that were built, opened: the one place that knows what the file exports.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { InnerloopError } from "@innerloop/schemas/bundle";
import { kernelsFile } from "./build.ts";
import { costsOf } from "./costs.ts";
import type { Costs } from "./plan/costs.ts";
import { warn } from "./warnings.ts";

/** The C kernels. */
export interface Kernels {
  /** Of which sources they were built for which processor: other kernels have another. */
  readonly name?: string;
  /** What moving numbers takes with them, by which plans choose forms: the usual ones unless given. */
  readonly costs?: Costs;
  /**
   * Runs a program of source/words.md over a memory, which other threads leave alone meanwhile. Words are checked before their first run over a memory: that they
   * stay within it. They are not to change after that.
   * @param offset bytes of the buffer before the memory begins; see {@link misaligned}
   * @param results arrays that the program writes, of as many numbers each in every run
   * @param given arrays that it only reads
   * @param threads how many do a large instruction, this one among them; 1 unless given, and no more than the kernels know to have. They end with the thread that calls.
   * @returns 0, or what was wrong
   */
  run(
    code: Int32Array,
    memory: ArrayBuffer,
    offset: number,
    threads?: number,
    results?: readonly Float32Array[],
    given?: readonly Float32Array[],
  ): number;
  /**
   * The word at which the first instruction begins that would leave the memory and the arrays beside it, or is none; -1 where all are right.
   * @param sizes as {@link sizesBeside} has them
   */
  check?(code: Int32Array, memory: ArrayBuffer, offset: number, sizes?: Int32Array): number;
  /** Bytes to skip at a buffer's begin, to a multiple of 64 in the machine's memory. Of a new buffer: the system is asked to hold a large one in large pages. */
  misaligned(memory: ArrayBuffer): number;
  /** Asks the system's allocator to keep so many bytes that are freed, for arrays of later runs; it keeps the most that it is asked for. */
  retain?(bytes: number): void;
  /** A file's bytes, which the system reads when they are asked for, and `room` more; nothing where that cannot be. What is written there no file gets. */
  map?(path: string, room: number): ArrayBuffer | undefined;
  /** Gives memory back to the system: of a file that was mapped, which is read again when it is asked for, or numbers that nobody reads any more, which are zeros then or what they were. */
  release?(memory: ArrayBuffer): void;
  /** Adds numbers to as many others: in a tenth of the time that a loop in JavaScript takes. */
  add?(to: Float32Array, more: Float32Array): void;
  /** Whether all numbers are finite: in a tenth of the time that a loop in JavaScript takes. */
  finite?(numbers: Float32Array): boolean;
}

/** What the file exports. */
type Exports = Required<Omit<Kernels, "name" | "costs">>;

/** How many numbers the arrays beside a memory have: results, and below zero those that are only read. */
export const sizesBeside = (results: readonly number[], given: readonly Float32Array[]): Int32Array =>
  Int32Array.from([...results, ...given.map(({ length }) => -length)]);

/** What a run gives of words that are none (source/words.md). */
const wrongWords = 2;

/**
 * Opens kernels from a file.
 * @throws InnerloopError `kernels-broken`
 */
export function loadKernels(file: string): Kernels {
  try {
    const { run, ...others } = createRequire(import.meta.url)(file) as Exports;
    let retained = 0;
    const checked = new WeakMap<Int32Array, { readonly memory: ArrayBuffer; readonly sizes: Int32Array }>();
    return {
      name: basename(file),
      costs: costsOf(file),
      ...others,
      retain: (bytes) => {
        if (bytes <= retained) return;
        retained = bytes;
        others.retain(bytes);
      },
      run: (code, memory, offset, threads = 1, results = [], given = []) => {
        const known = checked.get(code);
        if (known?.memory !== memory || !areOf(known.sizes, results, given)) {
          const sizes = sizesBeside(
            results.map(({ length }) => length),
            given,
          );
          if (others.check(code, memory, offset, sizes) >= 0) return wrongWords;
          checked.set(code, { memory, sizes });
        }
        const arrays = given.length > 0 ? [...results, ...given] : results;
        return arrays.length > 0 ? run(code, memory, offset, threads, arrays) : run(code, memory, offset, threads);
      },
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new InnerloopError(
      "kernels-broken",
      `The kernels in ${file} do not load (${why}); delete that file and build them anew.`,
      { cause },
    );
  }
}

function areOf(sizes: Int32Array, results: readonly Float32Array[], given: readonly Float32Array[]): boolean {
  const { length } = results;
  if (sizes.length !== length + given.length) return false;
  for (let i = 0; i < length; i++) if (sizes[i] !== results[i]!.length) return false;
  for (let i = 0; i < given.length; i++) if (sizes[length + i] !== -given[i]!.length) return false;
  return true;
}

let here: { readonly kernels: Kernels | undefined } | undefined;

/** The kernels that were built for this machine, opened once; undefined where there are none that load. */
export function kernelsHere(): Kernels | undefined {
  here ??= { kernels: found() };
  return here.kernels;
}

function found(): Kernels | undefined {
  const file = kernelsFile();
  if (!existsSync(file)) return undefined;
  try {
    return loadKernels(file);
  } catch (cause) {
    warn("kernels-broken", `${(cause as Error).message} ONNX Runtime computes meanwhile, more slowly.`);
    return undefined;
  }
}
