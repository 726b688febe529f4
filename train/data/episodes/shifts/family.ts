// What a shift is: a way in which a user's data differ from those of the training, the same for all examples of a task.
import type { Random } from "../../../random.ts";

/** Writes what becomes of one example into `target`, which is another array. `random` is for what differs between examples. */
export type Shift = (source: Float32Array, target: Float32Array, random: Random) => void;

/** A kind of shift. */
export interface ShiftFamily {
  /** What it does, in words. */
  readonly what: string;
  /** Training draws it; the others are kept for evaluation, so that nothing is chosen by them. */
  readonly training: boolean;
  /**
   * A shift of this kind. Pictures have 0 for their darkest and 1 for their lightest; windows and numbers have mean 0 and deviation 1.
   * @param shape of one example
   * @param strength 0: hardly any; 1: as much as a person still makes something of
   * @param random for what is the same in the whole task
   */
  make(shape: readonly number[], strength: number, random: Random): Shift;
}

/** Families by name, in the order in which they are applied where there are several. */
export type ShiftFamilies = Readonly<Record<string, ShiftFamily>>;

/** A shift that looks at each number by itself. */
export const pointwise =
  (change: (value: number) => number): Shift =>
  (source, target) => {
    for (let i = 0; i < source.length; i++) target[i] = change(source[i]!);
  };

/** The deviation of the sum of four bytes. */
const fourBytes = Math.sqrt((4 * (256 ** 2 - 1)) / 12);

/** Noise that is near enough to normal for augmentation, from one draw: the sum of four random bytes, within ±3.45 deviations. */
export function noise(random: Random, deviation: number): number {
  const bits = random.bits();
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return ((sum - 510) * deviation) / fourBytes;
}

/** One of two values by a coin. */
export const either = <T>(random: Random, one: T, other: T): T => (random.uniform() < 0.5 ? one : other);
