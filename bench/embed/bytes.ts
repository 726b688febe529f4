// What a browser downloads for each way, gzipped as servers send it: the program, the WebAssembly, the model.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { encodeSafetensors } from "@innerloop/schemas";
import { build } from "esbuild";
import type { Body } from "./body.ts";

/** Bytes, gzipped. */
export interface Download {
  readonly program: number;
  readonly engine: number;
  readonly model: number;
}

const require = createRequire(import.meta.url);
const gz = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;
const fileSize = async (path: string): Promise<number> => gz(await readFile(path));

async function programSize(code: string, external: readonly string[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: dirname(fileURLToPath(import.meta.url)), loader: "js" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    external: [...external],
    logLevel: "silent",
  });
  return gz(outputFiles[0]!.contents);
}

/** The runtime on ONNX Runtime's WebAssembly, with a bundle. */
export async function ourDownload(bundle: string): Promise<Download> {
  const ort = dirname(require.resolve("onnxruntime-web"));
  const files = await Promise.all(
    ["adapt.onnx", "predict.onnx", "manifest.json"].map((file) => fileSize(join(bundle, file))),
  );
  return {
    program: await programSize('export { Learner } from "@innerloop/runtime";', [
      "onnxruntime-web",
      "onnxruntime-web/*",
    ]),
    engine:
      (await programSize('export * from "onnxruntime-web/wasm";')) +
      (await fileSize(join(ort, "ort-wasm-simd-threaded.wasm"))),
    model: files.reduce((a, b) => a + b),
  };
}

/** knn-classifier on TensorFlow.js's WebAssembly backend, with an embedding's weights. */
export async function knnDownload({ weights }: Body): Promise<Download> {
  const wasm = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  const tfjs = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"];
  const engine = await programSize(tfjs.map((name) => `export * from "${name}";`).join("\n"));
  const all = await programSize(
    [
      ...tfjs.map((name) => `export * from "${name}";`),
      'export * as knn from "@tensorflow-models/knn-classifier";',
    ].join("\n"),
  );
  return {
    program: Math.max(0, all - engine),
    engine: engine + (await fileSize(join(wasm, "tfjs-backend-wasm-simd.wasm"))),
    model: gz(encodeSafetensors(weights, {})),
  };
}
