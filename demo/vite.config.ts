// The page is built to dist/site, with relative addresses, so that it works from any place on any server.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";

/** The typeface's licence wants to be wherever the typeface is. */
const typefaceLicence: Plugin = {
  name: "typeface-licence",
  generateBundle() {
    const typeface = createRequire(import.meta.url).resolve("@fontsource-variable/bricolage-grotesque/package.json");
    const source = readFileSync(join(dirname(typeface), "LICENSE"));
    this.emitFile({ type: "asset", fileName: "assets/bricolage-grotesque.LICENSE.txt", source });
  },
};

export default defineConfig({
  root: fileURLToPath(new URL("page", import.meta.url)),
  base: "./",
  publicDir: false,
  plugins: [typefaceLicence],
  // ONNX Runtime then fetches its WebAssembly at run time from ort/, beside the page, and starts its threads from there.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  build: {
    outDir: fileURLToPath(new URL("dist/site", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    reportCompressedSize: false,
  },
});
