// How graphs are written for a provider: as plain ONNX, in the forms that are likely the quickest there.
import { type ConvolutionForm, onnxTargetFor, writeOnnx } from "@innerloop/graph";
import type { ProviderName } from "@innerloop/runtime/session";
import type { Graph } from "../engine.ts";
import { machineHere } from "../machine.ts";

/** Writes graphs for a provider, and says by what. */
export interface Writing {
  readonly how: Readonly<Record<string, string>>;
  serialize(graph: Graph): Uint8Array;
}

export function writingFor(provider: ProviderName, convolution: ConvolutionForm | "auto"): Writing {
  // They were measured on the processor.
  const costs = provider === "cpu" && convolution === "auto" ? machineHere()?.machine.forms : undefined;
  return {
    how: { provider, convolution, costs: JSON.stringify(costs ?? null) },
    serialize: ({ outputs, initializers, inputs, precision }) =>
      writeOnnx(outputs, {
        target: onnxTargetFor(provider, {
          convolution,
          ...(precision ? { precision } : {}),
          ...(costs ? { costs } : {}),
        }),
        ...(initializers ? { initializers } : {}),
        ...(inputs ? { inputs } : {}),
        ...(precision ? { precision } : {}),
      }),
  };
}
