// Which operator sets of `ai.onnx` are read and written, and the file format that came with each.
import { InnerloopError, show } from "@innerloop/schemas";

/** The opset that is written unless another is asked for. */
export const defaultOpset = 18;

/** The operator sets whose models are read. */
export const readableOpsets = { oldest: 7, newest: 28 } as const;

/** The operator sets that models are written in; ONNX Runtime 1.30 takes them up to 26. */
export const writableOpsets = { oldest: 17, newest: 28 } as const;

/** The IR version that came with each opset after 18, up to which 8 is enough (ONNX, Versioning.md). */
const irVersions: Readonly<Record<number, number>> = {
  19: 9,
  20: 9,
  21: 10,
  22: 10,
  23: 11,
  24: 12,
  25: 13,
  26: 13,
  27: 13,
  28: 14,
};

/** The IR version of the files written for an opset: the one that came with it, which any runtime has that knows the opset. */
export const irVersion = (opset = defaultOpset): number => irVersions[opset] ?? 8;

/** The opset that a caller asked for. @throws InnerloopError for one that is not written */
export function writable(opset: number): number {
  const { oldest, newest } = writableOpsets;
  if (Number.isInteger(opset) && opset >= oldest && opset <= newest) return opset;
  throw new InnerloopError(
    "bad-option",
    `opset ${show(opset)} was given; a whole number from ${oldest} to ${newest} was expected; ${defaultOpset} is the usual one`,
    { exitStatus: 2 },
  );
}
