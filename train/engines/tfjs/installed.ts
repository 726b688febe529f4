// Where the TensorFlow lies that `innerloop setup tfjs-gpu` prepared, for the engines tfjs:node-gpu and tfjs:tfjs-node.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type * as Core from "@tensorflow/tfjs-core";

/** A TensorFlow that was set up. */
export interface InstalledTensorFlow {
  /** The folder of the stack. */
  readonly folder: string;
  /** The path of a CommonJS module, for `require`: a {@link TensorFlowModule}. */
  readonly module: string;
  /** The version of TensorFlow, such as "2.21.0". */
  readonly version: string;
  /** Whether it is a TensorFlow for NVIDIA GPUs. Whether it finds one is what `register` tells. */
  readonly gpu: boolean;
  /** What it is, in words. */
  readonly what: string;
  /** Files that it links to instead of holding them: the libraries of a Python environment. */
  readonly needs: readonly string[];
  /** The command that makes it again. */
  readonly remedy: string;
}

/**
 * What {@link InstalledTensorFlow.module} exports. Loading the module loads nothing native yet; `register` does.
 *
 * The stack holds tfjs-node's kernels and its addon, and no TensorFlow.js of its own: the kernels are registered in the
 * tfjs-core that is handed over, which so stays the only one.
 *
 * ```ts
 * const tf = await import("@tensorflow/tfjs-core");
 * const stack = installedTensorFlow();
 * if (stack) {
 *   const { gpu } = (createRequire(import.meta.url)(stack.module) as TensorFlowModule).register(tf);
 *   await tf.setBackend("tensorflow");
 * }
 * ```
 */
export interface TensorFlowModule {
  /**
   * Loads the addon and registers the backend "tensorflow" and its kernels. A native library that is broken can end the
   * process, so this is to be tried in another process first. Repeating it is fine.
   * @returns the version of TensorFlow, and whether it computes on a GPU
   */
  register(tf: typeof Core): { readonly version: string; readonly gpu: boolean };
}

/** The folder of what was set up: `INNERLOOP_HOME`, or `.innerloop` in the user's home folder. */
export const innerloopHome = (): string => process.env.INNERLOOP_HOME || join(homedir(), ".innerloop");

/** The folder of all TensorFlow stacks; its file `current.json` names those that work, the one in use last. */
export const tensorFlowStacks = (): string => join(innerloopHome(), "stacks", "tensorflow");

/** The TensorFlow that is set up, or undefined where there is none. It is not tried here. */
export function installedTensorFlow(): InstalledTensorFlow | undefined {
  const root = tensorFlowStacks();
  const id = jsonOf<{ stacks: readonly string[] }>(join(root, "current.json"))?.stacks.at(-1);
  if (id === undefined) return undefined;
  const folder = join(root, id);
  const facts = jsonOf<Omit<InstalledTensorFlow, "folder" | "module">>(join(folder, "stack.json"));
  return facts && { ...facts, folder, module: join(folder, "index.cjs") };
}

/** Why a stack can no longer work, so far as files tell: those that it links to are gone. Undefined where all are there. */
export function brokenTensorFlow({ needs, remedy }: InstalledTensorFlow): string | undefined {
  const gone = needs.find((file) => !existsSync(file));
  return gone === undefined
    ? undefined
    : `${gone}, which the TensorFlow that was set up uses, is no longer there; put it back, or run ${remedy}`;
}

function jsonOf<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch {
    return undefined;
  }
}
