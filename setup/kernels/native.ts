// `innerloop setup native`: kernels for this processor, which its own compiler builds; and how they are taken away again.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type Built, buildKernels, kernelsFile } from "@innerloop/native";
import { diskFailure, wrongCall } from "../failures.ts";
import { type SetupOptions, workOf } from "../work.ts";

/**
 * Builds the kernels of the engine `native`, and of `@innerloop/native` in applications: aside, tried in a process of its own, and only then
 * put in place.
 *
 * @throws InnerloopError saying what to do: `compiler-missing`, `build-failed`, `disk-full`, `no-permission`, `no-folder`; the reason of the
 *   signal where that stops it. What was in use before still is
 */
export async function setupNative(options: SetupOptions = {}): Promise<Built> {
  const { signal, onMessage } = workOf(options);
  onMessage("Building kernels for this processor …");
  return buildKernels({ signal });
}

/**
 * Takes the kernels away: ONNX Runtime computes from then on.
 * @throws InnerloopError `nothing-to-undo` (status 2), `no-permission`
 */
export async function undoNative(): Promise<{ readonly removed: string }> {
  const file = kernelsFile();
  if (!existsSync(file))
    throw wrongCall("nothing-to-undo", `There are no kernels in ${file}; there is nothing to undo.`);
  await rm(file).catch((cause) => {
    throw diskFailure(cause, file, "make it yours");
  });
  return { removed: file };
}
