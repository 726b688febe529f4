// `innerloop setup tfjs-gpu`: a TensorFlow for the engines tfjs:node-gpu and tfjs:tfjs-node, made in a folder of its own, tried
// in a process of its own, and only then put to use.
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { missingLibraries } from "@innerloop/runtime/libraries";
import { type InstalledTensorFlow, installedTensorFlow, tensorFlowStacks } from "@innerloop/train";
import { failed, wrongCall } from "../failures.ts";
import { type Ended, lastLines, runProgram } from "../program.ts";
import { addStack, exclusively, removeStack } from "../stacks.ts";
import { type SetupOptions, type Work, workOf } from "../work.ts";
import { buildAddon } from "./addon.ts";
import { findTensorFlow, tensorFlowLibraries } from "./find-tensorflow.ts";
import { installStock } from "./stock.ts";

/** What was set up. */
export interface TensorFlowResult {
  readonly version: string;
  /** Whether it computes on a GPU here. */
  readonly gpu: boolean;
  readonly what: string;
  readonly folder: string;
  /** Why a TensorFlow for GPUs found none. */
  readonly reason?: string;
}

/** Where TensorFlow is taken from. */
export interface TensorFlowSource {
  /** `stock` (the package for CUDA 11), or where pip's TensorFlow is: an environment, its site-packages, a .whl file. */
  readonly from?: string | undefined;
  /** The Python program whose packages are used; the one in use unless given. */
  readonly python?: string | undefined;
}

/**
 * Sets a TensorFlow up for the engines `tfjs:node-gpu` and `tfjs:tfjs-node`: it is made in a folder of its own, tried in a
 * process of its own, and only then put to use.
 *
 * @throws InnerloopError saying what to do (status 2 for a source that does not fit: `tensorflow-missing`, `bad-wheel`,
 *   `file-missing`, `python-missing`, `unsupported-system`; 1 for work that failed: `compiler-missing`, `build-failed`, `network`,
 *   `npm-missing`, `hash-mismatch`, `trial-failed`, `disk-full`, `no-permission`, `setup-running`); the reason of the signal
 *   where that stops it. What was in use before still is
 */
export async function setupTensorFlow(
  { from, python }: TensorFlowSource = {},
  options: SetupOptions = {},
): Promise<TensorFlowResult> {
  const work = workOf(options);
  const stock = from === "stock";
  refuseSystem(stock);
  const { file: core, version } = tfjsCore();
  const root = tensorFlowStacks();
  return exclusively(root, async () => {
    let facts: Omit<TensorFlowResult, "folder"> | undefined;
    const id = await addStack(root, async (folder) => {
      const about = stock ? await makeStock(folder, version, work) : await make(folder, from, python, version, work);
      work.onMessage("Trying it …");
      const tried = await trial(folder, core, work.signal);
      const { needs, gpu } = about;
      const what = `TensorFlow ${tried.version}, ${about.what}`;
      const remedy = `innerloop setup tfjs-gpu${from ? ` --from ${stock ? from : resolve(from)}` : ""}${python ? ` --python ${python}` : ""}`;
      const stack: Omit<InstalledTensorFlow, "folder" | "module"> = {
        version: tried.version,
        gpu,
        what,
        needs,
        remedy,
      };
      await writeFile(join(folder, "stack.json"), `${JSON.stringify(stack, null, 2)}\n`);
      const { version: found, gpu: used, reason } = tried;
      facts = { version: found, gpu: used, what, ...(gpu && !used ? { reason } : {}) };
      return `${tried.version}${gpu ? "-cuda" : ""}`;
    });
    return { ...facts!, folder: join(root, id) };
  });
}

/**
 * Goes back to the TensorFlow before, or to none.
 * @returns what is in use then
 * @throws InnerloopError `nothing-to-undo` (status 2)
 */
export async function undoTensorFlow(): Promise<{ removed: string; current: InstalledTensorFlow | undefined }> {
  const root = tensorFlowStacks();
  return exclusively(root, async () => {
    const done = await removeStack(root);
    if (done === undefined)
      throw wrongCall("nothing-to-undo", `No TensorFlow is set up in ${root}; there is nothing to undo.`);
    return { removed: done.removed, current: installedTensorFlow() };
  });
}

function refuseSystem(stock: boolean): void {
  if (stock && process.platform === "darwin")
    throw wrongCall(
      "unsupported-system",
      "@tensorflow/tfjs-node-gpu needs CUDA, which macOS does not have; use the engine tfjs:webgpu, or build against pip's TensorFlow: innerloop setup tfjs-gpu.",
    );
  if (!stock && process.platform === "win32")
    throw wrongCall(
      "unsupported-system",
      "pip's TensorFlow for Windows brings no library to build against; take the stock package (--from stock), or call it in WSL 2.",
    );
}

interface Made {
  readonly what: string;
  readonly gpu: boolean;
  readonly needs: readonly string[];
}

async function make(
  folder: string,
  from: string | undefined,
  python: string | undefined,
  version: string,
  work: Work,
): Promise<Made> {
  if (from?.endsWith(".whl")) work.onMessage(`Unpacking the libraries of ${from} …`);
  const tensorflow = await findTensorFlow(from, python, folder, work.signal);
  await buildAddon(folder, tensorflow, version, work);
  const own = tensorFlowLibraries.map((file) => join(tensorflow.folder, file));
  return {
    what: `${tensorflow.cuda ? "for CUDA" : "for the processor"}, ${tensorflow.unpacked ? `out of ${from}` : `in ${tensorflow.folder}`}`,
    gpu: tensorflow.cuda,
    needs: [...(tensorflow.unpacked ? [] : own), ...tensorflow.nvidia],
  };
}

async function makeStock(folder: string, version: string, work: Work): Promise<Made> {
  await installStock(folder, version, work);
  return { what: `the stock package for CUDA 11`, gpu: true, needs: [] };
}

/** The project's own tfjs-core: the file that `require` takes, and its version. */
function tfjsCore(): { file: string; version: string } {
  const load = createRequire(createRequire(import.meta.url).resolve("@innerloop/train"));
  const { version } = load("@tensorflow/tfjs-core/package.json") as { version: string };
  return { file: load.resolve("@tensorflow/tfjs-core"), version };
}

interface Tried {
  readonly version: string;
  readonly gpu: boolean;
  readonly reason: string;
}

async function trial(folder: string, core: string, signal: AbortSignal): Promise<Tried> {
  const program = fileURLToPath(new URL("./try-tensorflow.js", import.meta.url));
  const ended = await runProgram(process.execPath, [program, join(folder, "index.cjs"), core], {
    cwd: folder,
    signal,
    env: { TF_CPP_MIN_LOG_LEVEL: "0" },
  });
  if (ended.status !== 0) throw failed("trial-failed", `It was built but does not work: ${wordsOf(ended)}`);
  const { version, gpu } = JSON.parse(lastLines(ended.stdout, 1)) as { version: string; gpu: boolean };
  return { version, gpu, reason: noGpu(ended.stderr) };
}

function wordsOf({ signal, stderr }: Ended): string {
  if (signal === "SIGILL")
    return "TensorFlow uses instructions that this processor does not have; install another version of it.";
  const errors = stderr
    .split("\n")
    .filter((line) => /^\s*(\w*Error:|E0|F0|.*error while loading)|cannot open/.test(line));
  const words = errors.slice(0, 4).join("\n").trim() || lastLines(stderr, 6);
  return `${signal ? `it ended with ${signal}` : "the trial said"}:\n${words}\nNothing was changed; try another version of TensorFlow.`;
}

/** Why TensorFlow uses no GPU, from what it said. */
function noGpu(log: string): string {
  if (missingLibraries(process.execPath, { also: ["libcuda.so.1"] }).some(({ name }) => name === "libcuda.so.1"))
    return "there is no NVIDIA driver (no libcuda.so.1); install it";
  if (/cuInit|no CUDA-capable device/.test(log)) return "the NVIDIA driver finds no GPU; nvidia-smi tells more";
  if (/Cannot dlopen some GPU libraries|Could not load dynamic library/.test(log))
    return "libraries of CUDA are missing; install them: pip install 'tensorflow[and-cuda]', then call this again";
  return "TensorFlow names no GPU; nvidia-smi tells whether the driver works";
}
