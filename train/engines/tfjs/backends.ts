// How each backend of TensorFlow.js is started, what it says of itself, and what its failures mean. Nothing is loaded before
// it is asked for: native code (TensorFlow's addon, Dawn) can end the process, so others try it in a child process first.
import { createRequire } from "node:module";
import { InnerloopError } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";
import { brokenTensorFlow, installedTensorFlow, type TensorFlowModule } from "./installed.ts";
import type { GraphBackend } from "./recorded.ts";
import { registerTensorFlowKernels } from "./tensorflow.ts";
import { registerWasmKernels, type WasmBackend } from "./wasm/kernels.ts";
import { registerPlainKernels, registerRightKernels } from "./webgpu.ts";

type Tf = typeof Core;

/**
 * A backend by the name that engines have: TensorFlow on a GPU, WebGPU (Dawn), TensorFlow on the processor, WebAssembly,
 * plain JavaScript.
 */
export type Backend = "node-gpu" | "webgpu" | "tfjs-node" | "wasm" | "cpu";

/** What went wrong on a device, as engines report it. */
export interface Trouble {
  readonly code: "out-of-memory" | "device-lost" | "run-failed";
  readonly words: string;
}

/** A backend that runs. */
export interface Started {
  /** The name that TensorFlow.js has for it. */
  readonly registered: string;
  /** Of what computes: TensorFlow, Dawn, or TensorFlow.js itself. */
  readonly version: string;
  /** What it computes on, in words, where it says so. */
  readonly device?: string;
  /** Kernels are put into a queue, and reading a tensor waits for it. */
  readonly queues: boolean;
  /** What runs operations as one graph, where that is quicker. */
  readonly graphs?: GraphBackend;
  /** What a device said since the last call, which no kernel threw. */
  trouble?(): Trouble | undefined;
  /** After a failure: lets go of what is still to be sent to the device, and of memory that is kept for later tensors. */
  trim?(): void;
}

const starts: Readonly<Record<Backend, (tf: Tf) => Promise<Started>>> = {
  "node-gpu": (tf) => startTensorFlow(tf, true),
  webgpu: startWebGpu,
  "tfjs-node": (tf) => startTensorFlow(tf, false),
  async wasm(tf) {
    await import("@tensorflow/tfjs-backend-wasm");
    // The threads of the WebAssembly build start from a blob, which Node's worker threads do not take.
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    if (await tf.setBackend("wasm")) {
      const backend = tf.backend() as unknown as WasmBackend;
      refuseEmptyMemory(backend);
      registerWasmKernels(tf, backend);
    }
    return { registered: "wasm", version: tf.version_core, queues: false };
  },
  async cpu(tf) {
    await import("@tensorflow/tfjs-backend-cpu");
    return { registered: "cpu", version: tf.version_core, queues: false };
  },
};

/**
 * Starts a backend; repeating it is fine.
 * @throws InnerloopError `engine-unavailable` where it does not start
 */
export async function startBackend(backend: Backend): Promise<{ tf: Tf; started: Started }> {
  const tf = await import("@tensorflow/tfjs-core");
  // Keeps advice about other packages off the terminal, and leaves out checks that the engine has made.
  tf.env().set("PROD", true);
  try {
    const started = await starts[backend](tf);
    if (!(await tf.setBackend(started.registered))) throw new Error("the backend did not start");
    return { tf, started };
  } catch (cause) {
    throw new InnerloopError(
      "engine-unavailable",
      `The engine tfjs:${backend} does not start here: ${wordsOf(cause)}; run innerloop doctor for what would change that, or use the engine auto.`,
      { cause },
    );
  }
}

const guarded = new WeakSet<WasmBackend>();

/** Where there is no memory left, WebAssembly gives the address 0, and the backend would go on to write there. */
function refuseEmptyMemory(backend: WasmBackend): void {
  if (guarded.has(backend)) return;
  guarded.add(backend);
  const { wasm } = backend;
  // The first call puts another function in its place.
  wasm._free(wasm._malloc(1));
  const allocate = wasm._malloc;
  wasm._malloc = (bytes) => {
    const address = bytes < 2 ** 32 ? allocate(bytes) : 0;
    if (address === 0) throw new Error(`out of memory: WebAssembly has no ${bytes} bytes left`);
    return address;
  };
}

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message || cause.name : String(cause));

const require = createRequire(import.meta.url);

/** TensorFlow, which can be in a process once: with its GPU, or without. */
let tensorFlow: { readonly gpu: boolean; readonly started: Started } | undefined;

async function startTensorFlow(tf: Tf, gpu: boolean): Promise<Started> {
  tensorFlow ??= loadTensorFlow(tf, gpu);
  if (tensorFlow.gpu === gpu) return tensorFlow.started;
  throw new Error(
    gpu
      ? "TensorFlow finds no GPU that it can use, or runs without one in this process already"
      : "TensorFlow runs on the GPU in this process already",
  );
}

/** The TensorFlow that was set up, or the package that is installed; on the processor it is kept from seeing GPUs. */
function loadTensorFlow(tf: Tf, gpu: boolean): NonNullable<typeof tensorFlow> {
  const { CUDA_VISIBLE_DEVICES: visible } = process.env;
  // Errors only, unless it is asked to say more.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  if (!gpu) process.env.CUDA_VISIBLE_DEVICES = "-1";
  try {
    const { version, gpu: used } = registerTensorFlow(tf, gpu);
    registerTensorFlowKernels(tf);
    const device = used ? "NVIDIA GPU through CUDA" : "processor";
    const started: Started = { registered: "tensorflow", version, device, queues: used };
    if (used) return { gpu: used, started };
    // On a GPU operations are queued, and JavaScript waits for none; there it was not measured.
    return { gpu: used, started: { ...started, graphs: tf.findBackend("tensorflow") as unknown as GraphBackend } };
  } finally {
    if (visible !== undefined) process.env.CUDA_VISIBLE_DEVICES = visible;
    else if (!gpu) delete process.env.CUDA_VISIBLE_DEVICES;
  }
}

function registerTensorFlow(tf: Tf, gpu: boolean): { readonly version: string; readonly gpu: boolean } {
  const stack = installedTensorFlow();
  if (stack && (stack.gpu || !gpu)) {
    const broken = brokenTensorFlow(stack);
    if (broken) throw new Error(broken);
    return (require(stack.module) as TensorFlowModule).register(tf);
  }
  const name = gpu ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
  if (!isInstalled(name))
    throw new Error(`no TensorFlow${gpu ? " for GPUs" : ""} is set up, and ${name} is not installed`);
  // Node 23 took out two functions that the package calls.
  const util = require("node:util") as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  // It registers itself, with the TensorFlow.js that is already there.
  const { binding, isUsingGpuDevice } = (require(name) as StockPackage).backend();
  return { version: binding.TF_Version, gpu: isUsingGpuDevice };
}

/** What of the package tfjs-node is used here. */
interface StockPackage {
  backend(): { readonly binding: { readonly TF_Version: string }; readonly isUsingGpuDevice: boolean };
}

function isInstalled(packageName: string): boolean {
  try {
    require.resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** What of WebGPU and of its backend is used here. */
interface Gpu {
  requestAdapter(options: { powerPreference: string }): Promise<Adapter | null>;
}

interface Adapter {
  readonly info: Readonly<Record<"vendor" | "architecture" | "device" | "description", string>> & {
    /** It is a processor that plays a GPU. */
    readonly isFallbackAdapter?: boolean;
  };
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(options: { requiredLimits: Record<string, number> }): Promise<GpuDevice>;
}

interface GpuDevice {
  readonly lost: Promise<{ readonly message: string }>;
  addEventListener(
    type: "uncapturederror",
    listener: (event: {
      readonly error: { readonly message: string; readonly constructor: { readonly name: string } };
      preventDefault(): void;
    }) => void,
  ): void;
}

interface WebGpuBackend extends Core.KernelBackend {
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  readonly bufferManager: { readonly freeBuffers: Map<string, { destroy(): void }[]>; numFreeBuffers: number };
}

/** The limits that decide how large tensors are and how many one kernel takes. */
const limits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
];

let webGpu: { readonly started: Started; lost: boolean } | undefined;

/** WebGPU by Dawn, or what the host has of it; after a device was lost, a new one. */
async function startWebGpu(tf: Tf): Promise<Started> {
  if (webGpu?.lost) {
    tf.removeBackend("webgpu");
    webGpu = undefined;
  }
  webGpu ??= await openWebGpu(tf);
  return webGpu.started;
}

async function openWebGpu(tf: Tf): Promise<NonNullable<typeof webGpu>> {
  const { gpu, version } = await findGpu();
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  // Everything runs on the device: what is made of small tensors may be large, and they would come and go.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("WebGPU finds no device; on Linux it needs a Vulkan driver");
  const requiredLimits = Object.fromEntries(limits.map((name) => [name, adapter.limits[name]!]));
  const device = await adapter.requestDevice({ requiredLimits });
  const backend = new WebGPUBackend(device as never, adapter.info as never) as unknown as WebGpuBackend;
  tf.registerBackend("webgpu", () => backend);
  registerRightKernels(tf);
  if (adapter.info.isFallbackAdapter) registerPlainKernels(tf);
  const { vendor, description, device: model } = adapter.info;
  let trouble: Trouble | undefined;
  const opened: NonNullable<typeof webGpu> = {
    lost: false,
    started: {
      registered: "webgpu",
      version,
      queues: true,
      device: [vendor, description || model].filter(Boolean).join(", "),
      trouble() {
        const said = trouble;
        if (!opened.lost) trouble = undefined;
        return said;
      },
      trim() {
        // Tensors that commands still wait for are given back when these are sent off.
        backend.ensureCommandEncoderReady();
        backend.endComputePassEncoder();
        backend.submitQueue();
        const { bufferManager } = backend;
        for (const buffers of bufferManager.freeBuffers.values()) {
          for (const buffer of buffers) buffer.destroy();
          bufferManager.numFreeBuffers -= buffers.length;
          buffers.length = 0;
        }
        if (!opened.lost) trouble = undefined;
      },
    },
  };
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    // What follows a failure fails because of it.
    const { message, constructor: kind } = event.error;
    const code = kind.name === "GPUOutOfMemoryError" ? "out-of-memory" : codeOf(message);
    trouble ??= { code, words: message };
  });
  void device.lost.then(({ message }) => {
    opened.lost = true;
    trouble = { code: "device-lost", words: message };
  });
  return opened;
}

/** WebGPU of this host: its own where it has one, else Dawn's, which TensorFlow.js looks for among the globals. */
async function findGpu(): Promise<{ gpu: Gpu; version: string }> {
  const host = globalThis as { navigator?: { gpu?: Gpu } };
  if (host.navigator?.gpu) return { gpu: host.navigator.gpu, version: "of the host" };
  const { create, globals } = await import("webgpu");
  const gpu = create([]) as unknown as Gpu;
  Object.assign(globalThis, globals);
  const navigator = host.navigator ?? { userAgent: `Node.js/${process.versions.node.split(".")[0]}` };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  if (!host.navigator) Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  return { gpu, version: `Dawn ${versionOf("webgpu")}` };
}

function versionOf(packageName: string): string {
  const { version } = require(`${packageName}/package.json`) as { version: string };
  return version;
}

/** What a failure means, by what was thrown and by what the device said. */
export function troubleOf(cause: unknown, started: Started): Trouble {
  const words = wordsOf(cause);
  return started.trouble?.() ?? { code: codeOf(words), words };
}

/** What JavaScript, WebAssembly, Dawn and TensorFlow say where memory does not suffice, or where the device is gone. */
const saysMemory =
  /\bOOM\b|out.of.memory|resource exhausted|failed to allocate|allocation failed|typed array length|exceeds the max|larger than the maximum/i;
const saysLost = /CUDA_ERROR_|unspecified launch failure|GPU is lost|device (is|was) lost|^Aborted\(/i;

function codeOf(words: string): Trouble["code"] {
  if (saysMemory.test(words)) return "out-of-memory";
  return saysLost.test(words) ? "device-lost" : "run-failed";
}
