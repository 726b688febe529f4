// What engines compute on, in words: the processor, an NVIDIA GPU, or what WebGPU finds.
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { promisify } from "node:util";

const gigabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 30)} GB`;

/** The memory that this process may have, in bytes: the machine's, or what a container leaves of it. */
export function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** `Intel Xeon …, 2 threads, 8 GB`. */
export function processor(): string {
  const model = cpus()[0]?.model.replaceAll(/\s+/g, " ").trim();
  return `${model || process.arch}, ${availableParallelism()} threads, ${gigabytes(machineMemory())}`;
}

/** Why there can be no GPU, as far as device files tell; nothing where they do not. */
export function missingGpu(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const drawing = existsSync("/dev/dri") && readdirSync("/dev/dri").some((name) => name.startsWith("renderD"));
  if (drawing || existsSync("/dev/nvidia0") || existsSync("/dev/dxg")) return undefined;
  return "there is no GPU (no /dev/dri/renderD*, /dev/nvidia0 or /dev/dxg)";
}

/** Why there can be no NVIDIA GPU, as far as device files tell. */
export function missingNvidia(): string | undefined {
  if (process.platform !== "linux" || existsSync("/dev/nvidia0") || existsSync("/dev/dxg")) return undefined;
  return "there is no NVIDIA GPU (no /dev/nvidia0)";
}

let asked: Promise<string | undefined> | undefined;

/** `NVIDIA H100, 80 GB`; nothing where the driver's `nvidia-smi` does not tell. */
export function nvidia(): Promise<string | undefined> {
  asked ??= promisify(execFile)("nvidia-smi", ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"], {
    timeout: 10_000,
  }).then(
    ({ stdout }) => {
      const [name, mebibytes] = stdout
        .split("\n")[0]!
        .split(",")
        .map((field) => field.trim());
      return name ? `${name}, ${gigabytes(Number(mebibytes) * 2 ** 20)}` : undefined;
    },
    () => undefined,
  );
  return asked;
}

/** The parts of WebGPU that tell which GPU it is. */
interface Adapters {
  requestAdapter(options: object): Promise<{
    readonly info: {
      readonly vendor: string;
      readonly architecture: string;
      readonly description: string;
      readonly isFallbackAdapter?: boolean;
    };
  } | null>;
}

/** What WebGPU computes on; `software` where that is the processor, drawn as if it were a GPU. */
export interface Adapter {
  readonly device: string;
  readonly software: boolean;
}

/**
 * What WebGPU finds, by the package `webgpu`, which is optional. It loads native code: call it in a child process.
 * @throws Error where the package or its native code does not load, or finds nothing
 */
export async function webgpuAdapter(): Promise<Adapter> {
  // Optional, so it is named in a way that the compiler does not look for.
  const { create } = (await import(["web", "gpu"].join(""))) as { create(flags: readonly string[]): Adapters };
  const adapter = await create([]).requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("WebGPU finds no GPU that it can use");
  const { vendor, architecture, description, isFallbackAdapter = false } = adapter.info;
  const name = description || `${vendor} ${architecture}`.trim() || "a GPU without a name";
  const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${name} ${architecture}`);
  if (software) return { device: `${name}, in software`, software };
  return { device: (vendor === "nvidia" ? await nvidia() : undefined) ?? name, software };
}
