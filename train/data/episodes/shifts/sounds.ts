// How sounds of users differ: another microphone, room, distance or pace. Sounds are `[frames, bands, 1]`, logarithms of energy with
// mean 0 and deviation 1 in each band: what is louder is off by a number.
import { pointwise, type ShiftFamilies, type ShiftFamily } from "./family.ts";
import { windowShifts } from "./windows.ts";

/** A shift of windows, of which each band is a channel. */
const ofBands = (name: string, told: Pick<ShiftFamily, "what">): ShiftFamily => {
  const family = windowShifts[name]!;
  return { ...family, ...told, make: ([frames, bands], ...rest) => family.make([frames!, bands!], ...rest) };
};

export const soundShifts: ShiftFamilies = {
  stretch: ofBands("stretch", { what: "faster or slower, by up to 1.4" }),
  delay: ofBands("delay", { what: "each earlier or later, by up to a fifth of its length" }),
  level: {
    what: "louder or softer, by up to 2 deviations",
    training: true,
    make(_, strength, random) {
      const by = random.uniform(-2, 2) * strength;
      return pointwise((value) => value + by);
    },
  },
  colour: ofBands("offset", { what: "each band off by up to 2 deviations, as by another microphone" }),
  noise: ofBands("noise", { what: "noise of up to 0.7 deviations" }),
  deaf: {
    what: "up to a third of the bands, the highest or the lowest, without a sound",
    training: false,
    make([, bands = 1], strength, random) {
      const [count, high] = [Math.floor((bands * strength) / 3), random.uniform() < 0.5];
      return (source, target) => {
        for (let i = 0; i < source.length; i++) {
          const band = i % bands;
          target[i] = (high ? band >= bands - count : band < count) ? 0 : source[i]!;
        }
      };
    },
  },
  drift: ofBands("drift", { what: "each band drifting by up to 3 deviations" }),
};
