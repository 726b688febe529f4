// What all elementwise operators share: they broadcast (ONNX, "Multidirectional broadcasting"), and each number of the result is
// made of the numbers at its place.
import type { DType } from "@innerloop/schemas";
import { broadcastTo } from "../../core/arrays.ts";
import { at, zip } from "../../core/lists.ts";
import { apply1, applying, define, isFloat, lift, liftPair, unfit, zeroDerivative } from "../../core/operator.ts";
import { broadcastAll, sizeOf } from "../../core/shapes.ts";
import type { Entry, Family, Inputs, None, One, Operand, Operator, Traits, Two, Value } from "../../core/value.ts";
import { alignBatched, unbroadcast } from "./broadcasting.ts";

/** What one elementwise operator is. */
export interface Elementwise<I extends readonly Value[]> extends Pick<Traits, "float16" | "tfjs"> {
  readonly since?: number;
  readonly family?: Family;
  readonly summary: string;
  readonly compute: (...x: number[]) => number;
  /** Of the last operand unless given. */
  readonly result?: DType;
  /** How many of the first operands have a dtype of their own; none unless given. */
  readonly conditions?: number;
  /** The cotangents by that of the result, `g`, and by the result, `z`, of its shape; the operands' own shapes are seen to. */
  readonly gradient?: (rule: {
    readonly g: Value;
    readonly inputs: I;
    readonly z: Value;
    readonly needs: (i: number) => boolean;
  }) => Inputs;
}

/** Rounds whole-number results as their dtype would hold them; floats stay in float64. */
export function asDType(x: number, dtype: DType): number {
  if (isFloat(dtype)) return x;
  if (dtype === "bool") return x !== 0 ? 1 : 0;
  return Math.trunc(x);
}

/** One elementwise operator of any number of broadcast operands. */
export function elementwise<I extends readonly [Value, ...Value[]]>(
  name: string,
  { compute, result, conditions = 0, gradient, float16, tfjs, family = "elementwise", ...entry }: Elementwise<I>,
  operands: I["length"],
): Operator<None, I, One> {
  const operator: Operator<None, I, One> = define({
    name,
    ...entry,
    family,
    traits: {
      placewise: true,
      ...(operands > 1 && { broadcasts: true }),
      ...(float16 && { float16 }),
      ...(tfjs && { tfjs }),
    },
    infer(inputs) {
      const dtypes = new Set(inputs.slice(conditions).map((x) => x.dtype));
      if (dtypes.size > 1) throw unfit(name, inputs, "the operands need one dtype; use Cast on one of them.");
      const shape = broadcastAll(inputs);
      if (!shape)
        throw unfit(name, inputs, "the shapes do not broadcast: aligned at the right, sizes must be equal or 1.");
      return [{ dtype: result ?? at(inputs, -1).dtype, shape }];
    },
    gradient: gradient
      ? ({ inputs, outputs: [z], cotangents: [g], needs }) =>
          zip(gradient({ g, inputs, z, needs }), inputs, (c, x) => c && unbroadcast(c, x.shape))
      : zeroDerivative,
    batch: (inputs, batched) => [apply1<None, I, One>(operator, alignBatched<I>(inputs, batched))],
    evaluate({ inputs, shapes: [shape], outputs: [{ dtype }] }) {
      const arrays = inputs.flatMap((x) => (x ? [broadcastTo(x, shape)] : []));
      const numbers = (_: unknown, i: number) => asDType(compute(...arrays.map((a) => at(a, i))), dtype);
      return [Float64Array.from({ length: sizeOf(shape) }, numbers)];
    },
  });
  return operator;
}

export type Unary = ((x: Operand) => Value) & Entry<None, One, One>;
export type Binary = ((a: Operand, b: Operand) => Value) & Entry<None, Two, One>;

export function unary(name: string, rule: Elementwise<One>): Unary {
  const operator = elementwise(name, rule, 1);
  return applying(operator, (x: Operand): Value => apply1(operator, [lift(x)]));
}

export function binary(name: string, rule: Elementwise<Two>): Binary {
  const operator = elementwise(name, rule, 2);
  return applying(operator, (a: Operand, b: Operand): Value => apply1(operator, liftPair(a, b)));
}
