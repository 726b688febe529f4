// The operators of ONNX that are computed here, each as steps of a plan.
import type { Compute } from "../plan.ts";

export const operators: Readonly<Record<string, Compute>> = {};
