// What the threads of a pool say to each other.
import type { ProgramBytes } from "../../engines/engine.ts";
import type { Tensors } from "../state.ts";

/** A run of a program that was opened, with what it takes besides the shared parameters. */
export interface Job {
  readonly program: string;
  readonly feeds: Tensors;
}

/** To a worker. `parameters` are the inputs that all jobs share from now on; left out where they stay. */
export type Request =
  | { readonly kind: "program"; readonly name: string; readonly program: ProgramBytes }
  | { readonly kind: "run"; readonly jobs: readonly Job[]; readonly sum: boolean; readonly parameters?: Tensors };

/** From a worker, one for each request in order. `results` has one entry a job, or one in all where they are summed. */
export type Reply =
  | { readonly kind: "done"; readonly results?: readonly Tensors[] }
  | { readonly kind: "failed"; readonly message: string; readonly code?: string };
