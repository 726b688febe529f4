// The process that tries an engine: opens it, lets it compute, and says what it computes on.
import { input, op } from "@innerloop/graph";
import { openByName } from "./by-name.ts";
import { answerParent } from "./child.ts";
import { nvidia, processor, webgpuAdapter } from "./devices.ts";
import type { Probe } from "./probe.ts";

const name = process.argv[2]!;

async function deviceOf(): Promise<{ readonly device?: string; readonly software?: boolean }> {
  if (name === "tfjs:webgpu") return webgpuAdapter();
  // ONNX Runtime does not tell its adapter; the package does, where it is.
  if (name === "onnxruntime:webgpu") return webgpuAdapter().catch(() => ({}));
  if (name !== "tfjs:node-gpu") return { device: processor() };
  const device = await nvidia();
  return device === undefined ? {} : { device };
}

/** Whether TensorFlow has found a GPU; without one it computes on the processor and says nothing. */
async function usesGpu(): Promise<boolean> {
  const { backend } = await import("@tensorflow/tfjs-core");
  return (backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

await answerParent(async (): Promise<Probe> => {
  const device = await deviceOf();
  const engine = await openByName(name).catch((error: Error) => {
    // What went wrong, without what the engine makes of it: that is said once, by who asks.
    throw error.cause ?? error;
  });
  if (name === "tfjs:node-gpu" && !(await usesGpu()))
    return { works: false, failure: "TensorFlow finds no GPU that it can use" };
  const x = input("x", [2, 2]);
  const program = await engine.compile({ outputs: { y: op.MatMul(x, x) } });
  const { y } = await program.run({ x: { dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } });
  if ([...y!.data].join() !== "7,10,15,22")
    return { works: false, failure: `it computes wrong numbers: [[1, 2], [3, 4]] squared is [${[...y!.data]}]` };
  return { works: true, ...(engine.version === undefined ? {} : { version: engine.version }), ...device };
});
