// Windows of the same movement: earlier, at an uneven pace, stronger, the sensor worn otherwise. `[length, channels]`.
import { noise } from "../shifts/family.ts";
import { retimed } from "../shifts/windows.ts";
import type { Augmentations } from "./augmentation.ts";

export const windowAugmentations: Augmentations = {
  delay: {
    what: "up to a tenth of the window earlier or later",
    usual: false,
    make: (shape) =>
      retimed(shape, (random) => {
        const by = random.uniform(-0.1, 0.1) * shape[0]!;
        return (time) => time + by;
      }),
  },
  warp: {
    what: "at an uneven pace, off by up to a twentieth of the window",
    usual: false,
    make: (shape) =>
      retimed(shape, (random) => {
        const [by, phase] = [random.uniform(0, 0.05) * shape[0]!, random.uniform(0, 2 * Math.PI)];
        const pace = (2 * Math.PI * random.uniform(0.5, 1.5)) / shape[0]!;
        return (time) => time + by * Math.sin(pace * time + phase);
      }),
  },
  gain: {
    what: "up to 1.3 times stronger or weaker",
    usual: false,
    make: () => (source, target, random) => {
      const factor = Math.exp(random.uniform(-1, 1) * Math.log(1.3));
      for (let i = 0; i < source.length; i++) target[i] = factor * source[i]!;
    },
  },
  tilt: {
    what: "each three channels turned together by up to 20 degrees about an axis, as of a sensor worn otherwise",
    usual: false,
    make:
      ([, channels = 1]) =>
      (source, target, random) => {
        target.set(source);
        for (let first = 0; first + 3 <= channels; first += 3) {
          const still = random.integer(3);
          const angle = (random.uniform(-1, 1) * Math.PI) / 9;
          const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
          const [one, other] = [first + ((still + 1) % 3), first + ((still + 2) % 3)];
          for (let at = 0; at < source.length; at += channels) {
            target[at + one] = cos * source[at + one]! - sin * source[at + other]!;
            target[at + other] = sin * source[at + one]! + cos * source[at + other]!;
          }
        }
      },
  },
  noise: {
    what: "noise of 0.1 deviations",
    usual: false,
    make: () => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = source[i]! + noise(random, 0.1);
    },
  },
};
