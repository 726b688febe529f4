// Which operator sets of `ai.onnx` are read and written, and the file format that came with each.

/** The opset that is written unless another is asked for. */
export const defaultOpset = 18;

/** The operator sets whose models are read. */
export const readableOpsets = { oldest: 7, newest: 21 } as const;

/** The IR version of the files written for an opset: the one that came with it (ONNX, Versioning.md), which any runtime has that knows the opset. */
export const irVersion = (opset = defaultOpset): number => (opset <= 18 ? 8 : opset <= 20 ? 9 : 10);
