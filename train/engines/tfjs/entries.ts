// The engines of TensorFlow.js, one for each of its backends.
import { missingGpu, missingNvidia, nvidia, webgpuAdapter } from "../choose/devices.ts";
import type { EngineEntry, Finding } from "../choose/entry.ts";
import { computing, graphicsDriver, missing, packaged, tried, versionOf } from "../choose/finding.ts";
import type { Backend } from "./backends.ts";
import { openTfjs } from "./engine.ts";
import { brokenTensorFlow, installedTensorFlow } from "./installed.ts";

/** On Windows a TensorFlow of pip cannot be built against; the stock package works. */
const setUp = `innerloop setup tfjs-gpu${process.platform === "win32" ? " --from stock" : ""}`;

/**
 * TensorFlow's C library, from what was set up, or else from its npm package, which brings one of its own.
 * @param absent what is not there where neither is
 */
function checkTensorFlow(
  name: string,
  packageName: string,
  usable: boolean,
  absent: string,
): Promise<Finding> | Finding {
  const stack = usable ? installedTensorFlow() : undefined;
  if (stack) {
    const broken = brokenTensorFlow(stack);
    const version = computing(stack.version, undefined);
    return broken ? { ...version, ...missing(broken, stack.remedy) } : tried(name, stack.version, stack.remedy);
  }
  const version = versionOf(packageName);
  return version === undefined ? missing(absent, setUp) : tried(name, version, `npm rebuild ${packageName}`);
}

function checkNodeGpu(): Promise<Finding> | Finding {
  const absent = missingNvidia();
  if (absent) return missing(absent, `install the NVIDIA driver, then ${setUp}`);
  const usable = installedTensorFlow()?.gpu ?? false;
  const words = "TensorFlow for NVIDIA GPUs is not set up";
  return checkTensorFlow(nodeGpu.name, "@tensorflow/tfjs-node-gpu", usable, words);
}

/** Whether TensorFlow has found a GPU; without one it computes on the processor and says nothing. */
async function usesGpu(): Promise<boolean> {
  const { backend } = await import("@tensorflow/tfjs-core");
  return (backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

const webgpuPackages = ["webgpu", "@tensorflow/tfjs-backend-webgpu"] as const;

function checkWebgpu(): Promise<Finding> | Finding {
  const absent = webgpuPackages.filter((name) => versionOf(name) === undefined);
  return absent.length > 0
    ? missing(
        `${absent.join(" and ")} ${absent.length > 1 ? "are" : "is"} not installed`,
        `npm install ${absent.join(" ")}`,
      )
    : tried(webgpu.name, versionOf("@tensorflow/tfjs-backend-webgpu"), graphicsDriver);
}

const on = (backend: Backend, entry: Omit<EngineEntry, "name" | "open">): EngineEntry => ({
  name: `tfjs:${backend}`,
  open: (options) => openTfjs(backend, options),
  ...entry,
});

export const nodeGpu: EngineEntry = on("node-gpu", {
  strength: "an NVIDIA GPU is there, and TensorFlow for it",
  traits: { losable: true },
  check: checkNodeGpu,
  trial: {
    async device() {
      const device = await nvidia();
      return device === undefined ? {} : { device };
    },
    fault: async () => ((await usesGpu()) ? undefined : "TensorFlow finds no GPU that it can use"),
  },
});

export const webgpu: EngineEntry = on("webgpu", {
  strength: "a GPU is there, and WebGPU for it",
  traits: { losable: true },
  unwanted: missingGpu,
  check: checkWebgpu,
  trial: { device: webgpuAdapter },
});

export const tfjsNode: EngineEntry = on("tfjs-node", {
  strength: "the fastest on a processor without ONNX Runtime",
  traits: { losable: true },
  check: () => checkTensorFlow(tfjsNode.name, "@tensorflow/tfjs-node", true, "TensorFlow is not set up"),
});

export const wasm = on("wasm", {
  strength: "the fastest on a processor without native code",
  traits: { everywhere: true },
  check: packaged("@tensorflow/tfjs-backend-wasm"),
});

export const cpu = on("cpu", {
  strength: "plain JavaScript runs everywhere",
  traits: { everywhere: true },
  check: packaged("@tensorflow/tfjs-backend-cpu"),
});
