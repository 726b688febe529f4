// Reverse-mode differentiation of a graph into a graph. The result is made of the same operators, so it can be
// differentiated again, batched and exported like anything else.
import { InnerloopError } from "@innerloop/schemas";
import { constant, inScopeOf } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import { isFloat } from "../core/operator.ts";
import { showShape } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { dependents, topological } from "../core/walk.ts";
import { Add } from "../ops/arithmetic.ts";
import { Expand } from "../ops/movement.ts";
import { decomposeExcept } from "./rewrite.ts";

/**
 * The derivatives of a scalar with respect to values, which count as independent of one another.
 * @param output a float scalar `[]`
 * @returns for each of `wrt` a value of its shape, or undefined where the output does not depend on it
 * @throws InnerloopError where `output` is no scalar
 */
export function gradients(output: Value, wrt: readonly Value[]): (Value | undefined)[] {
  if (output.rank !== 0 || !isFloat(output.dtype))
    throw new InnerloopError(
      "not-a-scalar",
      `grad needs a float scalar, but got ${output}; take the mean or the sum of it.`,
      { exitStatus: 2 },
    );
  return cotangents([output], [constant(1, [], output.dtype)], wrt);
}

/** @throws InnerloopError `not-a-float` (status 2) for a value that has no derivatives */
export function floats(who: string, values: readonly Value[]): void {
  const other = values.find(({ dtype }) => !isFloat(dtype));
  if (other)
    throw new InnerloopError("not-a-float", `${who} needs floats, but got ${other}; name values that are.`, {
      exitStatus: 2,
    });
}

/** As `gradients`, with zeros where there is no dependence. */
export const grad = (output: Value, wrt: readonly Value[]): Value[] =>
  zip(wrt, gradients(output, wrt), (value, g) => g ?? Expand(constant(0, [], value.dtype), value.shape));

/**
 * The vector-Jacobian product: the cotangents of `wrt` for given cotangents of `outputs`.
 * @param seeds one for each output, of its shape; undefined counts as zero
 */
export function cotangents(
  outputs: readonly Value[],
  seeds: readonly (Value | undefined)[],
  wrt: readonly Value[],
): (Value | undefined)[] {
  const leaves = new Map(wrt.map((value) => [value, value]));
  const differentiable = decomposeExcept(
    outputs,
    ({ gradient, decompose }) => gradient !== undefined || decompose === undefined,
    "grad",
    leaves,
  );
  const onPath = dependents(differentiable, wrt);
  const found = new Map<Value, Value>();
  const accumulate = (value: Value, cotangent: Value) => {
    if (cotangent.shape.join() !== value.shape.join())
      throw new Error(
        `A derivative rule gave ${showShape(cotangent.shape)} for ${value} of ${value.node.operator.name}.`,
      );
    const before = found.get(value);
    found.set(value, before ? Add(before, cotangent) : cotangent);
  };
  differentiable.forEach((output, i) => {
    const seed = seeds[i];
    if (seed && onPath.has(output.node)) accumulate(output, seed);
  });
  const isLeaf = new Set(wrt);
  for (const node of topological(differentiable, isLeaf).reverse()) {
    if (!onPath.has(node)) continue;
    const [first, ...others] = node.outputs.map((output) => found.get(output));
    if (first === undefined && others.every((cotangent) => cotangent === undefined)) continue;
    const { gradient } = node.operator;
    if (!gradient) {
      if (node.inputs.length === 0) continue;
      throw new InnerloopError(
        "no-derivative",
        `${node.operator.name} has no derivative; for a Loop, give the number of steps as a number so that it is unrolled.`,
      );
    }
    const isWanted = (value: Value | undefined): value is Value =>
      value !== undefined && (isLeaf.has(value) || onPath.has(value.node));
    const results = inScopeOf(node, () =>
      gradient({
        inputs: node.inputs,
        outputs: node.outputs,
        attributes: node.attributes,
        cotangents: [first, ...others],
        needs: (i) => isWanted(node.inputs[i]),
      }),
    );
    node.inputs.forEach((value, i) => {
      if (results[i] && isWanted(value)) accumulate(value, results[i]);
    });
  }
  return wrt.map((value) => found.get(value));
}
