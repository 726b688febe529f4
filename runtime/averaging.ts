// What resizing a picture and resampling a window share: which cells of a grid lie under a cell of a coarser or finer one.

/** The source cells under a cell of the result: the first, and the share of the result that each one makes up. */
export interface Overlap {
  readonly first: number;
  readonly weights: Float32Array;
}

/**
 * What lies under a cell where `from` source cells are as long as `to` cells of the result. Whole numbers give exact
 * shares, rounded to float32.
 */
export function overlap(cell: number, from: number, to: number): Overlap {
  // In units of 1/to of a source cell.
  const [start, end] = [cell * from, (cell + 1) * from];
  const first = Math.floor(start / to);
  const count = Math.ceil(end / to) - first;
  const weights = Float32Array.from({ length: count }, (_, i) => {
    const left = (first + i) * to;
    return (Math.min(end, left + to) - Math.max(start, left)) / from;
  });
  return { first, weights };
}
