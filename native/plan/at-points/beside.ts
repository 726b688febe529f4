// Stores of rows that steps use together are parts of one, in which rows of each lie beside those of the others.
import type { Access, Chain, Step, Store } from "../steps.ts";

/** Rows of so many numbers that begin there in rows of the store that has all of them. */
export interface Part {
  readonly store: Store;
  readonly row: number;
  readonly begin: number;
  readonly all: number;
}

export type Beside = ReadonlyMap<Store, Part>;

/** Where an access is then; nothing, where it goes over rows otherwise than by whole rows and within one. */
function besideOf(
  { offset, strides }: Pick<Access, "offset" | "strides">,
  shape: readonly number[],
  { store, row, begin, all }: Part,
): Access | undefined {
  let within = offset % row;
  const apart = strides.map((stride, axis) => {
    if (stride % row === 0) return (stride / row) * all;
    within += (shape[axis]! - 1) * stride;
    return stride;
  });
  if (within >= row || strides.some((stride) => stride < 0)) return undefined;
  return { store, offset: Math.floor(offset / row) * all + begin + (offset % row), strides: apart };
}

/** Whether a step goes on where stores are parts of others. */
export const mayBeBeside = (step: Step, beside: Beside, store: Store): boolean =>
  step.kind === "chain" &&
  [...step.reads, ...step.writes].every(
    (access) => access.store !== store || besideOf(access, step.shape, beside.get(store)!) !== undefined,
  );

/** A chain as it is then. */
export function besideIn(chain: Chain, beside: Beside): Chain {
  const moved = <Own extends Access>(access: Own): Own => {
    const part = beside.get(access.store);
    return part ? { ...access, ...besideOf(access, chain.shape, part) } : access;
  };
  return { ...chain, reads: chain.reads.map(moved), writes: chain.writes.map(moved) };
}
