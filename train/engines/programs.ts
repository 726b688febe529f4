// What opens programs from bytes, by the name of an engine whose programs can go to other threads. It loads that and no more, which
// would take a thread longer than opening its programs.
import type { ProviderName } from "@innerloop/runtime/session";
import type { ProgramOptions, Programs } from "./engine.ts";

export async function openProgramsOf(engine: string, options: ProgramOptions): Promise<Programs> {
  const [, provider] = engine.split(":");
  if (provider === undefined) return (await import("./own/program.ts")).openNativePrograms(options);
  return (await import("./onnxruntime/program.ts")).openPrograms(provider as ProviderName, options);
}
