// By which kernels a bundle is computed on the processor: those that were built here, or ONNX Runtime's alone.
import { kernelsHere, native } from "@innerloop/native";
import { wrongCall } from "../refusal.ts";

/** `auto`: `native` where they are built, which gives the numbers of `onnxruntime` but for rounding. */
const choices = ["auto", "native", "onnxruntime"] as const;
export type KernelChoice = (typeof choices)[number];

/**
 * What a learner is loaded with.
 * @throws InnerloopError `kernels-missing` (status 2) where `native` was asked for and is not built
 */
export function kernelsBy(
  choice: KernelChoice = "auto",
  naming: (setting: string) => string,
): { readonly kernels?: typeof native } {
  if (choice === "onnxruntime") return {};
  if (kernelsHere()) return { kernels: native };
  if (choice === "auto") return {};
  throw wrongCall(
    "kernels-missing",
    `${naming("kernels")} is native, but none are built for this machine; build them: innerloop setup native, or take onnxruntime.`,
  );
}
