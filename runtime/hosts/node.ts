// The host Node: onnxruntime-node, files, and looks at the file system that say why a GPU cannot be used.
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { ProviderName } from "../host.ts";
import { badOption } from "../refusal.ts";
import { readDisk, writeDisk } from "./disk.ts";
import type { Host } from "./host.ts";
import { refuseOldNode } from "./node-version.ts";

refuseOldNode(process.versions.node);

export const host: Host = {
  remote: false,
  automatic: ["cuda", "webgpu", "cpu"],
  named: ["dml", "coreml"],
  load,
  async missing(provider, named) {
    if (!(await load()).listSupportedBackends().some((backend) => backend.name === provider))
      return `onnxruntime-node has no ${provider} provider for ${process.platform}-${process.arch}`;
    // Asking WebGPU itself would take longer, print to stderr when there is no graphics card, and accept a software
    // renderer, which is slower than the processor's provider.
    if (provider === "webgpu" && !named) return missingGpu();
    if (provider !== "cuda") return undefined;
    const library =
      process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";
    const bin = join(createRequire(here()).resolve("onnxruntime-node"), "..", "..", "bin");
    const candidates = list(bin).map((api) => join(bin, api, process.platform, process.arch, library));
    const file = candidates.find((path) => existsSync(path));
    if (file === undefined) return `onnxruntime-node is installed without ${library}`;
    // ONNX Runtime prints to stderr what is missing, and says less in its error.
    const { cudaProviderLoads, missingLibraries, showLibraries } = await import("./libraries.ts");
    if (missingLibraries(file).length === 0) return undefined;
    const missing = missingLibraries(file, { also: cudaProviderLoads });
    return `this machine lacks libraries that it needs: ${showLibraries(missing)}`;
  },
  // Measured on an H200: adapting conv4 to five images takes 13 ms on its processor and 220 ms by WebGPU, with either form of convolutions.
  unwanted: (provider) =>
    provider === "webgpu" ? (missingGpu() ?? "it is slower than the processor here; ask for it by name") : undefined,
  remedy: (provider) => remedies[provider] ?? "install onnxruntime-node again",
  settings(provider, { threads = 0, cuda = {} }) {
    // The libraries of CUDA read it when they are first used; the binding has no setting for it.
    if (provider === "cuda" && !cuda.tf32) process.env.NVIDIA_TF32_OVERRIDE ??= "0";
    return {
      executionProviders: [provider === "cuda" ? { name: provider, deviceId: cuda.device ?? 0 } : provider],
      enableCpuMemArena: true,
      intraOpNumThreads: threads,
      // Threads wait actively within a run only: by default they keep a core busy for some 40 ms after each.
      extra: { session: { force_spinning_stop: "1" } },
    };
  },
  within(folder, file) {
    if (!isUrl(folder)) return join(toPath(folder), file);
    const url = new URL(folder);
    url.pathname = url.pathname.replace(/\/?$/, `/${file}`);
    return url.href;
  },
  exists: async (folder) => isUrl(folder) || existsSync(toPath(folder)),
  // URLs are the exception in Node.
  read: async (place, what, bounds) =>
    isUrl(place)
      ? (await import("./http.ts")).readUrl(String(place), what, bounds)
      : readDisk(toPath(place), what, bounds),
  inPlace: async (place, bounds) =>
    isUrl(place) ? undefined : (await import("./in-place.ts")).leaveInPlace(toPath(place), bounds),
  tokenizers: () => import("./node-tokenizers.ts").then(({ load }) => load()),
  pictures: () => import("./node-pictures.ts"),
  write: (place, bytes) => writeDisk(toPath(place), bytes),
  sha256: async (bytes) => createHash("sha256").update(bytes).digest("hex"),
};

const remedies: Readonly<Partial<Record<ProviderName, string>>> = {
  cuda: "install the NVIDIA driver, CUDA 12 and cuDNN 9, and run npx innerloop setup cuda",
  webgpu: "install the graphics driver (on Linux with Vulkan: libvulkan1 and the driver's Vulkan package)",
};

async function load() {
  try {
    // Node's own realm, or that of a test runner?
    if (runInThisContext("Float32Array") !== Float32Array)
      return (await import("./other-realm.ts")).loadAcrossRealms(here());
    return (await import("onnxruntime-node")).default;
  } catch (cause) {
    throw new InnerloopError(
      "onnxruntime-missing",
      `onnxruntime-node could not be loaded on ${process.platform}-${process.arch}, Node ${process.version} ` +
        `(${(cause as Error).message}); it runs the models; install it: npm install onnxruntime-node; where that fails for ` +
        "want of a download, which only CUDA needs, set ONNXRUNTIME_NODE_INSTALL=skip and call it again",
      { cause },
    );
  }
}

/** The file from which ONNX Runtime is found; an application that was bundled as CommonJS has only its folder. */
function here(): string {
  return import.meta.url ?? join(process.cwd(), "index.js");
}

function missingGpu(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const device = list("/dev/dri").some((entry) => entry.startsWith("renderD")) || existsSync("/dev/nvidia0");
  if (!device) return "there is no graphics card (no /dev/dri/renderD* and no /dev/nvidia0)";
  const folders = [
    ...(process.env.LD_LIBRARY_PATH ?? "").split(delimiter),
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
  ];
  const vulkan = folders.some((folder) => existsSync(join(folder, "libvulkan.so.1")));
  return vulkan ? undefined : "the Vulkan loader libvulkan.so.1 was not found";
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isUrl(place: string | URL): boolean {
  return /^https?:/i.test(String(place));
}

/** The path that a caller gave as text, or as a `file:` URL or its text. */
function toPath(place: string | URL): string {
  const text = String(place);
  if (!/^file:/i.test(text)) return text;
  try {
    return fileURLToPath(text);
  } catch {
    throw badOption(`${place} was given, which names no file of this machine; give a path or file:///…`);
  }
}
