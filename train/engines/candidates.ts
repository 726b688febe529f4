// The engines in the order in which `auto` tries them, and how each is asked whether it works here: by looks at files first,
// then, for native code that may crash, by a trial in a process of its own.
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { listProviders, type ProviderName, type ProviderReport } from "@innerloop/runtime/session";
import { missingGpu, missingNvidia, nvidia, processor } from "./devices.ts";
import { brokenTensorFlow, installedTensorFlow } from "./installed.ts";
import { probe } from "./probe.ts";

/** What is known of one engine: where it is not available, why, and what would change that. */
export interface EngineReport {
  readonly name: string;
  readonly available: boolean;
  /** The version of what computes: ONNX Runtime's, TensorFlow's, TensorFlow.js's. */
  readonly version?: string;
  /** What it computes on, with the memory where that is known. */
  readonly device?: string;
  /** Why it is not available. */
  readonly reason?: string;
  /** What would make it available: a command where there is one. */
  readonly remedy?: string;
  /** Why `auto` does not take it although it works. */
  readonly onlyByName?: string;
}

/** An engine that there may be. */
export interface Candidate {
  readonly name: string;
  /** Why `auto` prefers it over what comes after it. */
  readonly strength: string;
  /** Why `auto` passes it over, where that is known without trying it. */
  unwanted(): string | undefined;
  check(): Promise<EngineReport>;
}

type Finding = Omit<EngineReport, "name">;

const load = createRequire(import.meta.url);

/** The version of a package; nothing where it is not installed. */
function versionOf(packageName: string): string | undefined {
  try {
    return (load(`${packageName}/package.json`) as { readonly version: string }).version;
  } catch {
    return undefined;
  }
}

const missing = (reason: string, remedy?: string): Finding => ({
  available: false,
  reason,
  ...(remedy === undefined ? {} : { remedy }),
});

const candidate = (
  name: string,
  strength: string,
  check: () => Promise<Finding> | Finding,
  unwanted: Candidate["unwanted"] = () => undefined,
): Candidate => ({ name, strength, unwanted, check: async () => ({ name, ...(await check()) }) });

/** Tried once in a process: ONNX Runtime is loaded anyway, and opening models on a GPU takes a while. */
let listed: Promise<readonly ProviderReport[]> | undefined;

async function findingOf(provider: ProviderName, device: string | undefined, remedy?: string): Promise<Finding> {
  listed ??= listProviders();
  const reports = await listed.catch((cause: Error) => cause);
  if (reports instanceof Error) return missing(reports.message, "npm install onnxruntime-node");
  const report = reports.find((it) => it.name === provider);
  if (!report?.available) return missing(report?.reason ?? "this version of ONNX Runtime does not have it", remedy);
  return { available: true, ...computing(versionOf("onnxruntime-node"), device) };
}

const computing = (version: string | undefined, device: string | undefined): Pick<Finding, "version" | "device"> => ({
  ...(version === undefined ? {} : { version }),
  ...(device === undefined ? {} : { device }),
});

/** What a trial in another process says. */
async function tried(name: string, version: string | undefined, remedy: string): Promise<Finding> {
  const found = await probe(name);
  if (!found.works) return { ...computing(version, undefined), ...missing(found.failure, remedy) };
  return {
    available: true,
    ...computing(found.version ?? version, found.device),
    ...(found.software ? { onlyByName: "a GPU in software is slower than the processor" } : {}),
  };
}

/** WebGPU inside ONNX Runtime: what it says of a failure is long, and the list of providers has the short words. */
async function onnxRuntimeOnWebgpu(): Promise<Finding> {
  const finding = await tried("onnxruntime:webgpu", versionOf("onnxruntime-node"), graphicsDriver);
  return finding.available ? finding : { ...finding, ...(await findingOf("webgpu", undefined, finding.remedy)) };
}

/** The runtime tells what its provider lacks: files, or libraries by name. */
async function cuda(): Promise<Finding> {
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
    const bin = join(dirname(load.resolve("onnxruntime-node/package.json")), "bin");
    const files = readdirSync(bin).map((api) => join(bin, api, "linux", "x64", "libonnxruntime_providers_cuda.so"));
    return files.some((file) => existsSync(file));
  } catch {
    return false;
  }
}

/** On Windows a TensorFlow of pip cannot be built against; the stock package works. */
const setUp = `innerloop setup tfjs-gpu${process.platform === "win32" ? " --from stock" : ""}`;

/**
 * TensorFlow's C library, from what was set up, or else from its npm package, which brings one of its own.
 * @param absent what is not there where neither is
 */
function tensorFlow(name: string, packageName: string, usable: boolean, absent: string): Promise<Finding> | Finding {
  const stack = usable ? installedTensorFlow() : undefined;
  if (stack) {
    const broken = brokenTensorFlow(stack);
    const version = computing(stack.version, undefined);
    return broken ? { ...version, ...missing(broken, stack.remedy) } : tried(name, stack.version, stack.remedy);
  }
  const version = versionOf(packageName);
  return version === undefined ? missing(absent, setUp) : tried(name, version, `npm rebuild ${packageName}`);
}

function tensorFlowOnGpu(): Promise<Finding> | Finding {
  const absent = missingNvidia();
  if (absent) return missing(absent, `install the NVIDIA driver, then ${setUp}`);
  const usable = installedTensorFlow()?.gpu ?? false;
  return tensorFlow("tfjs:node-gpu", "@tensorflow/tfjs-node-gpu", usable, "TensorFlow for NVIDIA GPUs is not set up");
}

const tensorFlowOnProcessor = (): Promise<Finding> | Finding =>
  tensorFlow("tfjs:tfjs-node", "@tensorflow/tfjs-node", true, "TensorFlow is not set up");

const webgpuPackages = ["webgpu", "@tensorflow/tfjs-backend-webgpu"] as const;

function webgpu(): Promise<Finding> | Finding {
  const absent = webgpuPackages.filter((name) => versionOf(name) === undefined);
  return absent.length > 0
    ? missing(
        `${absent.join(" and ")} ${absent.length > 1 ? "are" : "is"} not installed`,
        `npm install ${absent.join(" ")}`,
      )
    : tried("tfjs:webgpu", versionOf("@tensorflow/tfjs-backend-webgpu"), graphicsDriver);
}

const graphicsDriver =
  process.platform === "linux" ? "install the GPU's driver for Vulkan, and libvulkan1" : "install the GPU's driver";

/** A package of JavaScript or WebAssembly, which cannot take a process down. */
const packaged = (packageName: string) => (): Finding => {
  const version = versionOf(packageName);
  return version === undefined
    ? missing(`${packageName} is not installed`, `npm install ${packageName}`)
    : { available: true, ...computing(version, processor()) };
};

const onlyByName = "it is used only when it is asked for by name";

/** An engine that is used only when it is asked for. */
const byName = (provider: ProviderName, check: () => Promise<Finding>): Candidate =>
  candidate(
    `onnxruntime:${provider}`,
    "",
    async () => {
      const finding = await check();
      return finding.available ? { onlyByName, ...finding } : finding;
    },
    () => onlyByName,
  );

/** In the order in which `auto` tries them. */
export const candidates: readonly Candidate[] = [
  candidate("tfjs:node-gpu", "an NVIDIA GPU is there, and TensorFlow for it", tensorFlowOnGpu),
  candidate("onnxruntime:cuda", "an NVIDIA GPU is there, and ONNX Runtime's provider for it", cuda),
  candidate("tfjs:webgpu", "a GPU is there, and WebGPU for it", webgpu, missingGpu),
  candidate("onnxruntime:cpu", "the fastest on a processor", () => findingOf("cpu", processor())),
  candidate("tfjs:tfjs-node", "the fastest on a processor without ONNX Runtime", tensorFlowOnProcessor),
  candidate("tfjs:wasm", "the fastest on a processor without native code", packaged("@tensorflow/tfjs-backend-wasm")),
  candidate("tfjs:cpu", "plain JavaScript runs everywhere", packaged("@tensorflow/tfjs-backend-cpu")),
  byName("webgpu", onnxRuntimeOnWebgpu),
  byName("dml", () => findingOf("dml", undefined)),
  byName("coreml", () => findingOf("coreml", undefined)),
];
