// Opens an engine by its name without asking first whether it works here; `open.ts` asks, and so do child processes.
import type { ProviderName } from "@innerloop/runtime/session";
import type { Engine, EngineOptions } from "./engine.ts";
import { openOnnxRuntime } from "./onnxruntime.ts";
import { type Backend, openTfjs } from "./tfjs.ts";

/** @param name `onnxruntime:<provider>` or `tfjs:<backend>` */
export function openByName(name: string, options: EngineOptions = {}): Promise<Engine> {
  const [family, device] = name.split(":");
  return family === "tfjs"
    ? openTfjs(device as Backend)
    : openOnnxRuntime({ ...options, provider: device as ProviderName });
}
