// How stretches of samples of users differ: another sensor or microphone, another place, another pace. Windows are
// `[length, channels]`, with mean 0 and deviation 1 in each channel.
import type { Random } from "../../../random.ts";
import { either, noise, pointwise, type Shift, type ShiftFamilies } from "./family.ts";

/** Reads every sample at another time, between samples on a straight line, and beyond the end as at the end. */
export const retimed =
  ([length, channels]: readonly number[], draw: (random: Random) => (time: number) => number): Shift =>
  (source, target, random) => {
    const timeOf = draw(random);
    for (let i = 0; i < length!; i++) {
      const time = Math.min(length! - 1, Math.max(0, timeOf(i)));
      const before = Math.floor(time);
      const share = time - before;
      const [from, next] = [before * channels!, Math.min(length! - 1, before + 1) * channels!];
      for (let channel = 0; channel < channels!; channel++)
        target[i * channels! + channel] = source[from + channel]! * (1 - share) + source[next + channel]! * share;
    }
  };

/** A change of each number that depends on its channel and time. */
const byChannel =
  ([length, channels]: readonly number[], change: (value: number, channel: number, time: number) => number): Shift =>
  (source, target) => {
    for (let i = 0; i < length!; i++)
      for (let channel = 0; channel < channels!; channel++) {
        const at = i * channels! + channel;
        target[at] = change(source[at]!, channel, i);
      }
  };

const perChannel = (shape: readonly number[], draw: () => number): number[] => Array.from({ length: shape[1]! }, draw);

export const windowShifts: ShiftFamilies = {
  stretch: {
    what: "faster or slower, by up to 1.4",
    training: true,
    make(shape, strength, random) {
      const pace = Math.exp(either(random, 1, -1) * strength * Math.log(1.4));
      const middle = (shape[0]! - 1) / 2;
      return retimed(shape, () => (time) => middle + (time - middle) * pace);
    },
  },
  delay: {
    what: "each earlier or later, by up to a fifth of the window",
    training: true,
    make: (shape, strength) =>
      retimed(shape, (random) => {
        const by = random.uniform(-0.2, 0.2) * strength * shape[0]!;
        return (time) => time + by;
      }),
  },
  gain: {
    what: "weaker or stronger, by up to 3",
    training: true,
    make: (_, strength, random) => {
      const factor = Math.exp(either(random, 1, -1) * strength * Math.log(3));
      return pointwise((value) => factor * value);
    },
  },
  offset: {
    what: "each channel off by up to 2 deviations",
    training: true,
    make(shape, strength, random) {
      const by = perChannel(shape, () => random.uniform(-2, 2) * strength);
      return byChannel(shape, (value, channel) => value + by[channel]!);
    },
  },
  silent: {
    what: "one of several channels without a signal",
    training: true,
    make(shape, _, random) {
      const which = shape[1]! > 1 ? random.integer(shape[1]!) : -1;
      return byChannel(shape, (value, channel) => (channel === which ? 0 : value));
    },
  },
  noise: {
    what: "noise of up to 0.7 deviations",
    training: true,
    make: (_, strength) => (source, target, random) => {
      for (let i = 0; i < source.length; i++) target[i] = source[i]! + noise(random, 0.7 * strength);
    },
  },
  swapped: {
    what: "channels in another order",
    training: false,
    make(shape, _, random) {
      const order = random.shuffle([...Array(shape[1]!).keys()]);
      return (source, target) => {
        for (let at = 0; at < source.length; at++) {
          const channel = at % shape[1]!;
          target[at] = source[at - channel + order[channel]!]!;
        }
      };
    },
  },
  flipped: {
    what: "the sign of every number changed",
    training: false,
    make: () => pointwise((value) => -value),
  },
  drift: {
    what: "each channel drifting by up to 3 deviations over the window",
    training: false,
    make(shape, strength, random) {
      const slopes = perChannel(shape, () => (random.uniform(-3, 3) * strength) / shape[0]!);
      return byChannel(shape, (value, channel, time) => value + slopes[channel]! * (time - (shape[0]! - 1) / 2));
    },
  },
  clipped: {
    what: "cut beyond 2 down to 0.5 deviations",
    training: false,
    make: (_, strength) => {
      const most = 2 - 1.5 * strength;
      return pointwise((value) => Math.min(most, Math.max(-most, value)));
    },
  },
  spikes: {
    what: "up to a twentieth of the samples off by 5 deviations",
    training: false,
    make:
      ([, channels], strength) =>
      (source, target, random) => {
        target.set(source);
        for (let sample = 0; sample < source.length; sample += channels!)
          if (random.uniform() < 0.05 * strength) target[sample + random.integer(channels!)]! += either(random, 5, -5);
      },
  },
};
