// The engine over kernels of our own: graphs are written as ONNX, as for ONNX Runtime on the processor, which runs what they do not compute,
// and what is in float16.
import type { Engine, EngineOptions } from "../engine.ts";
import { engineOf } from "../onnxruntime/writing.ts";
import { name, openNativePrograms } from "./program.ts";

/**
 * What products at points have to save. Products here read windows where they lie, and so pay for no columns; those at points are small, and all of it goes to memory and
 * back between them.
 */
const pointsGain = 3;

/** Opens the engine `native`. */
export const openNative = async ({ convolution = "auto", ...options }: EngineOptions = {}): Promise<Engine> =>
  engineOf(await openNativePrograms(options), "cpu", { convolution, pointsGain }, { engine: name });
