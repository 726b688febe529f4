// How pictures of users differ: other paper and ink, other pens, noise, place and size. Pictures are `[height, width, channels]`,
// with numbers from 0 to 1.
import type { Random } from "../../../random.ts";
import { either, noise, pointwise, type Shift, type ShiftFamilies } from "./family.ts";

/** Where a pixel of the result comes from: a place in the source, in pixels. */
type Warp = (row: number, column: number) => readonly [row: number, column: number];

/** How dark the paper is at a pixel, 0 to 1. */
type Darkness = (row: number, column: number) => number;

const limited = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

/** Moves pixels: each one is read at another place, between pixels bilinearly, and beyond the edge as on the edge. */
export const warped =
  ([height, width, channels]: readonly number[], draw: (random: Random) => Warp): Shift =>
  (source, target, random) => {
    const warp = draw(random);
    let at = 0;
    for (let row = 0; row < height!; row++)
      for (let column = 0; column < width!; column++) {
        const [y, x] = warp(row, column);
        const [inY, inX] = [limited(y, 0, height! - 1), limited(x, 0, width! - 1)];
        const [top, left] = [Math.floor(inY), Math.floor(inX)];
        const [down, right] = [inY - top, inX - left];
        const [below, beside] = [top + 1 < height! ? width! * channels! : 0, left + 1 < width! ? channels! : 0];
        for (let channel = 0; channel < channels!; channel++) {
          const from = (top * width! + left) * channels! + channel;
          const upper = source[from]! * (1 - right) + source[from + beside]! * right;
          const lower = source[from + below]! * (1 - right) + source[from + below + beside]! * right;
          target[at++] = upper * (1 - down) + lower * down;
        }
      }
  };

/** Each row, and then each column, through a function of three neighbours; the edge is its own neighbour. */
function separable(
  [height, width, channels]: readonly number[],
  of: (before: number, here: number, after: number) => number,
): (values: Float32Array) => void {
  const line = new Float32Array(Math.max(height!, width!));
  const along = (values: Float32Array, start: number, step: number, count: number): void => {
    for (let i = 0; i < count; i++) line[i] = values[start + i * step]!;
    for (let i = 0; i < count; i++)
      values[start + i * step] = of(line[i > 0 ? i - 1 : 0]!, line[i]!, line[i < count - 1 ? i + 1 : i]!);
  };
  const rowStep = width! * channels!;
  return (values) => {
    for (let row = 0; row < height!; row++)
      for (let channel = 0; channel < channels!; channel++) along(values, row * rowStep + channel, channels!, width!);
    for (let column = 0; column < width!; column++)
      for (let channel = 0; channel < channels!; channel++)
        along(values, column * channels! + channel, rowStep, height!);
  };
}

/** Strokes grow or shrink by up to `pixels` on each side: parts of a pixel are shares of a whole one. */
function widened(shape: readonly number[], pixels: number, choose: (...values: number[]) => number): Shift {
  const grow = separable(shape, choose);
  return (source, target) => {
    target.set(source);
    for (let left = pixels; left > 0; left--) {
      const before = left < 1 ? target.slice() : undefined;
      grow(target);
      if (before) for (let i = 0; i < target.length; i++) target[i] = before[i]! + left * (target[i]! - before[i]!);
    }
  };
}

/** Passes of three neighbours that make one Gaussian blur. */
const blurPasses = 3;

function blurred(shape: readonly number[], deviation: number): Shift {
  const weight = deviation ** 2 / (2 * blurPasses);
  const pass = separable(shape, (before, here, after) => here + weight * (before - 2 * here + after));
  return (source, target) => {
    target.set(source);
    for (let i = 0; i < blurPasses; i++) pass(target);
  };
}

/** A paper that is not blank, which what is drawn covers. */
const papered =
  ([height, width, channels]: readonly number[], draw: (random: Random) => Darkness): Shift =>
  (source, target, random) => {
    const level = draw(random);
    let at = 0;
    for (let row = 0; row < height!; row++)
      for (let column = 0; column < width!; column++) {
        const paper = level(row, column);
        for (let channel = 0; channel < channels!; channel++, at++) target[at] = paper + (1 - paper) * source[at]!;
      }
  };

/** Turns and resizes around the middle. */
export function turned([height, width]: readonly number[], angle: number, size: number): Warp {
  const [middleY, middleX] = [(height! - 1) / 2, (width! - 1) / 2];
  const [cos, sin] = [Math.cos(angle) / size, Math.sin(angle) / size];
  return (row, column) => {
    const [y, x] = [row - middleY, column - middleX];
    return [middleY + cos * y - sin * x, middleX + sin * y + cos * x];
  };
}

export const pictureShifts: ShiftFamilies = {
  scale: {
    what: "smaller or larger, by up to 1.6",
    training: true,
    make(shape, strength, random) {
      const size = either(random, 1, -1) * strength * Math.log(1.6);
      return warped(shape, (each) => turned(shape, 0, Math.exp(size + each.uniform(-0.1, 0.1) * strength)));
    },
  },
  place: {
    what: "each moved by up to a fifth of the side",
    training: true,
    make(shape, strength) {
      const most = 0.2 * strength;
      return warped(shape, (random) => {
        const [down, right] = [random.uniform(-most, most) * shape[0]!, random.uniform(-most, most) * shape[1]!];
        return (row, column) => [row - down, column - right];
      });
    },
  },
  thick: {
    what: "strokes wider by up to 1.5 pixels on each side",
    training: true,
    make: (shape, strength) => widened(shape, 1.5 * strength, (a, b, c) => Math.max(a!, b!, c!)),
  },
  thin: {
    what: "strokes narrower by up to 0.8 pixels on each side",
    training: true,
    make: (shape, strength) => widened(shape, 0.8 * strength, (a, b, c) => Math.min(a!, b!, c!)),
  },
  blur: {
    what: "out of focus, by a Gaussian of up to 1.5 pixels",
    training: true,
    make: (shape, strength) => blurred(shape, 1.5 * strength),
  },
  contrast: {
    what: "paler, down to a fifth",
    training: true,
    make: (_, strength) => {
      const left = 1 - 0.8 * strength;
      return pointwise((value) => left * value);
    },
  },
  inverted: {
    what: "light and dark exchanged",
    training: true,
    make: () => pointwise((value) => 1 - value),
  },
  paper: {
    what: "on grey: a + (1 − a)·x, a up to 0.6",
    training: true,
    make: (_, strength) => {
      const level = 0.6 * strength;
      return pointwise((value) => level + (1 - level) * value);
    },
  },
  noise: {
    what: "noise of a deviation of up to 0.4, cut to what a picture holds or not",
    training: true,
    make(_, strength, world) {
      const [least, most] = either(world, [0, 1], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]) as [
        number,
        number,
      ];
      return (source, target, random) => {
        for (let i = 0; i < source.length; i++)
          target[i] = limited(source[i]! + noise(random, 0.4 * strength), least, most);
      };
    },
  },
  rotated: {
    what: "each turned by up to 30 degrees",
    training: false,
    make: (shape, strength) =>
      warped(shape, (random) => turned(shape, (random.uniform(-1, 1) * strength * Math.PI) / 6, 1)),
  },
  elastic: {
    what: "bent by waves of up to a tenth of the side",
    training: false,
    make: (shape, strength) =>
      warped(shape, (random) => {
        const wave = (side: number) => {
          const [height, phase] = [random.uniform(-0.1, 0.1) * strength * side, random.uniform(0, 2 * Math.PI)];
          const pace = (2 * Math.PI * random.uniform(0.8, 1.6)) / side;
          return (at: number) => height * Math.sin(pace * at + phase);
        };
        const [byRow, byColumn, alongRow, alongColumn] = [shape[0]!, shape[1]!, shape[1]!, shape[0]!].map(wave);
        return (row, column) => [row + byColumn!(column) + alongColumn!(row), column + byRow!(row) + alongRow!(column)];
      }),
  },
  occluded: {
    what: "a blank square of up to half the side over each",
    training: false,
    make: ([height, width, channels], strength) => {
      const side = Math.round(0.5 * strength * Math.min(height!, width!));
      return (source, target, random) => {
        target.set(source);
        const [top, left] = [random.integer(height! - side + 1), random.integer(width! - side + 1)];
        for (let row = top; row < top + side; row++)
          target.fill(0, (row * width! + left) * channels!, (row * width! + left + side) * channels!);
      };
    },
  },
  stripes: {
    what: "on ruled paper, lines up to 0.8 dark",
    training: false,
    make(shape, strength, random) {
      const [period, start, across] = [random.integer(4) + 4, random.integer(8), random.integer(3)];
      return papered(shape, () => (row, column) => {
        const place = [row, column, row + column][across]!;
        return (place + start) % period < 1 ? 0.8 * strength : 0;
      });
    },
  },
  shade: {
    what: "in a shadow from one side, up to 0.8 dark",
    training: false,
    make(shape, strength, random) {
      const angle = random.uniform(0, 2 * Math.PI);
      const [down, right] = [Math.sin(angle) / shape[0]!, Math.cos(angle) / shape[1]!];
      const [middleY, middleX] = [(shape[0]! - 1) / 2, (shape[1]! - 1) / 2];
      return papered(shape, () => (row, column) => {
        const along = 0.5 + down * (row - middleY) + right * (column - middleX);
        return 0.8 * strength * limited(along, 0, 1);
      });
    },
  },
  specks: {
    what: "up to a fifth of the pixels black or white",
    training: false,
    make:
      ([, , channels], strength) =>
      (source, target, random) => {
        target.set(source);
        for (let pixel = 0; pixel < source.length; pixel += channels!) {
          const chance = random.bits() / 2 ** 32;
          if (chance < 0.2 * strength) target.fill(chance < 0.1 * strength ? 0 : 1, pixel, pixel + channels!);
        }
      },
  },
};
