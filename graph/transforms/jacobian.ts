// Whole Jacobians, and products with Hessians.
import { zip } from "../core/lists.ts";
import { sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { OneHot, Range } from "../ops/indexing.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import { cotangents, floats, gradients } from "./grad.ts";
import { jvp, zerosLike } from "./jvp.ts";
import { vmap } from "./vmap.ts";

/** `reverse` walks back once for each number of the output, `forward` forward once for each number that it depends on. */
export type JacobianMode = "forward" | "reverse";

/**
 * The derivatives of every number of `output` by every number of `wrt`.
 * @param mode the one with fewer walks unless given; `reverse` where sizes are open
 * @returns for each of `wrt` a value of the shape `[...output.shape, ...wrt.shape]`
 * @throws InnerloopError where something is no float
 */
export function jacobian(output: Value, wrt: readonly Value[], mode?: JacobianMode): Value[] {
  floats("jacobian", [output, ...wrt]);
  return (mode ?? shorter(output, wrt)) === "forward" ? forwards(output, wrt) : backwards(output, wrt);
}

function shorter(output: Value, wrt: readonly Value[]): JacobianMode {
  const rows = sizeOf(output.shape);
  const columns = wrt.map(({ shape }) => sizeOf(shape)).reduce<number>((sum, n) => sum + Number(n), 0);
  if (Number.isNaN(columns)) return "reverse";
  return Number.isNaN(Number(rows)) || columns < Number(rows) ? "forward" : "reverse";
}

/** Every array of the shape of a value that has one 1 and zeros: `[size, ...shape]`. */
function basisOf({ dtype, shape }: Value): Value {
  const size = sizeOf(shape);
  return Reshape(OneHot(Range(size), size, dtype), [size, ...shape]);
}

function backwards(output: Value, wrt: readonly Value[]): Value[] {
  const rows = vmap(
    (...seeds) => zip(wrt, cotangents([output], seeds, wrt), (value, found) => found ?? zerosLike(value)),
    [basisOf(output)],
  );
  return zip(wrt, rows, (value, found) => Reshape(found, [...output.shape, ...value.shape]));
}

function forwards(output: Value, wrt: readonly Value[]): Value[] {
  return wrt.map((value) => {
    const [found] = vmap((...directions) => jvp([output], [value], directions), [basisOf(value)]);
    if (!found) throw new Error("jvp gives a tangent for each output.");
    const columns = Reshape(found, [sizeOf(value.shape), sizeOf(output.shape)]);
    return Reshape(Transpose(columns, [1, 0]), [...output.shape, ...value.shape]);
  });
}

/**
 * The product of the Hessian of a scalar with vectors, without the Hessian.
 * @param output a float scalar `[]`
 * @param vectors one for each of `wrt`, of its shape; undefined counts as zero
 * @returns for each of `wrt` a value of its shape
 * @throws InnerloopError where `output` is no scalar
 */
export function hvp(output: Value, wrt: readonly Value[], vectors: readonly (Value | undefined)[]): Value[] {
  const first = zip(gradients(output, wrt), vectors, (value, vector) => ({ value, vector }));
  const there = first.flatMap(({ value, vector }) => (value && vector ? [{ value, vector }] : []));
  // A Hessian is symmetric, so that it may be walked through backwards.
  const found = cotangents(
    there.map(({ value }) => value),
    there.map(({ vector }) => vector),
    wrt,
  );
  return zip(wrt, found, (value, product) => product ?? zerosLike(value));
}
