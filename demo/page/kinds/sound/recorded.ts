// A sound as it was recorded, and what can be said of it without a model.

/** Samples of one channel in −1…1. */
export interface Recorded {
  readonly rate: number;
  readonly data: Float32Array;
  /** Which of the page's own sounds it is, where it is one. */
  readonly made?: number;
}

/** The loudest sample. */
export function peak(data: Float32Array): number {
  let most = 0;
  for (const value of data) most = Math.max(most, Math.abs(value));
  return most;
}

/** Peaks of equal stretches, as many as there are columns. */
export function envelope(data: Float32Array, columns: number): number[] {
  return Array.from({ length: columns }, (_, column) => {
    const [from, to] = [column, column + 1].map((edge) => Math.floor((edge * data.length) / columns));
    return peak(data.subarray(from, to));
  });
}

/** As many samples as a window has at least: a shorter one has silence around it, the same on both sides. */
export function surrounded({ rate, data }: Recorded, seconds: number): Recorded {
  const missing = Math.ceil(seconds * rate) + 1 - data.length;
  if (missing <= 0) return { rate, data };
  const longer = new Float32Array(data.length + missing);
  longer.set(data, Math.floor(missing / 2));
  return { rate, data: longer };
}

/** Its loudest stretch of a length in seconds, for windows that take no more. */
export function loudest({ rate, data }: Recorded, seconds: number): Recorded {
  const length = Math.ceil(seconds * rate) + 1;
  if (data.length <= length) return { rate, data };
  let energy = 0;
  for (let i = 0; i < length; i++) energy += data[i]! ** 2;
  let [most, best] = [energy, 0];
  for (let start = 1; start + length <= data.length; start++) {
    energy += data[start + length - 1]! ** 2 - data[start - 1]! ** 2;
    if (energy > most) [most, best] = [energy, start];
  }
  return { rate, data: data.subarray(best, best + length) };
}
