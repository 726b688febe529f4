// The door: which files the page is made of, for whoever serves it or puts it somewhere.
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { starterBundle } from "@innerloop/bundles";
import { checkManifest, InnerloopError, type Manifest } from "@innerloop/schemas/bundle";

export { drawingFor } from "./fits.ts";

/** The bundle that comes with the page: characters nobody has ever used, 28 × 28 pixels. */
export const defaultBundle: string = starterBundle("drawings");

const site = fileURLToPath(new URL("site", import.meta.url));

/** ONNX Runtime's WebAssembly, for the processor alone and with WebGPU. */
const wasm = ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);

/**
 * All files of the page with a bundle: where each stands below the page's address, such as `bundle/manifest.json`, and
 * where it lies on disk. The page asks for nothing else.
 *
 * @param bundle folder of a bundle, with this manifest
 * @throws InnerloopError `page-missing` where the page was not built, `manifest-invalid` also for files that are not named plainly
 */
export async function pageFiles(bundle: string, manifest: Manifest): Promise<ReadonlyMap<string, string>> {
  checkManifest(manifest, join(bundle, "manifest.json"));
  const built = await readdir(site, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw new InnerloopError(
      "page-missing",
      `the page is not built (there is no ${site}); run npm run build in the repository`,
      { cause },
    );
  });
  const files = new Map<string, string>();
  for (const entry of built) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(file.slice(site.length + 1).replaceAll("\\", "/"), file);
  }
  const ort = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
  for (const name of wasm) files.set(`ort/${name}`, join(ort, name));
  for (const name of ["manifest.json", ...Object.keys(manifest.files)]) files.set(`bundle/${name}`, join(bundle, name));
  return files;
}
