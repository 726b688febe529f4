// Entries of lists that are there by construction: reading one that is not is a fault of this code, and says so.

/** The entry at a place, which counts from the end where it is negative. */
export function at<T>(list: ArrayLike<T>, place: number): T {
  const entry = list[place < 0 ? place + list.length : place];
  if (entry === undefined) throw new RangeError(`There is no entry ${place} in a list of ${list.length}.`);
  return entry;
}

/** A list with the entries of another, which is as long at least, beside its own. */
export function zip<A, B, C>(a: readonly A[], b: ArrayLike<B>, join: (a: A, b: B, i: number) => C): C[] {
  if (b.length < a.length) throw new RangeError(`A list of ${b.length} lies beside one of ${a.length}.`);
  // The entry is there, and may well be undefined.
  return a.map((entry, i) => join(entry, b[i] as B, i));
}

/** 0, 1 … up to a length. */
export const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** A list of the same length, entry by entry. */
export const eachOf = <T, L extends readonly T[]>(list: L & readonly T[], change: (entry: T, i: number) => T): L =>
  // A map keeps the length, which the compiler does not see.
  list.map(change) as readonly T[] as L;
