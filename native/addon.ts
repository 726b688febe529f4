// Kernels that were built, opened: the one place that knows what the file exports.
import { createRequire } from "node:module";
import { InnerloopError } from "@innerloop/schemas";
import { kernelsFile } from "./build.ts";

/** The C kernels. */
export interface Kernels {
  /**
   * Runs a program of source/words.md over a memory, which other threads leave alone meanwhile.
   * @param offset bytes of the buffer before the memory begins; see {@link misaligned}
   * @returns 0, or what was wrong
   */
  run(code: Int32Array, memory: ArrayBuffer, offset: number): number;
  /** Bytes to skip at a buffer's begin, to a multiple of 64 in the machine's memory. */
  misaligned(memory: ArrayBuffer): number;
}

/**
 * Opens kernels from a file.
 * @throws InnerloopError `kernels-broken`
 */
export function loadKernels(file: string): Kernels {
  let kernels: Kernels;
  try {
    kernels = createRequire(import.meta.url)(file) as Kernels;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new InnerloopError(
      "kernels-broken",
      `The kernels in ${file} do not load (${why}); delete that file and build them anew.`,
      { cause },
    );
  }
  return kernels;
}

let here: { readonly kernels: Kernels | undefined } | undefined;

/** The kernels that were built for this machine, opened once; undefined where there are none that load. */
export function kernelsHere(): Kernels | undefined {
  here ??= { kernels: found() };
  return here.kernels;
}

function found(): Kernels | undefined {
  try {
    return loadKernels(kernelsFile());
  } catch {
    // Everything goes on without them.
    return undefined;
  }
}
