// The engine over ONNX Runtime: a graph is written as ONNX and opened as a session of the runtime room, so that training
// runs on what the device runs on.
import type { ProviderName } from "@innerloop/runtime/session";
import type { Engine, EngineOptions } from "../engine.ts";
import { openPrograms } from "./program.ts";
import { engineOf } from "./writing.ts";

/**
 * Opens the engine `onnxruntime:<provider>`; `cpu` unless said. Sessions are opened when programs are compiled or loaded.
 * @param options `threads` are those of each program's session; `convolution` is what suits the provider unless given
 */
export async function openOnnxRuntime({
  provider = "cpu",
  convolution = "auto",
  ...options
}: EngineOptions & { readonly provider?: ProviderName } = {}): Promise<Engine> {
  return engineOf(await openPrograms(provider, options), provider, { convolution });
}
