// Where onnxruntime-node is installed, the copy that the runtime uses, and where the files of its CUDA provider belong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Where the CUDA provider belongs. */
export interface CudaProviderPlace {
  /** The folder of the package onnxruntime-node. */
  readonly package: string;
  readonly version: string;
  /** The folder of its native files for this system. */
  readonly folder: string;
  /** The names of the provider's files, in the order in which they are put in place. */
  readonly files: readonly string[];
  /** The path of the provider itself, whether it is there or not. */
  readonly provider: string;
}

/** Where the CUDA provider belongs; undefined where there is no onnxruntime-node. */
export function cudaProviderPlace(): CudaProviderPlace | undefined {
  try {
    const runtime = createRequire(import.meta.url).resolve("@innerloop/runtime/session");
    const description = createRequire(runtime).resolve("onnxruntime-node/package.json");
    const { version, binary } = JSON.parse(readFileSync(description, "utf8")) as {
      version: string;
      binary: { napi_versions: [number] };
    };
    const home = dirname(description);
    const folder = join(home, "bin", `napi-v${binary.napi_versions[0]}`, process.platform, process.arch);
    const files = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"] as const;
    return { package: home, version, folder, files, provider: join(folder, files[1]) };
  } catch {
    return undefined;
  }
}
