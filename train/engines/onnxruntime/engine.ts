// The engine over ONNX Runtime: a graph is written as ONNX and opened as a session of the runtime room, so that training
// runs on what the device runs on.
import type { ProviderName } from "@innerloop/runtime/session";
import type { Engine, EngineOptions, Graph, ProgramBytes } from "../engine.ts";
import { keptOrWritten } from "./kept/programs.ts";
import { openPrograms } from "./program.ts";
import { writingFor } from "./writing.ts";

/**
 * Opens the engine `onnxruntime:<provider>`; `cpu` unless said. Sessions are opened when programs are compiled or loaded.
 * @param options `threads` are those of each program's session; `convolution` is what suits the provider unless given
 */
export async function openOnnxRuntime({
  provider = "cpu",
  convolution = "auto",
  ...options
}: EngineOptions & { readonly provider?: ProviderName } = {}): Promise<Engine> {
  const { name, load, upload, dispose } = await openPrograms(provider, options);
  const { how, serialize } = writingFor(provider, convolution);
  const prepare = (graph: Graph): Promise<ProgramBytes> => keptOrWritten(graph, how, () => serialize(graph));
  return {
    name,
    float16: true,
    compile: async (graph) => load(await prepare(graph)),
    upload,
    portable: { serialize, prepare, load },
    dispose,
  };
}
