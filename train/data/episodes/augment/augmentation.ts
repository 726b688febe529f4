// What an augmentation is: a change of a single example that leaves its class what it is, drawn anew for each.
import type { Shift } from "../shifts/family.ts";

/** A kind of augmentation. */
export interface Augmentation {
  /** What it does, in words. */
  readonly what: string;
  /** Whether data of that kind have it by themselves: it was measured to help on held-back classes (docs/results.md). */
  readonly usual: boolean;
  /**
   * Pictures have 0 for their darkest and 1 for their lightest; all else has mean 0 and deviation 1.
   * @param shape of one example
   */
  make(shape: readonly number[]): Shift;
}

/** Augmentations by name, in the order in which they are applied. */
export type Augmentations = Readonly<Record<string, Augmentation>>;
