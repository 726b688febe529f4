// An engine whose graphs are written as plain ONNX, in the forms that are likely the quickest for a provider.
import { onnxTargetFor, type ProviderTargetOptions, writeOnnx } from "@innerloop/graph";
import type { ProviderName } from "@innerloop/runtime/session";
import type { Engine, Graph, ProgramBytes, Programs } from "../engine.ts";
import { machineHere } from "../machine.ts";
import { keptOrWritten } from "./kept/programs.ts";

/**
 * @param programs what opens the bytes
 * @param forms which forms are taken
 * @param apart what tells the programs that are kept for it from those of others
 */
export function engineOf(
  { name, add, load, upload, dispose }: Programs,
  provider: ProviderName,
  { convolution = "auto", ...forms }: Pick<ProviderTargetOptions, "convolution" | "pointsGain">,
  apart: Readonly<Record<string, string>> = {},
): Engine {
  // They were measured on the processor.
  const costs = provider === "cpu" && convolution === "auto" ? machineHere()?.machine.forms : undefined;
  const how = { provider, convolution, forms: JSON.stringify({ ...forms, costs }), ...apart };
  const serialize = ({ outputs, initializers, inputs, precision }: Graph): Uint8Array =>
    writeOnnx(outputs, {
      target: onnxTargetFor(provider, {
        convolution,
        ...forms,
        ...(precision ? { precision } : {}),
        ...(costs ? { costs } : {}),
      }),
      ...(initializers ? { initializers } : {}),
      ...(inputs ? { inputs } : {}),
      ...(precision ? { precision } : {}),
    });
  const prepare = (graph: Graph): Promise<ProgramBytes> => keptOrWritten(graph, how, () => serialize(graph));
  return {
    name,
    float16: true,
    compile: async (graph) => load(await prepare(graph)),
    upload,
    portable: { serialize, prepare, load, ...(add ? { add } : {}) },
    dispose,
  };
}
