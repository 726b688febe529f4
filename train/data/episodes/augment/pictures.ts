// Pictures of the same thing: nearer or from beside, mirrored, in another light. `[height, width, channels]` from 0 to 1.
import { noise } from "../shifts/family.ts";
import { turned, warped } from "../shifts/pictures.ts";
import type { Augmentations } from "./augmentation.ts";

export const pictureAugmentations: Augmentations = {
  crop: {
    what: "moved by up to a tenth of the side, and up to 1.15 larger or smaller",
    usual: false,
    make: (shape) =>
      warped(shape, (random) => {
        const at = turned(shape, 0, Math.exp(random.uniform(-0.14, 0.14)));
        const [down, right] = [random.uniform(-0.1, 0.1) * shape[0]!, random.uniform(-0.1, 0.1) * shape[1]!];
        return (row, column) => at(row - down, column - right);
      }),
  },
  turn: {
    what: "turned by up to 15 degrees",
    usual: false,
    make: (shape) => warped(shape, (random) => turned(shape, (random.uniform(-1, 1) * Math.PI) / 12, 1)),
  },
  flip: {
    what: "mirrored, every other one",
    usual: false,
    make:
      ([, width = 1, channels = 1]) =>
      (source, target, random) => {
        if (random.uniform() < 0.5) return target.set(source);
        const row = width * channels;
        for (let i = 0; i < source.length; i++) {
          const [inRow, channel] = [i % row, i % channels];
          target[i] = source[i - inRow + row - channels - (inRow - channel) + channel]!;
        }
      },
  },
  light: {
    what: "up to a fifth brighter or darker, and each colour up to a twentieth",
    usual: false,
    make:
      ([, , channels = 1]) =>
      (source, target, random) => {
        const level = random.uniform(0.8, 1.2);
        const factors = Array.from({ length: channels }, () => level * random.uniform(0.95, 1.05));
        for (let i = 0; i < source.length; i++) target[i] = source[i]! * factors[i % channels]!;
      },
  },
  noise: {
    what: "noise of a deviation of 0.05",
    usual: false,
    make: () => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = source[i]! + noise(random, 0.05);
    },
  },
};
