// Forward-mode differentiation, out of the reverse mode twice: cotangents are linear in the seeds, and the cotangents of
// that linear map are the tangents. The seeds cancel, so that only the forward pass and the tangents are computed: there is
// no table of forward rules that has to agree with the reverse ones.
import { constant, input } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import type { Value } from "../core/value.ts";
import { Expand } from "../ops/movement.ts";
import { cotangents, floats } from "./grad.ts";
import { rewrite } from "./rewrite.ts";

/** Zeros of the type of a value. */
export const zerosLike = ({ dtype, shape }: Value): Value => Expand(constant(0, [], dtype), shape);

/**
 * The Jacobian-vector product: how `outputs` change when `wrt` move along `directions`.
 * @param wrt values, which count as independent of one another
 * @param directions one for each of `wrt`, of its shape; undefined counts as zero
 * @returns a value of the shape of each output
 * @throws InnerloopError where something is no float
 */
export function jvp(
  outputs: readonly Value[],
  wrt: readonly Value[],
  directions: readonly (Value | undefined)[],
): Value[] {
  floats("jvp", [...outputs, ...wrt]);
  const seeds = outputs.map(({ shape, dtype }, i) => input(`seed${i}`, shape, dtype));
  const linear = zip(cotangents(outputs, seeds, wrt), directions, (value, direction) => ({ value, direction }));
  const moving = linear.flatMap(({ value, direction }) => (value && direction ? [{ value, direction }] : []));
  const found = cotangents(
    moving.map(({ value }) => value),
    moving.map(({ direction }) => direction),
    seeds,
  );
  // What a rule left of the seeds, as in a product with 0 · seed, has to go.
  const gone = new Map(seeds.map((seed) => [seed, zerosLike(seed)]));
  return rewrite(
    zip(seeds, found, (seed, value) => value ?? zerosLike(seed)),
    () => undefined,
    gone,
  );
}
