// What our side computes on: stock ONNX Runtime, as bundles ship for, or the kernels that were built for this machine.
export const ourEngines = ["onnxruntime", "native"] as const;
export type OurEngine = (typeof ourEngines)[number];

/** The engine of training. */
export const trainedOn = (engine: OurEngine): string => (engine === "native" ? "native" : "onnxruntime:cpu");
