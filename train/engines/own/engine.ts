// The engine over kernels of our own: graphs are written as ONNX, as for ONNX Runtime on the processor, which runs what they do not compute.
import type { Engine, EngineOptions, Graph, ProgramBytes } from "../engine.ts";
import { keptOrWritten } from "../onnxruntime/kept/programs.ts";
import { writingFor } from "../onnxruntime/writing.ts";
import { openNativePrograms } from "./program.ts";

/** Opens the engine `native`. */
export async function openNative({ convolution = "auto", ...options }: EngineOptions = {}): Promise<Engine> {
  const { name, load, upload, dispose } = await openNativePrograms(options);
  const { how, serialize } = writingFor("cpu", convolution);
  const prepare = (graph: Graph): Promise<ProgramBytes> =>
    keptOrWritten(graph, { ...how, engine: name }, () => serialize(graph));
  return {
    name,
    // By ONNX Runtime.
    float16: true,
    compile: async (graph) => load(await prepare(graph)),
    upload,
    portable: { serialize, prepare, load },
    dispose,
  };
}
