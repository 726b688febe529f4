// The engines of ONNX Runtime, one for each of its providers.
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { listProviders, type ProviderName, type ProviderReport } from "@innerloop/runtime/session";
import { missingNvidia, nvidia, processor, webgpuAdapter } from "../choose/devices.ts";
import type { EngineEntry, Finding } from "../choose/entry.ts";
import { computing, graphicsDriver, missing, tried, versionOf } from "../choose/finding.ts";
import { openOnnxRuntime } from "./engine.ts";

/** Tried once in a process: ONNX Runtime is loaded anyway, and opening models on a GPU takes a while. */
let listed: Promise<readonly ProviderReport[]> | undefined;

async function findingOf(provider: ProviderName, device: string | undefined, remedy?: string): Promise<Finding> {
  listed ??= listProviders();
  const reports = await listed.catch((cause: Error) => cause);
  if (reports instanceof Error) return missing(reports.message, "npm install onnxruntime-node");
  const report = reports.find((report) => report.name === provider);
  if (!report?.available) return missing(report?.reason ?? "this version of ONNX Runtime does not have it", remedy);
  return { available: true, ...computing(versionOf("onnxruntime-node"), device) };
}

/** WebGPU inside ONNX Runtime: what it says of a failure is long, and the list of providers has the short words. */
async function checkWebgpu(): Promise<Finding> {
  const finding = await tried(webgpu.name, versionOf("onnxruntime-node"), graphicsDriver);
  return finding.available ? finding : { ...finding, ...(await findingOf("webgpu", undefined, finding.remedy)) };
}

/** The runtime tells what its provider lacks: files, or libraries by name. */
async function checkCuda(): Promise<Finding> {
  const absent = missingNvidia();
  const finding = await findingOf("cuda", await nvidia(), cudaRemedy(absent !== undefined));
  return finding.available || !absent ? finding : { ...finding, reason: `${absent}, and ${finding.reason}` };
}

function cudaRemedy(noDriver: boolean): string | undefined {
  // Elsewhere onnxruntime-node does not take the provider.
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  if (hasCudaProvider()) return "install what is named";
  return noDriver ? "install the NVIDIA driver, then innerloop setup cuda" : "innerloop setup cuda";
}

function hasCudaProvider(): boolean {
  try {
    const bin = join(dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json")), "bin");
    const files = readdirSync(bin).map((api) => join(bin, api, "linux", "x64", "libonnxruntime_providers_cuda.so"));
    return files.some((file) => existsSync(file));
  } catch {
    return false;
  }
}

const on = (provider: ProviderName, entry: Omit<EngineEntry, "name" | "open">): EngineEntry => ({
  name: `onnxruntime:${provider}`,
  open: (options) => openOnnxRuntime({ ...options, provider }),
  ...entry,
});

const onlyByName = "it is used only when it is asked for by name";

/** An engine that is used only when it is asked for. */
const byName = (
  provider: ProviderName,
  entry: Omit<EngineEntry, "name" | "open" | "strength" | "unwanted">,
): EngineEntry =>
  on(provider, {
    ...entry,
    strength: "",
    unwanted: () => onlyByName,
    check: async () => {
      const finding = await entry.check();
      return finding.available ? { onlyByName, ...finding } : finding;
    },
  });

export const cuda = on("cuda", {
  strength: "an NVIDIA GPU is there, and ONNX Runtime's provider for it",
  traits: { losable: true, float16: "" },
  check: checkCuda,
});

export const cpu = on("cpu", {
  strength: "the fastest on a processor",
  traits: { workers: true, everywhere: true },
  check: () => findingOf("cpu", processor()),
});

export const webgpu: EngineEntry = byName("webgpu", {
  traits: { losable: true, float16: "on a GPU that has shader-f16" },
  check: checkWebgpu,
  // ONNX Runtime does not tell its adapter; the package does, where it is.
  trial: { device: () => webgpuAdapter().catch(() => ({})) },
});

export const dml = byName("dml", { traits: { losable: true }, check: () => findingOf("dml", undefined) });

export const coreml = byName("coreml", { traits: { losable: true }, check: () => findingOf("coreml", undefined) });
