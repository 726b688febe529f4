// Arrays of turns as one stack.

/** Arrays one after another. */
export function joined(list: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(list.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const data of list) {
    all.set(data, place);
    place += data.length;
  }
  return all;
}
