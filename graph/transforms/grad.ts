// Reverse-mode differentiation of a graph into a graph. The result is made of the same operators, so it can be
// differentiated again, batched and exported like anything else.
import { InnerloopError } from "@innerloop/schemas";
import { constant, inScopeOf, scope } from "../core/build.ts";
import { mayAgree } from "../core/fresh.ts";
import { zip } from "../core/lists.ts";
import { isFlat, isFloat } from "../core/operator.ts";
import { sameShape, showShape } from "../core/shapes.ts";
import type { Node, Value } from "../core/value.ts";
import { dependencies, dependents, inOrder, topological } from "../core/walk.ts";
import { Add } from "../ops/arithmetic.ts";
import { Expand, Reshape } from "../ops/movement.ts";
import { gaussianUnit } from "./gaussian-units.ts";
import { neededRows } from "./needed-rows.ts";
import { type Recomputation, type Recompute, recomputing } from "./recomputing.ts";

export interface GradOptions {
  /**
   * How much of the way of the output is computed again for its derivatives, in the place of keeping it: the same numbers in less memory,
   * for up to one more forward computation. A number is of the bytes that may be kept of the way at a time, by the sizes of the graph as it
   * is, each open size taken for a handful; what an engine needs beside is not among them.
   */
  readonly recompute?: Recompute;
}

/**
 * The derivatives of a scalar with respect to values, which count as independent of one another.
 * @param output a float scalar `[]`
 * @returns for each of `wrt` a value of its shape, or undefined where the output does not depend on it
 * @throws InnerloopError where `output` is no scalar
 */
export function gradients(output: Value, wrt: readonly Value[], options?: GradOptions): (Value | undefined)[] {
  if (output.rank !== 0 || !isFloat(output.dtype))
    throw new InnerloopError(
      "not-a-scalar",
      `grad needs a float scalar, but got ${output}; take the mean or the sum of it.`,
      { exitStatus: 2 },
    );
  return cotangents([output], [constant(1, [], output.dtype)], wrt, options);
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
export const grad = (output: Value, wrt: readonly Value[], options?: GradOptions): Value[] =>
  zip(wrt, gradients(output, wrt, options), (value, g) => g ?? Expand(constant(0, [], value.dtype), value.shape));

/**
 * The vector-Jacobian product: the cotangents of `wrt` for given cotangents of `outputs`.
 * @param whole the outputs, of which those rows alone are computed that they read
 * @param seeds one for each output, of its shape; undefined counts as zero
 * @throws InnerloopError `over-budget` (status 2) where more has to be kept than `recompute` allows
 */
export function cotangents(
  whole: readonly Value[],
  seeds: readonly (Value | undefined)[],
  wrt: readonly Value[],
  { recompute = false }: GradOptions = {},
): (Value | undefined)[] {
  const leaves = new Set(wrt);
  // What is not computed for a derivative has none to be computed either.
  const outputs = neededRows(whole, leaves);
  const paths = pathsTo(leaves, outputs);
  const kept = walkedBack(outputs, seeds, wrt, paths);
  if (recompute === false) return kept;
  const { order, parts, aside, isLeaf } = paths;
  const isMade = (node: Node): boolean => !aside.has(node) && !node.outputs.some((value) => isLeaf.has(value));
  const reads = readBack(kept, paths);
  const again = recomputing({ order: order.filter(isMade), parts, reads }, recompute);
  return again ? walkedBack(outputs, seeds, wrt, paths, again) : kept;
}

/** What the derivatives read of what they go back over. */
function readBack(slopes: readonly (Value | undefined)[], { order, isLeaf }: Paths): ReadonlySet<Value> {
  const way = new Set(order);
  const isThere = (value: Value): boolean => way.has(value.node) || isLeaf.has(value);
  const back = inOrder(
    slopes.filter((slope) => slope !== undefined),
    isThere,
    dependencies,
  );
  return new Set(back.flatMap((node) => dependencies(node).filter((value) => isThere(value) && !isLeaf.has(value))));
}

/** One walk from the outputs back to the leaves. */
function walkedBack(
  outputs: readonly Value[],
  seeds: readonly (Value | undefined)[],
  wrt: readonly Value[],
  { order, parts, onPath, isLeaf }: Paths,
  recomputed?: Recomputation,
): (Value | undefined)[] {
  const again = (node: Node, cotangent: Value) => recomputed?.again(node, cotangent) ?? node;
  const found = new Map<Value, Value>();
  const accumulate = (value: Value, given: Value) => {
    const fits = given.rank === value.rank && zip(given.shape, value.shape, mayAgree).every(Boolean);
    if (!fits)
      throw new Error(`A derivative rule gave ${showShape(given.shape)} for ${value} of ${value.node.operator.name}.`);
    // Of one size there may be two names where only data tell it.
    const cotangent = sameShape(given.shape, value.shape) ? given : Reshape(given, value.shape);
    const before = found.get(value);
    found.set(value, before ? Add(before, cotangent) : cotangent);
    if (isLeaf.has(value)) recomputed?.reached(cotangent);
  };
  const isWanted = (value: Value | undefined): value is Value =>
    value !== undefined && (isLeaf.has(value) || onPath.has(value.node));
  outputs.forEach((output, i) => {
    const seed = seeds[i];
    if (seed && isWanted(output)) accumulate(output, seed);
  });
  for (const node of [...order].reverse()) {
    if (!onPath.has(node)) continue;
    const [first, ...others] = node.outputs.map((output) => (isLeaf.has(output) ? undefined : found.get(output)));
    if (first === undefined && others.every((cotangent) => cotangent === undefined)) continue;
    const unit = first && gaussianUnit(node.outputs[0]);
    if (unit && isWanted(unit.x) && !unit.inner.some((value) => isLeaf.has(value))) {
      const now = gaussianUnit(again(node, first).outputs[0]) ?? unit;
      accumulate(
        unit.x,
        inScopeOf(node, () => now.cotangent(first)),
      );
      continue;
    }
    const inParts = parts.get(node);
    if (inParts) {
      zip(inParts, [first, ...others], (part, cotangent) => {
        if (cotangent && isWanted(part)) accumulate(part, cotangent);
      });
      continue;
    }
    const { gradient } = node.operator;
    if (!gradient) {
      if (node.inputs.length === 0) continue;
      throw new InnerloopError(
        "no-derivative",
        `${node.operator.name} has no derivative; for a Loop, give the number of steps as a number so that it is unrolled.`,
      );
    }
    // Whoever looks where time goes tells a layer's derivatives from the layer by their names.
    const { inputs, outputs: made } = again(node, [first, ...others].find((cotangent) => cotangent)!);
    const results = inScopeOf(node, () =>
      scope(node.scope ? "grad" : "", () =>
        gradient({
          inputs,
          outputs: made,
          attributes: node.attributes,
          cotangents: [first, ...others],
          needs: (i) => isWanted(node.inputs[i]),
        }),
      ),
    );
    node.inputs.forEach((value, i) => {
      if (results[i] && isWanted(value)) accumulate(value, results[i]);
    });
  }
  return wrt.map((value) => found.get(value));
}

/** What a reverse walk goes over. */
interface Paths {
  readonly isLeaf: ReadonlySet<Value>;
  /** Each node after those that it needs. */
  readonly order: readonly Node[];
  /** Operators without a derivative are what they are made of: the outputs stay, and have the cotangents of these. */
  readonly parts: ReadonlyMap<Node, readonly Value[]>;
  /** The nodes through which a derivative of the outputs with respect to the leaves goes. */
  readonly onPath: ReadonlySet<Node>;
  /** Those that depend on no leaf. */
  readonly aside: ReadonlySet<Node>;
}

/** Takes apart only what a derivative goes through; everything else is as it was, so that nothing is computed twice. */
function pathsTo(isLeaf: ReadonlySet<Value>, outputs: readonly Value[]): Paths {
  const whole = topological(outputs, isLeaf);
  const depends = dependents(outputs, isLeaf);
  const aside = new Set(whole.filter((node) => !depends.has(node)));
  const parts = new Map<Node, readonly Value[]>();
  const needs = (node: Node): readonly Value[] => {
    const { gradient, decompose } = node.operator;
    if (aside.has(node) || isFlat(node.operator)) return [];
    if (gradient || !decompose) return dependencies(node);
    const made = inScopeOf(node, () => decompose(node.inputs, node.attributes));
    parts.set(node, made);
    return made;
  };
  const order = inOrder(outputs, (value) => isLeaf.has(value), needs);
  const onPath = new Set<Node>();
  for (const node of order) {
    const needed = aside.has(node) || isFlat(node.operator) ? [] : (parts.get(node) ?? dependencies(node));
    if (needed.some((value) => isLeaf.has(value) || onPath.has(value.node))) onPath.add(node);
  }
  return { isLeaf, order, parts, onPath, aside };
}
