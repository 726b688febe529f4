// Which engines there are here, which one `auto` takes, and why; a named engine is used or refused, never replaced.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { listProviders, type ProviderName } from "@innerloop/runtime/session";
import { InnerloopError } from "@innerloop/schemas";
import type { Engine, EngineOptions } from "./engine.ts";
import { openOnnxRuntime } from "./onnxruntime.ts";
import { type Backend, openTfjs } from "./tfjs.ts";

/** What {@link listEngines} says of one engine: where it is not available, why, and what would change that. */
export interface EngineReport {
  readonly name: string;
  readonly available: boolean;
  readonly reason?: string;
  readonly remedy?: string;
}

/** An engine, why it was chosen, and why the others were not. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly reason: string;
  readonly rejected: readonly { readonly name: string; readonly reason: string }[];
}

interface Candidate {
  readonly name: string;
  /** Why `auto` prefers it over what comes after it. */
  readonly strength: string;
  /** False for what is used only when it is asked for. */
  readonly automatic: boolean;
  check(): Promise<EngineReport>;
  open(options: EngineOptions): Promise<Engine>;
}

const onnxRuntime = (provider: ProviderName, strength: string, remedy: string, automatic = true): Candidate => {
  const name = `onnxruntime:${provider}`;
  return {
    name,
    strength,
    automatic,
    async check() {
      const listed = await listProviders().catch(messageOf);
      if (typeof listed === "string") return { name, available: false, reason: listed, remedy };
      const report = listed.find((it) => it.name === provider);
      return report?.available
        ? { name, available: true }
        : { name, available: false, reason: report?.reason ?? "ONNX Runtime does not list it", remedy };
    },
    open: (options) => openOnnxRuntime({ ...options, provider }),
  };
};

const { resolve } = createRequire(import.meta.url);

function isInstalled(packageName: string): boolean {
  try {
    resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

const tfjs = (backend: Backend, strength: string, problem: () => Promise<Omit<EngineReport, "name">>): Candidate => ({
  name: `tfjs:${backend}`,
  strength,
  automatic: true,
  check: async () => ({ name: `tfjs:${backend}`, ...(await problem()) }),
  open: () => openTfjs(backend),
});

const packaged = (packageName: string) => async () =>
  isInstalled(packageName)
    ? { available: true }
    : { available: false, reason: `${packageName} is not installed`, remedy: `run npm install ${packageName}` };

const gpuPackage = "@tensorflow/tfjs-node-gpu";

/** Whether TensorFlow for NVIDIA GPUs works; its addon is loaded in another process, which it may take down. */
async function gpuProblem(): Promise<Omit<EngineReport, "name">> {
  const no = (reason: string, remedy: string) => ({ available: false, reason, remedy });
  if (!isInstalled(gpuPackage))
    return no(
      `${gpuPackage} is not installed`,
      `with an NVIDIA GPU, CUDA 11 and cuDNN 8, run npm install ${gpuPackage}`,
    );
  if (process.platform === "linux" && !existsSync("/dev/nvidia0"))
    return no("there is no NVIDIA GPU (no /dev/nvidia0)", "install the NVIDIA driver");
  const script = `const tf = require(${JSON.stringify(resolve(gpuPackage))}); console.log(tf.backend().isUsingGpuDevice)`;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { timeout: 60_000 });
    if (stdout.trim().endsWith("true")) return { available: true };
    return no("TensorFlow finds no GPU that it can use", "install the NVIDIA driver, CUDA 11 and cuDNN 8");
  } catch (cause) {
    const words = cause instanceof Error ? cause.message.trim().split("\n").at(-1) : String(cause);
    return no(`its addon does not load: ${words}`, `run npm rebuild ${gpuPackage} --build-addon-from-source`);
  }
}

/** In the order in which `auto` tries them. */
const candidates: readonly Candidate[] = [
  tfjs("node-gpu", "a GPU is there, and TensorFlow for it", gpuProblem),
  onnxRuntime(
    "cuda",
    "a GPU is there",
    "install the NVIDIA driver, CUDA 12 and cuDNN 9, then run ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js",
  ),
  onnxRuntime("cpu", "the fastest on a processor", "run npm install onnxruntime-node"),
  tfjs("wasm", "the fastest on a processor without ONNX Runtime", packaged("@tensorflow/tfjs-backend-wasm")),
  tfjs("cpu", "plain JavaScript runs everywhere", packaged("@tensorflow/tfjs-backend-cpu")),
  onnxRuntime("webgpu", "", "install the graphics driver (on Linux with Vulkan)", false),
];

/**
 * Opens an engine.
 * @param name `auto`, a family (`onnxruntime`, `tfjs`) whose best is taken, or one engine (`onnxruntime:cpu`, `tfjs:wasm`, …)
 * @throws InnerloopError `unknown-engine`; `engine-unavailable` with the cause and what to do
 */
export async function openEngine(name = "auto", options: EngineOptions = {}): Promise<OpenedEngine> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw new InnerloopError("bad-option", `threads is ${threads}; expected a whole number from 1; correct it.`, {
      exitStatus: 2,
    });
  const exact = candidates.find((it) => it.name === name);
  if (exact) return { engine: await openNamed(exact, options), reason: "asked for by name", rejected: [] };
  const family = candidates.filter((it) => it.automatic && (name === "auto" || it.name.startsWith(`${name}:`)));
  if (family.length === 0)
    throw new InnerloopError(
      "unknown-engine",
      `The engine "${name}" was asked for; known are auto, onnxruntime, tfjs, ${candidates.map((it) => it.name).join(", ")}; choose one of them.`,
      { exitStatus: 2 },
    );
  const rejected: { name: string; reason: string }[] = [];
  for (const [i, candidate] of family.entries()) {
    const report = await candidate.check();
    const engine = report.available
      ? await candidate.open(options).catch(messageOf)
      : (report.reason ?? "not available");
    if (typeof engine === "string") {
      rejected.push({ name: candidate.name, reason: engine });
      continue;
    }
    const slower = family.slice(i + 1).map((it) => ({ name: it.name, reason: `slower than ${candidate.name}` }));
    return { engine, reason: candidate.strength, rejected: [...rejected, ...slower] };
  }
  throw new InnerloopError(
    "engine-unavailable",
    `No engine works here: ${rejected.map((it) => `${it.name}: ${it.reason}`).join("; ")}; run npm install again.`,
  );
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

async function openNamed(candidate: Candidate, options: EngineOptions): Promise<Engine> {
  const report = await candidate.check();
  if (report.available) return candidate.open(options);
  throw new InnerloopError(
    "engine-unavailable",
    `The engine ${candidate.name} was asked for and does not work here: ${report.reason}; ${report.remedy ?? "run npm install again"}, or use the engine auto.`,
  );
}

/** Every engine by name, in the order in which `auto` tries them, with what keeps it from working here. */
export const listEngines = (): Promise<EngineReport[]> => Promise.all(candidates.map((it) => it.check()));
