// The door: which files the page is made of, for whoever serves it or puts it somewhere.
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { starterBundle } from "@innerloop/bundles";
import { checkManifest, InnerloopError, type Manifest } from "@innerloop/schemas/bundle";
import { isOfInk, type PageBundle, ways, waysFor } from "./fits.ts";

export { type Way, waysFor } from "./fits.ts";

/** The bundle that comes with the page: characters nobody has ever used, 28 × 28 pixels. */
export const defaultBundle: string = starterBundle("drawings");

const site = fileURLToPath(new URL("site", import.meta.url));

/** ONNX Runtime's WebAssembly, for the processor alone and with WebGPU. */
const wasm = ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);

/** A bundle's folder, and its manifest. */
export interface BundleFolder {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** A file of the page: where it lies on disk, or what is in it. */
export type PageFile = { readonly path: string } | { readonly text: string };

/**
 * All files of the page with bundles: what stands where below the page's address, such as `bundle/manifest.json`. The page
 * asks for nothing else.
 *
 * @param bundles the page records for each of them in the ways that fit it; where two fit one way, for the first
 * @throws InnerloopError `page-missing` where the page was not built, `other-bundle` for one that nothing can be recorded for,
 *   `manifest-invalid` also for files that are not named plainly
 */
export async function pageFiles(bundles: readonly BundleFolder[]): Promise<ReadonlyMap<string, PageFile>> {
  for (const { folder, manifest } of bundles) checkManifest(manifest, join(folder, "manifest.json"));
  const built = await readdir(site, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw new InnerloopError(
      "page-missing",
      `the page is not built (there is no ${site}); run npm run build in the repository`,
      { cause },
    );
  });
  const files = new Map<string, PageFile>();
  for (const entry of built) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(file.slice(site.length + 1).replaceAll("\\", "/"), { path: file });
  }
  const ort = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
  for (const name of wasm) files.set(`ort/${name}`, { path: join(ort, name) });
  const listed: PageBundle[] = [];
  bundles.forEach(({ folder, manifest }, i) => {
    const at = i === 0 ? "bundle/" : `bundle-${i + 1}/`;
    const preprocessing = manifest.input.preprocessing;
    const fit = waysFor(manifest).filter((way) => !listed.some((entry) => entry.way === way));
    if (!preprocessing || fit.length === 0) return;
    for (const way of fit) listed.push({ way, at, preprocessing, ink: isOfInk(manifest) });
    for (const name of ["manifest.json", ...Object.keys(manifest.files)])
      files.set(`${at}${name}`, { path: join(folder, name) });
  });
  // A single bundle opens on what fits it best; several, in the order of the page.
  if (bundles.length > 1) listed.sort((a, b) => ways.indexOf(a.way) - ways.indexOf(b.way));
  files.set("bundles.json", { text: JSON.stringify(listed) });
  return files;
}
