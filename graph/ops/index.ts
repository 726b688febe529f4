// Every operator, by its ONNX name. What the families share is in internal/ and not part of the door.
export * from "./activation.ts";
export * from "./arithmetic.ts";
export * from "./comparison.ts";
export * from "./control.ts";
export * from "./convolution.ts";
export * from "./dtypes.ts";
export * from "./functions.ts";
export * from "./graph.ts";
export * from "./indexing.ts";
export * from "./linear-algebra.ts";
export * from "./loss.ts";
export * from "./movement.ts";
export * from "./normalization.ts";
export * from "./parts.ts";
export * from "./pooling.ts";
export * from "./recurrent.ts";
export * from "./reduction.ts";
export { Scan } from "./scan.ts";
