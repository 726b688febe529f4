// How measured features of users differ: other units and zeros, noise, what was not measured. Each of the numbers `[features]` has
// mean 0 and deviation 1.
import { sizeOf } from "@innerloop/schemas";
import { either, noise, pointwise, type Shift, type ShiftFamilies } from "./family.ts";

/** A change of each number that depends on which it is. */
const byFeature =
  (change: (value: number, feature: number) => number): Shift =>
  (source, target) => {
    for (let i = 0; i < source.length; i++) target[i] = change(source[i]!, i);
  };

const perFeature = (shape: readonly number[], draw: () => number): number[] =>
  Array.from({ length: sizeOf(shape) }, draw);

export const numberShifts: ShiftFamilies = {
  scale: {
    what: "each feature weaker or stronger, by up to 2",
    training: true,
    make(shape, strength, random) {
      const factors = perFeature(shape, () => Math.exp(random.uniform(-1, 1) * strength * Math.log(2)));
      return byFeature((value, feature) => value * factors[feature]!);
    },
  },
  offset: {
    what: "each feature off by up to 1.5 deviations",
    training: true,
    make(shape, strength, random) {
      const by = perFeature(shape, () => random.uniform(-1.5, 1.5) * strength);
      return byFeature((value, feature) => value + by[feature]!);
    },
  },
  noise: {
    what: "noise of up to 0.7 deviations",
    training: true,
    make: (_, strength) => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = source[i]! + noise(random, 0.7 * strength);
    },
  },
  missing: {
    what: "up to a third of each example's features at the mean",
    training: true,
    make: (_, strength) => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = random.uniform() < strength / 3 ? 0 : source[i]!;
    },
  },
  absent: {
    what: "up to a third of the features at the mean in every example",
    training: false,
    make(shape, strength, random) {
      const there = perFeature(shape, () => (random.uniform() < strength / 3 ? 0 : 1));
      return byFeature((value, feature) => value * there[feature]!);
    },
  },
  coarse: {
    what: "rounded to steps of up to 1.5 deviations",
    training: false,
    make: (_, strength) => pointwise((value) => Math.round(value / (1.5 * strength + 1e-6)) * (1.5 * strength + 1e-6)),
  },
  outliers: {
    what: "up to a tenth of the numbers off by 5 deviations",
    training: false,
    make: (_, strength) => (source, target, random) => {
      for (let i = 0; i < source.length; i++)
        target[i] = source[i]! + (random.uniform() < 0.1 * strength ? either(random, 5, -5) : 0);
    },
  },
};
