// What there is to know of data before one trains on them.
import type { Preprocessing } from "@innerloop/schemas";
import type { GuessedDoor, LeftOut, Split } from "@innerloop/train";

/** A class of the data. */
export interface ReportedClass {
  readonly name: string;
  /** Absent where the data cannot be opened, so that they are not split. */
  readonly split?: Split;
  /** Its examples; where not all files were read, its files. Absent where they have no end. */
  readonly examples?: number;
}

/** The classes of a split. */
export interface ReportedSplit {
  readonly split: Split;
  /** Absent where they have no end. */
  readonly classes?: number;
  readonly examples?: number;
  readonly smallest?: { readonly name: string; readonly examples: number };
}

/** What an episode of a split may be. */
export interface Carried {
  readonly split: Split;
  /** Support examples of each class. */
  readonly shots: number;
  /** Classes that have as many and the queries beside them; the ways are no more. Absent where they have no end. */
  readonly classes?: number;
}

/** A column of a table, as it becomes numbers. */
export interface ReportedColumn {
  readonly name: string;
  readonly kind: "number" | "category";
  readonly mean?: number;
  readonly std?: number;
  readonly values?: readonly string[];
}

/** Two examples that hardly differ. */
export interface NearPair {
  readonly names: readonly [string, string];
  readonly classes: readonly [string, string];
  readonly splits: readonly [Split, Split];
  /** The root of the mean squared difference of their numbers, as a share of how much examples differ from their mean. */
  readonly distance: number;
}

/** Examples that hardly differ: the same thing twice, as pictures of a burst, or one that was saved again. */
export interface NearDuplicates {
  /** Examples that were compared, each with each. */
  readonly compared: number;
  /** Pairs whose distance is below this are counted. */
  readonly below: number;
  readonly pairs: number;
  /** Of these, pairs of two classes, and of two splits, where what is held back is known already. */
  readonly acrossClasses: number;
  readonly acrossSplits: number;
  /** The nearest. */
  readonly nearest: readonly NearPair[];
  /** Whether there were too many to look at all of them. */
  readonly more: boolean;
}

/** What to train with. */
export interface Suggestion {
  /** Settings of training that are other than usual, since the data have no more. */
  readonly settings: { readonly ways?: number; readonly queries?: number };
  /** Classes that are too small for it, and have to grow or to go. */
  readonly tooSmall: readonly string[];
  /** Where there are too few classes to learn from nothing, in words. */
  readonly few?: string;
}

/** What was found. */
export interface DataReport {
  /** What opens the data: `images:photos`. */
  readonly spec: string;
  readonly reader: string;
  /** What examples are: "images"; "examples" where the reader says nothing of it. */
  readonly things: string;
  /** Where only a place was given: by what its door was guessed. */
  readonly guessed?: GuessedDoor;
  readonly task: "classification" | "regression";
  /** In the order of their names. Empty for a regression, and where examples have no end. */
  readonly classes: readonly ReportedClass[];
  readonly splits: readonly ReportedSplit[];
  /** Files that were read, of those that there are. Absent for data that are no files. */
  readonly files?: { readonly read: number; readonly found: number };
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
  /** The shape of an example. */
  readonly shape: readonly number[];
  readonly preprocessing?: Preprocessing;
  /** Why examples are made as they are. */
  readonly reasons: readonly string[];
  /** Of examples that were looked at. */
  readonly numbers?: { readonly least: number; readonly most: number; readonly mean: number; readonly std: number };
  /** Of a table. */
  readonly columns?: readonly ReportedColumn[];
  readonly near?: NearDuplicates;
  readonly carries: readonly Carried[];
  /** Queries of each class beside the shots. */
  readonly queries: number;
  /** What training refuses, where it does. */
  readonly problem?: { readonly code: string; readonly message: string; readonly exitStatus: 1 | 2 };
  readonly next?: Suggestion;
  readonly seconds: number;
}
