// The engine over kernels of our own: graphs are written as ONNX, as for ONNX Runtime on the processor, which runs what they do not compute,
// and what is in float16.
import type { Engine, EngineOptions } from "../engine.ts";
import { engineOf } from "../onnxruntime/writing.ts";
import { name, openNativePrograms } from "./program.ts";

/** Opens the engine `native`. */
export const openNative = async ({ convolution = "auto", ...options }: EngineOptions = {}): Promise<Engine> =>
  engineOf(await openNativePrograms(options), "cpu", convolution, { engine: name });
