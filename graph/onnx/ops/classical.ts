// The elementary operators of `ai.onnx.ml`, which scikit-learn's models are exported with: each is written as operators of
// `ai.onnx`. Labels are whole numbers; text is not read.
import { InnerloopError } from "@innerloop/schemas";
import { constant } from "../../core/build.ts";
import { at } from "../../core/lists.ts";
import { isFloat, spelling } from "../../core/operator.ts";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { choice, flag, float, floats, int, ints, type OnnxAttributes, strings, type ValuesOf } from "../attributes.ts";
import { onnxOperator, type ReadOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";

const domain = "ai.onnx.ml";

function operator<const A extends OnnxAttributes>(
  name: string,
  as: string,
  summary: string,
  attributes: A,
  read: (c: Call, attributes: ValuesOf<A>) => Value | readonly Value[],
): Record<string, ReadOperator> {
  spelling(`${domain}.${name}`, "classical", 1, as, summary);
  return { [`${domain}.${name}`]: onnxOperator({ attributes, authored: false, read }) };
}

/** Floats as they are, anything else as float32: what these operators give. */
const real = (x: Value): Value => (isFloat(x.dtype) ? x : op.Cast(x, "float32"));
const row = (numbers: readonly number[], like: Value): Value => constant(numbers, [numbers.length], like.dtype);

const transformed = { post_transform: choice("NONE", "LOGISTIC", "SOFTMAX") };
function transform(scores: Value, how: "NONE" | "LOGISTIC" | "SOFTMAX"): Value {
  if (how === "NONE") return scores;
  return how === "LOGISTIC" ? op.Sigmoid(scores) : op.Softmax(scores, -1);
}

/** `x [batch, features]` times coefficients that lie row by row, one for each target. */
function linear(x: Value, coefficients: readonly number[], targets: number, intercepts: readonly number[] = []): Value {
  const rows = constant(coefficients, [targets, coefficients.length / targets], x.dtype);
  const product = op.MatMul(x, op.Transpose(rows, [1, 0]));
  return intercepts.length > 0 ? op.Add(product, row(intercepts, x)) : product;
}

/** What keys stand for; `fallback` for what is none of them. */
function looked(x: Value, keys: readonly number[], values: Value, fallback: number): Value {
  const hot = op.Cast(op.Equal(op.Unsqueeze(x, [-1]), row(keys, x)), values.dtype);
  return op.Add(op.MatMul(hot, op.Sub(values, fallback)), fallback);
}

export const classical: Readonly<Record<string, ReadOperator>> = {
  ...operator("ArrayFeatureExtractor", "Gather", "entries of the last axis", {}, (c) => {
    const x = c.value(0);
    const picked = op.Gather(x, op.Reshape(op.Cast(c.value(1), "int64"), [-1]), -1);
    return x.rank === 1 ? op.Reshape(picked, [1, -1]) : picked;
  }),
  ...operator(
    "Binarizer",
    "Greater, Cast",
    "1 above a threshold, else 0",
    { threshold: float(0) },
    (c, { threshold }) => op.Cast(op.Greater(c.value(0), threshold), c.value(0).dtype),
  ),
  ...operator(
    "FeatureVectorizer",
    "Concat",
    "features side by side",
    { inputdimensions: ints() },
    (c, { inputdimensions: sizes = [] }) =>
      op.Concat(
        c.values().map((value, i) => {
          const x = real(value.rank === 1 ? op.Unsqueeze(value, [1]) : value);
          const size = sizes[i];
          return size === undefined || size === x.shape[1] ? x : op.Slice(x, [0], [size], [1]);
        }),
        1,
      ),
  ),
  ...operator(
    "Imputer",
    "Where",
    "what is missing replaced",
    {
      imputed_value_floats: floats(),
      imputed_value_int64s: ints(),
      replaced_value_float: float(0),
      replaced_value_int64: int(0),
    },
    (c, a) => {
      const x = c.value(0);
      const [values, missing] = isFloat(x.dtype)
        ? [a.imputed_value_floats ?? [], a.replaced_value_float]
        : [a.imputed_value_int64s ?? [], a.replaced_value_int64];
      return op.Where(Number.isNaN(missing) ? op.IsNaN(x) : op.Equal(x, missing), row(values, x), x);
    },
  ),
  ...operator(
    "LabelEncoder",
    "Equal, MatMul",
    "what numbers stand for",
    {
      default_float: float(0),
      default_int64: int(-1),
      keys_floats: floats(),
      keys_int64s: ints(),
      values_floats: floats(),
      values_int64s: ints(),
    },
    (c, a) => {
      const keys = a.keys_floats ?? a.keys_int64s;
      const x = c.value(0);
      if (keys && a.values_floats) return looked(x, keys, constant(a.values_floats), a.default_float);
      if (keys && a.values_int64s)
        return op.Cast(looked(x, keys, row(a.values_int64s, constant(0, [], "float64")), a.default_int64), "int64");
      throw new InnerloopError("unsupported-dtype", "stands for text; numbers for numbers are read.");
    },
  ),
  ...operator(
    "LinearClassifier",
    "MatMul, Add, ArgMax",
    "the class of the largest linear score, and the scores",
    {
      ...transformed,
      classlabels_ints: ints(),
      coefficients: floats(),
      intercepts: floats(),
      multi_class: int(0),
    },
    (c, { classlabels_ints: labels, coefficients = [], intercepts, post_transform: how }) => {
      const x = real(c.value(0));
      if (!labels) throw new InnerloopError("unsupported-dtype", "has labels of text; whole numbers are read.");
      const targets = coefficients.length / Number(at(x.shape, 1));
      const raw = linear(x, coefficients, targets, intercepts);
      const two = targets === 1 && labels.length === 2;
      const scores = transform(two ? op.Concat([op.Neg(raw), raw], 1) : raw, how);
      const place = op.ArgMax(scores, 1, false);
      return [op.Gather(constant(labels, undefined, "int64"), place), scores];
    },
  ),
  ...operator(
    "LinearRegressor",
    "MatMul, Add",
    "linear scores",
    { ...transformed, coefficients: floats(), intercepts: floats(), targets: int(1) },
    (c, { coefficients = [], intercepts, post_transform: how, targets }) =>
      transform(linear(real(c.value(0)), coefficients, targets, intercepts), how),
  ),
  ...operator("Normalizer", "Div", "rows over their norm", { norm: choice("MAX", "L1", "L2") }, (c, { norm }) => {
    const x = real(c.value(0));
    const axes = [x.rank - 1];
    const size = {
      MAX: () => op.ReduceMax(op.Abs(x), { axes }),
      L1: () => op.ReduceL1(x, { axes }),
      L2: () => op.ReduceL2(x, { axes }),
    };
    return op.Div(x, op.Max(size[norm](), 1e-30));
  }),
  ...operator(
    "OneHotEncoder",
    "Equal, Cast",
    "1 at the category, 0 elsewhere",
    { cats_int64s: ints(), zeros: flag(true) },
    (c, { cats_int64s: categories }) => {
      if (!categories) throw new InnerloopError("unsupported-dtype", "has categories of text; whole numbers are read.");
      const x = op.Cast(c.value(0), "int64");
      return op.Cast(op.Equal(op.Unsqueeze(x, [-1]), row(categories, x)), "float32");
    },
  ),
  ...operator("Scaler", "Sub, Mul", "less an offset, times a scale", { offset: floats(), scale: floats() }, (c, a) => {
    const x = real(c.value(0));
    const moved = a.offset ? op.Sub(x, row(a.offset, x)) : x;
    return a.scale ? op.Mul(moved, row(a.scale, x)) : moved;
  }),
  ...operator(
    "ZipMap",
    "Identity",
    "the numbers of a table from classes to numbers, which graphs have as an array",
    { classlabels_int64s: ints(), classlabels_strings: strings() },
    (c) => c.value(0),
  ),
};
