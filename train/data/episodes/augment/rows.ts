// Rows of the same kind: measured again. Numbers `[features]`.
import { noise } from "../shifts/family.ts";
import type { Augmentations } from "./augmentation.ts";

export const rowAugmentations: Augmentations = {
  noise: {
    what: "noise of 0.1 deviations",
    usual: false,
    make: () => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = source[i]! + noise(random, 0.1);
    },
  },
  missing: {
    what: "a twentieth of the numbers at the mean, as if they were not measured",
    usual: false,
    make: () => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = random.uniform() < 0.05 ? 0 : source[i]!;
    },
  },
};
