// Pixels repeated in blocks, and blocks of pixels moved into channels, each as the one ONNX node that does it in a pass. Only lowering
// makes them.
import { at } from "../core/lists.ts";
import { apply1 } from "../core/operator.ts";
import type { One, Operator, Value } from "../core/value.ts";

type Nothing = Readonly<Record<never, never>>;

const doubled: Operator<Nothing, One, One> = {
  name: "Doubled",
  family: "movement",
  summary: "each pixel as two by two of them, channels first",
  writtenAs: "Resize",
  infer: ([x]) => [
    { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...x.shape.slice(2).map((size) => Number(size) * 2)] },
  ],
};

const phases: Operator<Nothing, One, One> = {
  name: "Phases",
  family: "movement",
  summary: "the pixels of two by two as channels: those of all the first ones, then of all the second ones",
  writtenAs: "SpaceToDepth",
  infer: ([x]) => [
    {
      dtype: x.dtype,
      shape: [at(x.shape, 0), Number(at(x.shape, 1)) * 4, ...x.shape.slice(2).map((size) => Number(size) / 2)],
    },
  ],
};

/** By which their nodes are known. */
export const LoweredDoubled = { operator: doubled };
export const LoweredPhases = { operator: phases };

/** `[N, C, H, W]`, all but N known, as `[N, C, 2H, 2W]`. */
export const Doubled = (x: Value): Value => apply1(doubled, [x], {});

/** `[N, C, H, W]` of even height and width as `[N, 4·C, H/2, W/2]`. */
export const Phases = (x: Value): Value => apply1(phases, [x], {});
