// Of what arrays have been computed number by number, for whoever would rather compute a part of one anew than read it.
import { Code, type Formula } from "./formula.ts";
import type { Call, Store } from "./steps.ts";
import type { Value } from "./views.ts";

export interface Defined {
  readonly out: Value;
  /** Of shapes that are repeated to that of `out`. */
  readonly operands: readonly Value[];
  readonly formula: Formula;
}

const all = new WeakMap<Store, Defined>();

export function define(defined: Defined): void {
  all.set(defined.out.store, defined);
}

export const definitionOf = (store: Store): Defined | undefined => all.get(store);

/** How it is computed, as calls that take the operands for registers. */
export function callsOf({ operands, formula }: Defined): readonly Call[] {
  const code = new Code(operands.length);
  formula(code, ...operands.map((_, register) => ({ register })));
  return code.calls;
}
