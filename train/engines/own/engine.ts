// The engine over kernels of our own: graphs are written as ONNX, as for ONNX Runtime on the processor, which runs what they do not compute.
import type { Engine, EngineOptions, Graph, ProgramBytes } from "../engine.ts";
import { writingFor } from "../onnxruntime/writing.ts";
import { openNativePrograms } from "./program.ts";

/** Opens the engine `native`. */
export async function openNative({ convolution = "auto", ...options }: EngineOptions = {}): Promise<Engine> {
  const { name, load, upload, dispose } = await openNativePrograms(options);
  const { serialize } = writingFor("cpu", convolution);
  const prepare = async (graph: Graph): Promise<ProgramBytes> => ({ bytes: serialize(graph) });
  return {
    name,
    compile: async (graph) => load(serialize(graph)),
    upload,
    portable: { serialize, prepare, load },
    dispose,
  };
}
