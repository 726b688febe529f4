// The kernels that tests run, built once for all of them: in a folder of their own beside other caches, under a name that tells sources apart.
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildKernels, type Kernels, kernelsFile, loadKernels } from "@innerloop/native";

const folder = join(tmpdir(), "innerloop-test-kernels");

/** The file of the kernels of these sources. */
export async function builtKernels(): Promise<string> {
  const file = kernelsFile(folder);
  return existsSync(file) ? file : (await buildKernels({ folder })).file;
}

export const testKernels = async (): Promise<Kernels> => loadKernels(await builtKernels());
