// Sounds of the same kind: earlier, louder, with a part that is not heard (Park et al. 2019, SpecAugment). `[frames, bands, 1]`,
// logarithms of energy.
import { noise } from "../shifts/family.ts";
import type { Augmentations } from "./augmentation.ts";
import { windowAugmentations } from "./windows.ts";

const asWindow =
  (name: string): Augmentations[string]["make"] =>
  ([frames = 1, bands = 1]) =>
    windowAugmentations[name]!.make([frames, bands]);

export const soundAugmentations: Augmentations = {
  delay: { what: "up to a tenth of its length earlier or later", usual: true, make: asWindow("delay") },
  warp: { what: "at an uneven pace", usual: false, make: asWindow("warp") },
  level: {
    what: "louder or softer by up to half a deviation",
    usual: false,
    make: () => (source, target, random) => {
      const by = random.uniform(-0.5, 0.5);
      for (let i = 0; i < source.length; i++) target[i] = source[i]! + by;
    },
  },
  bands: {
    what: "up to an eighth of the bands not heard",
    usual: true,
    make:
      ([, bands = 1]) =>
      (source, target, random) => {
        const count = random.integer(Math.floor(bands / 8) + 1);
        const first = random.integer(bands - count + 1);
        for (let i = 0; i < source.length; i++) {
          const band = i % bands;
          target[i] = band >= first && band < first + count ? 0 : source[i]!;
        }
      },
  },
  gaps: {
    what: "up to an eighth of the time not heard",
    usual: true,
    make:
      ([frames = 1, bands = 1]) =>
      (source, target, random) => {
        const count = random.integer(Math.floor(frames / 8) + 1);
        const first = random.integer(frames - count + 1);
        target.set(source);
        target.fill(0, first * bands, (first + count) * bands);
      },
  },
  noise: {
    what: "noise of 0.2 deviations",
    usual: false,
    make: () => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = source[i]! + noise(random, 0.2);
    },
  },
};
