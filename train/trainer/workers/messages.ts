// What the threads of a pool say to each other.
import type { ProgramBytes } from "../../engines/engine.ts";
import type { Tensors } from "../state.ts";

/** A run of a program that was opened, with what it takes besides the shared parameters. */
export interface Job {
  readonly program: string;
  readonly feeds: Tensors;
}

/** A job whose tensors lie in shared memory, where they are left out if they lie where those of the job in its place did. */
export interface Placed {
  readonly program: string;
  readonly feeds?: Tensors;
}

/** To a worker. */
export type Request =
  | {
      readonly kind: "program";
      readonly name: string;
      readonly program: ProgramBytes;
      /** Of one run of it. */
      readonly threads: number;
    }
  | { readonly kind: "forget"; readonly name: string }
  | (Shared & { readonly kind: "sum"; readonly jobs: readonly Placed[] })
  | (Shared & { readonly kind: "run"; readonly jobs: readonly Job[] });

interface Shared {
  /** The inputs that all jobs share from now on, in shared memory; left out where they lie where they did. */
  readonly parameters?: Tensors;
  /** The shared parameters have other numbers than at the run before. */
  readonly changed: boolean;
}

/**
 * From a worker: of a run, one entry a job; of a sum, one in all, which lies in memory that is shared until the next one; of anything else nothing.
 */
export type Answer = readonly Tensors[];
