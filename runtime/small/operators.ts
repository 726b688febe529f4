// The operators of ONNX that are computed here, each as the steps of a plan.
import { dtypeBy, sizeOf } from "@innerloop/schemas/bundle";
import { type Node, refused } from "./file.ts";
import { loop } from "./loop.ts";
import { type Compute, deepest, mostBytes, type Plan, type Value } from "./plan.ts";
import { product } from "./products.ts";
import { layerNormalization, logSoftmax, maximum, reduced, rowwise, softmax } from "./reductions.ts";
import { binaryNames, unaryNames } from "./routines.ts";
import {
  axisOf,
  broadcast,
  distances,
  floatOf,
  inScript,
  intOf,
  looked,
  numberwise,
  present,
  type Shape,
  scalar,
  scaled,
  seen,
  sourcesOf,
} from "./steps.ts";

const each =
  (compute: (x: number) => number): Compute =>
  (plan, [x], node) => {
    const value = present(x, node);
    return [
      inScript(plan, value, value.shape, "float32", (from, to) => {
        for (let i = 0; i < to.length; i++) to[i] = compute(from[i]!);
      }),
    ];
  };

const same: Compute = (_, [x], node) => [present(x, node)];

/** Another shape of the same numbers. */
const shaped =
  (shapeOf: (shape: Shape, given: Shape | undefined, node: Node) => Shape): Compute =>
  (plan, [x, given], node) => {
    const value = present(x, node);
    const asked = given ? plan.numbers(given) : node.attributes.axes?.ints;
    return [seen(plan, value, shapeOf(value.shape, asked, node))];
  };

function reshaped(from: Shape, given: Shape | undefined, node: Node): Shape {
  if (intOf(node, "allowzero", 0) === 1) throw refused("a Reshape with allowzero");
  const sizes = (given ?? []).map((size, axis) => (size === 0 ? from[axis]! : size));
  const known = sizeOf(sizes.filter((size) => size !== -1));
  return sizes.map((size) => (size === -1 ? sizeOf(from) / known : size));
}

const truths = new Set(["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"]);

const binaries = Object.fromEntries(
  [...binaryNames].map((name): [string, Compute] => [
    name,
    (plan, [a, b, ...others], node) => {
      const [x, y] = [present(a, node), present(b, node)];
      if (others.length > 0) throw refused(`${name} of more than two`);
      if (name === "Div" && x.dtype !== "float32") throw refused("Div of whole numbers");
      return [numberwise(plan, name, [x, y], truths.has(name) ? "bool" : x.dtype)];
    },
  ]),
);

const unaries = Object.fromEntries(
  [...unaryNames].map((name): [string, Compute] => [
    name,
    (plan, [x], node) => {
      const value = present(x, node);
      return [numberwise(plan, name, [value], value.dtype)];
    },
  ]),
);

export const operators: Readonly<Record<string, Compute>> = {
  ...binaries,
  ...unaries,
  And: (plan, [a, b], node) => [numberwise(plan, "Mul", [present(a, node), present(b, node)], "bool")],
  Or: (plan, [a, b], node) => [numberwise(plan, "Max", [present(a, node), present(b, node)], "bool")],
  Where: (plan, [c, a, b], node) => {
    const yes = present(a, node);
    return [numberwise(plan, "Where", [present(c, node), yes, present(b, node)], yes.dtype)];
  },
  HardSigmoid: (plan, [x], node) => {
    const steep = scaled(plan, present(x, node), floatOf(node, "alpha", 0.2));
    const offset = floatOf(node, "beta", 0.5);
    const moved = offset === 0 ? steep : numberwise(plan, "Add", [steep, scalar(plan, offset)], "float32");
    const above = numberwise(plan, "Relu", [moved], "float32");
    return [numberwise(plan, "Min", [above, scalar(plan, 1)], "float32")];
  },
  Exp: each(Math.exp),
  Log: each(Math.log),
  Tanh: each(Math.tanh),
  Sigmoid: each((x) => 1 / (1 + Math.exp(-x))),
  Softmax: rowwise(softmax),
  LogSoftmax: rowwise(logSoftmax),
  Cast: (plan, [x], node) => {
    const value = present(x, node);
    const to = dtypeBy("onnx", intOf(node, "to", 0));
    if (to === "bool") return [numberwise(plan, "Truth", [value], to)];
    if (to !== "float32" && to !== "int64" && to !== "int32") throw refused(`a Cast to ${to}`);
    if (to !== "float32" && value.dtype === "float32") return [numberwise(plan, "Truncated", [value], to)];
    return [seen(plan, value, value.shape, to)];
  },
  MatMul: (plan, [a, b], node) => [product(plan, present(a, node), present(b, node))],
  Gemm: (plan, [a, b, c], node) => {
    const turned = (value: Value, name: string) =>
      intOf(node, name, 0) === 1 ? transposed(plan, value, [1, 0]) : value;
    const factors = product(plan, turned(present(a, node), "transA"), turned(present(b, node), "transB"));
    const result = scaled(plan, factors, floatOf(node, "alpha", 1));
    if (!c) return [result];
    return [numberwise(plan, "Add", [result, scaled(plan, c, floatOf(node, "beta", 1))], "float32")];
  },
  ReduceSum: reduced((_, sum) => sum),
  ReduceMean: reduced((plan, sum, count) => numberwise(plan, "Div", [sum, scalar(plan, count)], "float32")),
  ReduceSumSquare: reduced(
    (_, sum) => sum,
    (plan, x) => numberwise(plan, "Mul", [x, x], x.dtype),
  ),
  ReduceMax: maximum,
  LayerNormalization: layerNormalization,
  Identity: same,
  Reshape: shaped(reshaped),
  Squeeze: shaped((shape, axes) => {
    const gone = axes?.map((axis) => axisOf(axis, shape.length));
    return shape.filter((size, axis) => (gone ? !gone.includes(axis) : size !== 1));
  }),
  Unsqueeze: shaped((shape, axes = []) => {
    const rank = shape.length + axes.length;
    const made = axes.map((axis) => axisOf(axis, rank));
    const sizes = [...shape];
    return Array.from({ length: rank }, (_, axis) => (made.includes(axis) ? 1 : sizes.shift()!));
  }),
  Flatten: shaped((shape, _, node) => {
    const axis = axisOf(intOf(node, "axis", 1), shape.length);
    return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
  }),
  Transpose: (plan, [x], node) => {
    const value = present(x, node);
    const reversed = value.shape.map((_, axis) => value.shape.length - 1 - axis);
    return [transposed(plan, value, node.attributes.perm?.ints ?? reversed)];
  },
  Expand: (plan, [x, to], node) => {
    const value = present(x, node);
    const shape = broadcast([value.shape, plan.numbers(present(to, node))]);
    return [looked(plan, value, shape, () => sourcesOf(shape, distances(value.shape, shape)))];
  },
  Gather: (plan, [x, indices], node) => {
    const [value, at] = [present(x, node), present(indices, node)];
    const axis = axisOf(intOf(node, "axis", 0), value.shape.length);
    const [before, size, after] = [value.shape.slice(0, axis), value.shape[axis]!, value.shape.slice(axis + 1)];
    const [outer, inner] = [sizeOf(before), sizeOf(after)];
    const rows = plan.numbers(at).map((index) => axisOf(index, size));
    if (rows.some((row) => !(row >= 0 && row < size))) throw refused("a Gather beyond the end of an axis");
    const sources = () =>
      Array.from({ length: outer }, (_, o) =>
        rows.map((row) => Array.from({ length: inner }, (_, i) => (o * size + row) * inner + i)),
      );
    const shape = [...before, ...at.shape, ...after];
    return [looked(plan, value, shape, () => Int32Array.from(sources().flat(2)))];
  },
  Concat: (plan, inputs, node) => {
    const values = inputs.map((value) => plan.written(value));
    const first = present(values[0], node);
    const axis = axisOf(intOf(node, "axis", 0), first.shape.length);
    const shape = first.shape.map((size, i) =>
      i === axis ? values.reduce((sum, value) => sum + value.shape[axis]!, 0) : size,
    );
    const out = plan.room(shape, first.dtype, deepest(...values));
    const [outer, width] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
    const { machine } = plan;
    let start = 0;
    for (const value of values) {
      const [own, to] = [sizeOf(value.shape.slice(axis)), out.at / 4 + start];
      plan.step(out.depth, () => {
        for (let i = 0; i < outer; i++) {
          const from = value.at / 4 + i * own;
          machine.floats.copyWithin(to + i * width, from, from + own);
        }
      });
      start += own;
    }
    return [out];
  },
  Shape: (plan, [x], node) => {
    const { shape } = present(x, node);
    const sizes = shape.slice(intOf(node, "start", 0), node.attributes.end ? intOf(node, "end", 0) : undefined);
    return [plan.known(sizes, [sizes.length], "int64")];
  },
  Range: (plan, inputs, node) => {
    const [start = 0, limit = 0, delta = 1] = inputs.map((value) => plan.numbers(value)[0]!);
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!(4 * count <= mostBytes)) throw refused(`a Range of ${count} numbers`);
    const numbers = Array.from({ length: count }, (_, i) => start + i * delta);
    return [plan.known(numbers, [count], present(inputs[0], node).dtype)];
  },
  Constant: (plan, _, { attributes: { value } }) => {
    if (!value?.tensor) throw refused("a Constant that is no tensor");
    return [plan.tensor(value.tensor, 0)];
  },
  Loop: loop,
};

function transposed(plan: Plan, value: Value, perm: Shape): Value {
  const shape = perm.map((axis) => value.shape[axis]!);
  if (shape.length === 2 && perm[0] === 1)
    return value.turned ?? { shape, dtype: value.dtype, at: value.at, depth: value.depth, turned: value };
  const read = plan.written(value);
  const apart = distances(read.shape, read.shape);
  const along = perm.map((axis) => apart[axis]!);
  return looked(plan, read, shape, () => sourcesOf(shape, along));
}
