// What a stack of TensorFlow holds beside tfjs-node itself: the module that the engine loads, and stand-ins by which
// tfjs-node's kernels find the project's TensorFlow.js and bring none of their own.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The packages of TensorFlow.js that tfjs-node asks for. */
const standIns = ["@tensorflow/tfjs", "@tensorflow/tfjs-core"];

/**
 * Writes a stack's module, `index.cjs`, and its stand-ins.
 * @param name the package that holds the kernels: @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu
 * @param addon the path of the addon within the stack
 */
export async function writeStackFiles(folder: string, name: string, addon: string, gpu: boolean): Promise<void> {
  for (const standIn of standIns) {
    const place = join(folder, "node_modules", standIn);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "package.json"), `${JSON.stringify({ name: standIn, main: "index.js" })}\n`);
    await writeFile(join(place, "index.js"), 'module.exports = require("../../../index.cjs").core();\n');
  }
  await writeFile(join(folder, "index.cjs"), moduleText(name, addon, gpu));
}

const moduleText = (name: string, addon: string, gpu: boolean): string => `"use strict";
// Registers the kernels of ${name} in a copy of tfjs-core that is handed over.
const util = require("node:util");
let core;
let facts;
exports.core = () => core;
exports.register = (tf) => {
  if (core !== undefined && core !== tf) throw new Error("the kernels are registered in another copy of tfjs-core");
  core = tf;
  if (facts !== undefined) return facts;
  // tfjs-node calls two functions that Node 23 took out.
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  // TensorFlow tells the terminal what processor it found; errors are still told.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  const addon = require(${JSON.stringify(`./${addon}`)});
  const { NodeJSKernelBackend } = require(${JSON.stringify(`${name}/dist/nodejs_kernel_backend.js`)});
  require(${JSON.stringify(`${name}/dist/register_all_kernels.js`)});
  tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(addon, ${JSON.stringify(gpu ? "@tensorflow/tfjs-node-gpu" : name)}), 3);
  facts = { version: addon.TF_Version, gpu: addon.isUsingGpuDevice() };
  return facts;
};
`;
