// Stand-ins for what `innerloop setup` needs and a test machine may not have: Python packages, npm and a compiler. Their
// "TensorFlow" is TensorFlow.js on the processor, under the name that tfjs-node gives its backend.
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";

const { resolve } = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where onnxruntime-node has its native files for this system. */
export const nativeFolder = join(
  dirname(resolve("onnxruntime-node/package.json")),
  "bin",
  "napi-v6",
  process.platform,
  process.arch,
);
/** A library of this system, to stand for others. */
export const library = readFileSync(join(nativeFolder, "onnxruntime_binding.node"));

/** Writes a file, and the folders that it lies in. */
export function write(file: string, content: string | Uint8Array, mode?: number): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  if (mode !== undefined) chmodSync(file, mode);
  return file;
}

/** The text of a RECORD: the files of a package, with their hashes. */
export const record = (files: Record<string, Uint8Array>): string =>
  Object.entries(files)
    .map(
      ([path, bytes]) => `${path},sha256=${createHash("sha256").update(bytes).digest("base64url")},${bytes.length}\n`,
    )
    .join("");

/** How the name of a wheel for this system ends. */
export const wheelTag = "cp311-cp311-manylinux_2_27_x86_64.whl";

/** The bytes of a wheel with these files, whose RECORD is that of the files `recorded`. */
export function wheel(name: string, version: string, files: Record<string, Uint8Array>, recorded = files): Uint8Array {
  const path = `${name}-${version}.dist-info/RECORD`;
  return zipSync({ ...files, [path]: Buffer.from(`${record(recorded)}${path},,\n`) });
}

/** The files of pip's package tensorflow-cpu that matter here. */
export const tensorFlowFiles: Record<string, Uint8Array> = {
  "tensorflow/libtensorflow_cc.so.2": library,
  "tensorflow/libtensorflow_framework.so.2": library,
  "tensorflow/include/tensorflow/c/c_api.h": Buffer.from("// the C interface\n"),
  "tensorflow/python/platform/build_info.py": Buffer.from("build_info = dict([('is_cuda_build', False)])\n"),
};

/** A site-packages folder with TensorFlow in it. */
export function writeTensorFlow(site: string): string {
  for (const [path, bytes] of Object.entries(tensorFlowFiles)) write(join(site, path), bytes);
  return site;
}

/** A program `name` in a folder, that runs JavaScript. */
const program = (folder: string, name: string, code: string) =>
  write(join(folder, name), `#!${process.execPath}\nconst args = process.argv.slice(2);\n${code}`, 0o755);

/** tfjs-node's backend, as far as it is one here; `addon` is the path of the addon from it. */
const backend = (addon: string): string => `
const core = require("@tensorflow/tfjs");
const { MathBackendCPU } = require(${JSON.stringify(resolve("@tensorflow/tfjs-backend-cpu", { paths: [join(root, "train")] }))});
core.copyRegisteredKernels("cpu", "tensorflow");
Object.assign(require("${addon}"), { TF_Version: "2.99.0", isUsingGpuDevice: () => false });
exports.NodeJSKernelBackend = class extends MathBackendCPU {};`;

/** Programs npm and c++ that do, in a folder, what the real ones would have done here. */
export function writePrograms(folder: string): string {
  const packed = join(folder, "packed");
  write(join(packed, "package", "dist", "nodejs_kernel_backend.js"), backend("../../../../addon/tfjs_binding.node"));
  write(join(packed, "package", "dist", "register_all_kernels.js"), "");
  write(join(packed, "package", "binding", "tfjs_backend.cc"), "");
  write(join(packed, "package", "include", "node_api.h"), "");
  program(
    folder,
    "npm",
    `require("node:child_process").execFileSync("tar", ["-czf", "fetched.tgz", "-C", ${JSON.stringify(packed)}, "package"]);`,
  );
  program(
    folder,
    "c++",
    `if (args[0] !== "--version") require("node:fs").copyFileSync(${JSON.stringify(join(nativeFolder, "onnxruntime_binding.node"))}, args[args.indexOf("-o") + 1]);`,
  );
  return folder;
}

/** An npm that installs the stock package, with a TensorFlow.js of its own beside it. */
export function writeStockNpm(folder: string): void {
  const files = {
    "tfjs-node-gpu/dist/nodejs_kernel_backend.js": backend("../lib/napi-v8/tfjs_binding.node"),
    "tfjs-node-gpu/dist/register_all_kernels.js": "",
    "tfjs/index.js": 'throw new Error("a second TensorFlow.js");',
  };
  program(
    folder,
    "npm",
    `const { copyFileSync, mkdirSync, writeFileSync } = require("node:fs");
    const { dirname, join } = require("node:path");
    if (args[0] !== "install" || !args[1].startsWith("@tensorflow/tfjs-node-gpu@")) process.exit(1);
    for (const [name, text] of Object.entries(${JSON.stringify(files)})) {
      mkdirSync(dirname(join("node_modules/@tensorflow", name)), { recursive: true });
      writeFileSync(join("node_modules/@tensorflow", name), text);
    }
    mkdirSync("node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8", { recursive: true });
    copyFileSync(${JSON.stringify(join(nativeFolder, "onnxruntime_binding.node"))}, "node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node");`,
  );
}

/** An npm whose package cannot download TensorFlow. */
export const writeStockNpmWithoutDownload = (folder: string) =>
  program(
    folder,
    "npm",
    'console.error("npm error https://storage.googleapis.com/x.tar.gz\\nnpm error Error: getaddrinfo ENOTFOUND storage.googleapis.com"); process.exit(1);',
  );

/** An npm that reaches nothing. */
export const writeLostNpm = (folder: string) =>
  program(
    folder,
    "npm",
    'console.error("npm error code ENOTFOUND\\nnpm error network request failed"); process.exit(1);',
  );

/** A compiler that does with `target`, the file that it is to make, what `code` says. */
export const writeCompiler = (folder: string, code: string) =>
  program(folder, "c++", `if (args[0] !== "--version") { const target = args[args.indexOf("-o") + 1]; ${code} }`);

/**
 * A copy of the program whose onnxruntime-node may be changed: everything is linked, and that package is copied. It is to be
 * run with `--preserve-symlinks`.
 * @returns the file to run, and the folder of the package's native files
 */
export function writeInstallation(folder: string): { main: string; native: string } {
  const from = join(root, "node_modules");
  const to = join(folder, "node_modules");
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    if (name !== "onnxruntime-node" && !name.startsWith(".")) symlinkSync(join(from, name), join(to, name));
  const [own, copy] = [join(from, "onnxruntime-node"), join(to, "onnxruntime-node")];
  for (const part of ["package.json", "dist", "script"]) cpSync(join(own, part), join(copy, part), { recursive: true });
  const native = join(copy, "bin", "napi-v6", process.platform, process.arch);
  cpSync(nativeFolder, native, { recursive: true });
  return { main: join(to, "innerloop", "bin", "innerloop.js"), native };
}
