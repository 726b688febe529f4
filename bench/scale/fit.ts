// The exponent of a power law, by least squares on logarithms.

export interface Exponent {
  /** b of time = a · size^b. */
  readonly exponent: number;
  /** Half of the 95 % interval, from how far the points lie off the line; absent for two points, which lie on it. */
  readonly ci95?: number;
}

/** The 97.5 % points of Student's t for 1, 2, … degrees of freedom. */
const student = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** @param points sizes and times, of two sizes at least */
export function exponentOf(points: readonly (readonly [size: number, time: number])[]): Exponent {
  const logs = points.map(([size, time]) => [Math.log(size), Math.log(time)] as const);
  const mean = (of: 0 | 1) => logs.reduce((sum, log) => sum + log[of], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = logs.reduce((sum, [u]) => sum + (u - x) ** 2, 0);
  const exponent = logs.reduce((sum, [u, v]) => sum + (u - x) * (v - y), 0) / spread;
  const free = logs.length - 2;
  if (free < 1) return { exponent };
  const off = logs.reduce((sum, [u, v]) => sum + (v - y - exponent * (u - x)) ** 2, 0);
  return { exponent, ci95: student[Math.min(free, student.length) - 1]! * Math.sqrt(off / free / spread) };
}
