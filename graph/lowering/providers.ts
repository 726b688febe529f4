// How graphs are written for each execution provider of ONNX Runtime: one table, for training and for bundles.

import type { Target } from "./lower.ts";
import { type OnnxTargetOptions, onnxTarget } from "./onnx.ts";
import { exactTrigonometry, powerOfOneShape } from "./webgpu.ts";

/** How convolutions are written: `columns`, Gather and MatMul; `native`, Conv and ConvTranspose. */
export type ConvolutionForm = NonNullable<OnnxTargetOptions["convolution"]>;

/**
 * What convolutions are written as, by provider; `columns` for one that is not here.
 *
 * - `cpu`, `wasm`: columns take half the time for 64 filters, as long for few (measured on cpu).
 * - `webgpu`: native, which needs no columns of all tasks at once. Measured on a device in software: four tasks of conv4 take
 *   two thirds of the time, one task as long.
 * - `cuda`, `dml`: native, which their libraries are made for; not measured. Tasks with weights of their own are groups of
 *   channels, as PyTorch and JAX write them; where a GPU is slow at these, `columns` are batched products.
 * - `coreml`: columns. It takes neither loops nor a ConvTranspose with weights that are no constants, so that adapting runs
 *   on the processor.
 */
const convolutions: Readonly<Record<string, ConvolutionForm>> = {
  cuda: "native",
  webgpu: "native",
  dml: "native",
  coreml: "columns",
  cpu: "columns",
  wasm: "columns",
};

/** The providers for which graphs are written in another way than the portable one. */
export const tunedProviders: readonly string[] = Object.keys(convolutions).filter(
  (provider) => convolutions[provider] === "native",
);

export interface ProviderTargetOptions extends Omit<OnnxTargetOptions, "convolution"> {
  /** `auto`, the default: what suits the provider. */
  readonly convolution?: ConvolutionForm | "auto";
}

/** Plain ONNX as it suits a provider of ONNX Runtime: any other runs it, too, with the same numbers. */
export function onnxTargetFor(
  provider: string,
  { convolution = "auto", costs, ...options }: ProviderTargetOptions = {},
): Target {
  const form = convolution === "auto" ? (convolutions[provider] ?? "columns") : convolution;
  const byCost = convolution === "auto" && form === "columns" && costs ? { costs } : {};
  const target = onnxTarget({ ...options, convolution: form, ...byCost });
  if (provider !== "webgpu") return target;
  return { ...target, lowerings: [...target.lowerings, ...exactTrigonometry, powerOfOneShape] };
}
