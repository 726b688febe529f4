// Vectors of three numbers, as motions need them.
import type { Random } from "../../random.ts";

export type Vector = readonly [x: number, y: number, z: number];

export const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const times = ([x, y, z]: Vector, by: number): Vector => [x * by, y * by, z * by];
export const length = ([x, y, z]: Vector): number => Math.hypot(x, y, z);
export const unit = (vector: Vector): Vector => times(vector, 1 / Math.max(length(vector), 1e-9));

/** The vector product: at right angles to both. */
export const across = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** A unit vector, each as likely as any other. */
export function direction(rng: Random): Vector {
  const z = rng.uniform(-1, 1);
  const angle = rng.uniform(0, 2 * Math.PI);
  const radius = Math.sqrt(1 - z * z);
  return [radius * Math.cos(angle), radius * Math.sin(angle), z];
}

/** A vector turned about a unit vector by an angle, counterclockwise (Rodrigues). */
export function rotated(vector: Vector, about: Vector, angle: number): Vector {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const dot = vector[0] * about[0] + vector[1] * about[1] + vector[2] * about[2];
  return plus(plus(times(vector, cos), times(across(about, vector), sin)), times(about, dot * (1 - cos)));
}
