// A recording as its file has it: numbers of channels in the order of time.

import type { FileItem } from "../file-kind.ts";

/** What the runtime takes as samples, and what was seen while it was read. */
export interface Recording {
  /** Channel after channel of each sample; NaN where a long stretch has no numbers. */
  readonly data: Float32Array;
  readonly channels: number;
  /** Samples a second, where the file tells it. */
  readonly rate?: number;
  /** What the file calls its channels. */
  readonly names?: readonly string[];
  /** What was done to read it, as words that go after the names of files. */
  readonly done: readonly string[];
}

/** A recording with the file that it is in. */
export interface ReadFile {
  readonly item: FileItem;
  readonly raw: Recording;
}

/** Columns of a file, all of the same length, under their names where it has names. */
export interface Columns {
  readonly names?: readonly string[];
  readonly columns: readonly (readonly Entry[])[];
  /** Samples a second, where the file says so. */
  readonly rate?: number;
  /** Where messages find a sample. */
  at(sample: number): string;
}

/** What stands at a place of a column. */
export type Entry = string | number | boolean | null;
