// The execution providers that `--provider` takes. The names are those of the runtime, as a type, so that a command that only
// shows its help need not load it.
import type { ProviderName } from "@innerloop/runtime";

/** The compiler says which is missing; `wasm` is what the processor is called in browsers. `auto` tries the next three. */
const known: Readonly<Record<"auto" | Exclude<ProviderName, "wasm">, true>> = {
  auto: true,
  cuda: true,
  webgpu: true,
  cpu: true,
  dml: true,
  coreml: true,
};

export const providers = Object.keys(known) as (keyof typeof known)[];
