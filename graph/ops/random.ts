// Numbers by chance: what the runtime draws when a graph runs. No derivative goes through what is drawn. Two that are drawn apart
// are never one value, unless they have the same seed; they are of the shape of a value.
import type { DType } from "@innerloop/schemas";
import { apply } from "../core/build.ts";
import { numbersFrom } from "../core/draws.ts";
import { at } from "../core/lists.ts";
import { apply1, applying, define, lift, spelling, unfit, zeroDerivative } from "../core/operator.ts";
import { type Shape, sizeOf } from "../core/shapes.ts";
import type { Attributes, One, Operator, Two, Value } from "../core/value.ts";
import { Div, Mul, Sub } from "./arithmetic.ts";
import { GreaterOrEqual, Not, Or, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { ConstantOfShape } from "./graph.ts";
import { Reshape } from "./movement.ts";
import { ReduceSum } from "./reduction.ts";

/** Which draw it is: a seed makes it the same in every run. */
type Draw = {
  readonly dtype: DType;
  readonly seed: number | undefined;
  /** Tells draws apart that have no seed. */
  readonly draw: number;
};

let draws = 0;
const drawOf = (seed: number | undefined): Pick<Draw, "seed" | "draw"> => ({
  seed,
  draw: seed === undefined ? ++draws : 0,
});

/** Numbers from 0 to 1; another sequence for every draw. */
const sequence = ({ seed, draw }: Draw): (() => number) => numbersFrom((seed ?? 0) * 0x9e3779b9 + draw * 0x85ebca6b);

interface Drawing<A extends Draw> {
  readonly name: string;
  readonly since: number;
  readonly summary: string;
  readonly number: (next: () => number, attributes: A, x: number) => number;
}

/** An operator that draws a number for each number of a value. */
function drawing<A extends Attributes & Draw>({ name, since, summary, number }: Drawing<A>): Operator<A, One, One> {
  const operator: Operator<A, One, One> = define({
    name,
    family: "random",
    summary,
    since,
    traits: { random: true },
    infer: ([x], { dtype }) => [{ dtype, shape: x.shape }],
    gradient: zeroDerivative,
    batch: ([x], _, attributes) => [apply1<A, One, One>(operator, [x], attributes)],
    evaluate({ inputs: [x], attributes }) {
      const next = sequence(attributes);
      return [x.data.map((v) => number(next, attributes, v))];
    },
  });
  return operator;
}

const normal = (next: () => number): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

const uniformLike = drawing<Draw & { readonly low: number; readonly high: number }>({
  name: "RandomUniformLike",
  since: 1,
  summary: "numbers by chance, evenly between two",
  number: (next, { low, high }) => low + next() * (high - low),
});
const normalLike = drawing<Draw & { readonly mean: number; readonly scale: number }>({
  name: "RandomNormalLike",
  since: 1,
  summary: "numbers by chance, of a normal distribution",
  number: (next, { mean, scale }) => mean + scale * normal(next),
});
const bernoulli = drawing<Draw>({
  name: "Bernoulli",
  since: 15,
  summary: "1 with a probability that is given, else 0",
  number: (next, _, p) => (next() < p ? 1 : 0),
});

/** Options of a draw, as ONNX names them. */
export interface DrawOptions {
  readonly dtype?: DType;
  readonly seed?: number;
}

/** ONNX RandomUniformLike: as many as `x` has. */
export const RandomUniformLike = applying(
  uniformLike,
  (x: Value, { low = 0, high = 1, dtype = x.dtype, seed }: DrawOptions & { low?: number; high?: number } = {}): Value =>
    apply1(uniformLike, [x], { low, high, dtype, ...drawOf(seed) }),
);
/** ONNX RandomNormalLike: as many as `x` has. */
export const RandomNormalLike = applying(
  normalLike,
  (
    x: Value,
    { mean = 0, scale = 1, dtype = x.dtype, seed }: DrawOptions & { mean?: number; scale?: number } = {},
  ): Value => apply1(normalLike, [x], { mean, scale, dtype, ...drawOf(seed) }),
);
/** ONNX Bernoulli: 1 with the probabilities of `x`. */
export const Bernoulli = applying(
  bernoulli,
  (x: Value, { dtype = x.dtype, seed }: DrawOptions = {}): Value => apply1(bernoulli, [x], { dtype, ...drawOf(seed) }),
);

spelling("RandomUniform", "random", 1, "RandomUniformLike", "numbers by chance, evenly between two, of a shape");
export const RandomUniform = (shape: Shape, options: Parameters<typeof RandomUniformLike>[1] = {}): Value =>
  RandomUniformLike(ConstantOfShape(shape), { dtype: "float32", ...options });
spelling("RandomNormal", "random", 1, "RandomNormalLike", "numbers by chance, of a normal distribution, of a shape");
export const RandomNormal = (shape: Shape, options: Parameters<typeof RandomNormalLike>[1] = {}): Value =>
  RandomNormalLike(ConstantOfShape(shape), { dtype: "float32", ...options });

const multinomial: Operator<Draw & { readonly count: number }, One, One> = define({
  name: "Multinomial",
  family: "random",
  summary: "classes by chance, by the logarithms of their probabilities",
  since: 7,
  traits: { random: true },
  infer([x], { dtype, count }) {
    if (x.rank !== 2) throw unfit("Multinomial", [x], "needs [batch, classes].");
    return [{ dtype, shape: [at(x.shape, 0), count] }];
  },
  gradient: zeroDerivative,
  batch(inputs) {
    throw unfit("Multinomial", inputs, "takes no tasks; draw for all of them at once.");
  },
  evaluate({ inputs: [x], attributes, shapes: [shape] }) {
    const next = sequence(attributes);
    const classes = at(x.shape, 1);
    const pick = (_: unknown, i: number): number => {
      const row = x.data.subarray(Math.floor(i / attributes.count) * classes).subarray(0, classes);
      const most = Math.max(...row);
      let total = 0;
      const below = [...row].map((logit) => {
        total += Math.exp(logit - most);
        return total;
      });
      const drawn = next() * total;
      const found = below.findIndex((sum) => drawn < sum);
      return found < 0 ? classes - 1 : found;
    };
    return [Float64Array.from({ length: sizeOf(shape) }, pick)];
  },
});
/** ONNX Multinomial: so many classes for each row of `logits [batch, classes]`. */
export const Multinomial = applying(
  multinomial,
  (logits: Value, count = 1, { dtype = "int32", seed }: DrawOptions = {}): Value =>
    apply1(multinomial, [logits], { dtype, count, ...drawOf(seed) }),
);

type Dropped = Pick<Draw, "seed" | "draw">;
type DroppedInputs = readonly [x: Value, ratio: Value, training?: Value | undefined];

/** What numbers that are kept are multiplied by. */
function keptScale(ratio: Value, training: Value | undefined): Value {
  const scale = Div(1, Sub(1, ratio));
  return training ? Where(training, scale, 1) : scale;
}

const dropout: Operator<Dropped, DroppedInputs, Two> = define({
  name: "Dropout",
  family: "random",
  summary:
    "numbers left out by chance, the others larger; and which are kept. In inference the value itself (arXiv 1207.0580)",
  since: 13,
  traits: { random: true },
  infer: ([x]) => [
    { dtype: x.dtype, shape: x.shape },
    { dtype: "bool", shape: x.shape },
  ],
  // The numbers that were kept are those of this very draw.
  gradient({ inputs: [x, ratio, training], outputs: [, mask], cotangents: [g], needs }) {
    if (!g) return [];
    const scale = keptScale(ratio, training);
    if (!needs(1)) return [Where(mask, Mul(g, scale), 0)];
    const steeper = training ? Where(training, Mul(scale, scale), 0) : Mul(scale, scale);
    const byRatio = ReduceSum(Where(mask, Mul(g, x), 0), { keepdims: false });
    return [Where(mask, Mul(g, scale), 0), Reshape(Mul(byRatio, steeper), ratio.shape)];
  },
  decompose([x, ratio, training], { seed, draw }) {
    const drawn = apply1(uniformLike, [x], { low: 0, high: 1, dtype: x.dtype, seed, draw });
    const kept = GreaterOrEqual(drawn, ratio);
    const mask = training ? Or(kept, Not(training)) : kept;
    return [Where(mask, Mul(x, keptScale(ratio, training)), 0), mask];
  },
});

/** Options of leaving numbers out, as ONNX names them. */
export interface DropoutOptions {
  /** How many are left out. */
  readonly ratio?: number | Value;
  /** Whether any are: it is a matter of training. */
  readonly training?: boolean | Value;
  readonly seed?: number;
}

/** ONNX Dropout and which numbers are kept. */
export const dropped = applying(
  dropout,
  (x: Value, { ratio = 0.5, training = true, seed }: DropoutOptions = {}): readonly [y: Value, mask: Value] => {
    if (training === false) return [x, ConstantOfShape(x.shape, 1, "bool")];
    const share = Cast(lift(ratio, x.dtype), x.dtype);
    return apply(dropout, [x, share, training === true ? undefined : training], drawOf(seed));
  },
);
/** ONNX Dropout: the value itself, as in inference, unless it is asked for training. */
export const Dropout = (x: Value, options: DropoutOptions = {}): Value =>
  dropped(x, { training: false, ...options })[0];
