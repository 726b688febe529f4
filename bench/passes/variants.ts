// What an engine gives to the command `passes`: graphs without a pass and with it, ready to run.
import type { Timed } from "./graphs.ts";

/** A graph without a pass and with it, or without all and with all. */
export interface Variant {
  readonly pass: string;
  /** Nodes of the file, or instructions of a run. */
  readonly nodes: readonly [before: number, after: number];
  open(): Promise<readonly [without: Side, with_: Side]>;
}

export interface Side {
  run(): unknown;
  dispose(): unknown;
}

/** What passes of an engine make of a graph; only those that change it. */
export type Variants = (graph: Timed) => Iterable<Variant>;
