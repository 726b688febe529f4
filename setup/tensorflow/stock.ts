// The stock package @tensorflow/tfjs-node-gpu, with the TensorFlow 2.9 and CUDA 11 that its own script downloads.
import { existsSync, readdirSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failed } from "../failures.ts";
import { lastLines, runProgram } from "../program.ts";
import type { Work } from "../work.ts";
import { npmFailure } from "./addon.ts";
import { writeStackFiles } from "./stack-files.ts";

const name = "@tensorflow/tfjs-node-gpu";

/**
 * Makes a stack of the stock package.
 * @param version of the package: that of the project's tfjs-core
 * @throws InnerloopError `network`, `npm-missing`, `npm-failed`
 */
export async function installStock(folder: string, version: string, work: Work): Promise<void> {
  work.onMessage(`Installing ${name} ${version}; its script downloads TensorFlow, some 400 MB …`);
  const project = { private: true, allowScripts: { [name]: true, "core-js": false } };
  await writeFile(join(folder, "package.json"), JSON.stringify(project));
  const args = ["install", `${name}@${version}`, "--no-audit", "--no-fund", "--loglevel=error"];
  const ended = await runProgram("npm", args, { cwd: folder, signal: work.signal });
  if (ended.status !== 0 && /storage\.googleapis\.com/.test(ended.stderr))
    throw failed(
      "network",
      `${name} downloads TensorFlow from storage.googleapis.com, which cannot be reached from here. Allow it (a proxy goes into HTTPS_PROXY), ` +
        `or build against the TensorFlow of pip instead: pip install 'tensorflow[and-cuda]', then innerloop setup tfjs-gpu. npm said:\n` +
        lastLines(
          ended.stderr
            .split("\n")
            .filter((line) => /Error:|https:/.test(line))
            .join("\n"),
          3,
        ),
    );
  if (ended.status !== 0) throw npmFailure(ended, name);
  const own = join(folder, "node_modules", name);
  const lib = join(own, "lib");
  const addon = (existsSync(lib) ? readdirSync(lib) : [])
    .map((api) => `node_modules/${name}/lib/${api}/tfjs_binding.node`)
    .find((file) => existsSync(join(folder, file)));
  if (addon === undefined)
    throw failed(
      "npm-failed",
      `${name} was installed without its addon; a setting of npm may keep scripts from running (npm config get ignore-scripts). npm said:\n${lastLines(ended.stderr || ended.stdout, 6)}`,
    );
  const others = join(folder, "node_modules", "@tensorflow");
  for (const other of readdirSync(others))
    if (other !== "tfjs-node-gpu") await rm(join(others, other), { recursive: true });
  await writeStackFiles(folder, name, addon, true);
}
