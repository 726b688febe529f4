// `innerloop setup native`: kernels for this processor, which its own compiler builds; and how they are taken away again.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type Built, buildKernels, costsFile, kernelsFile, oldKernels } from "@innerloop/native";
import { diskFailure, wrongCall } from "../failures.ts";
import { type SetupOptions, workOf } from "../work.ts";

/** Kernels that were set up. */
export interface NativeSetup extends Built {
  /** Files of earlier releases that were taken away: nothing uses them any longer. */
  readonly old: readonly string[];
}

/**
 * Builds the kernels of the engine `native`, and of `@innerloop/native` in applications: aside, tried in a process of its own, and only then
 * put in place. Those of earlier releases go then; who has them loaded goes on with them.
 *
 * @throws InnerloopError saying what to do: `compiler-missing`, `build-failed`, `disk-full`, `no-permission`, `no-folder`; the reason of the
 *   signal where that stops it. What was in use before still is
 */
export async function setupNative(options: SetupOptions = {}): Promise<NativeSetup> {
  const { signal, onMessage } = workOf(options);
  onMessage("Building kernels for this processor …");
  const built = await buildKernels({ signal });
  return { ...built, old: await without(oldKernels()) };
}

/**
 * Takes the kernels away, those of earlier releases too: ONNX Runtime computes from then on.
 * @throws InnerloopError `nothing-to-undo` (status 2), `no-permission`
 */
export async function undoNative(): Promise<{ readonly removed: string; readonly old: readonly string[] }> {
  const file = kernelsFile();
  const old = oldKernels();
  if (!existsSync(file) && old.length === 0)
    throw wrongCall("nothing-to-undo", `There are no kernels in ${file}; there is nothing to undo.`);
  const [removed = file, ...others] = await without(existsSync(file) ? [file, ...old] : old);
  return { removed, old: others };
}

/** Takes kernels away, with what lies beside them. */
async function without(files: readonly string[]): Promise<readonly string[]> {
  for (const file of files.flatMap((kernels) => [kernels, costsFile(kernels)]))
    await rm(file, { force: true }).catch((cause) => {
      throw diskFailure(cause, file, "make it yours");
    });
  return files;
}
