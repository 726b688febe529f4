// What the threads of a pool say to each other.
import type { Tensor } from "@innerloop/schemas";

export type Tensors = Record<string, Tensor>;

/** To a worker. */
export type Request =
  | { readonly kind: "program"; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: "parameters"; readonly parameters: Tensors }
  | { readonly kind: "run"; readonly program: string; readonly tasks: readonly Tensors[]; readonly sum: boolean };

/** From a worker, one for each request in order. `results` has one entry a task, or one in all where they are summed. */
export type Reply =
  | { readonly kind: "done"; readonly results?: readonly Tensors[] }
  | { readonly kind: "failed"; readonly message: string; readonly code?: string };
