// How graphs are written for each execution provider of ONNX Runtime: one table, for training and for bundles.

import type { Target } from "./lower.ts";
import { type OnnxTargetOptions, onnxTarget } from "./onnx.ts";
import { convolutionsOfSpace, exactTrigonometry, powerOfOneShape } from "./webgpu.ts";

/** How convolutions are written: `columns`, Gather and MatMul; `native`, Conv and ConvTranspose; `shared`, native but for tasks with weights of their own. */
export type ConvolutionForm = NonNullable<OnnxTargetOptions["convolution"]>;

/**
 * What convolutions are written as, by provider; `columns` for one that is not here.
 *
 * - `cpu`, `wasm`: columns take half the time for 64 filters, as long for few (measured on cpu).
 * - `webgpu`: native, which needs no columns of all tasks at once. Measured on a device in software: four tasks of conv4 take
 *   two thirds of the time, one task as long.
 * - `cuda`: shared. Measured on an H200: the meta-gradient of conv4 (64 filters, five steps) takes 25, 23 and 37 ms for 4, 32 and 128
 *   tasks with columns, and 34, 42 and 92 ms with each task as a group of channels; adapting to five images takes 12.7 ms with
 *   Conv and 15.3 ms with columns.
 * - `dml`: native, which its library is made for; not measured.
 * - `coreml`: columns. It takes neither loops nor a ConvTranspose with weights that are no constants, so that adapting runs
 *   on the processor.
 */
const convolutions: Readonly<Record<string, ConvolutionForm>> = {
  cuda: "shared",
  webgpu: "native",
  dml: "native",
  coreml: "columns",
  cpu: "columns",
  wasm: "columns",
};

/** The providers for which graphs are written in another way than the portable one. */
export const tunedProviders: readonly string[] = Object.keys(convolutions).filter(
  (provider) => convolutions[provider] !== "columns",
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
  return { ...target, lowerings: [...target.lowerings, ...exactTrigonometry, powerOfOneShape, ...convolutionsOfSpace] };
}
