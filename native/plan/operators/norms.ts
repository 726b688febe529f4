// What is made of whole rows: softmax, norms.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import type { Access, RowWise } from "../steps.ts";
import { accessOf, axisOf, deepest, expanded, permuted, reshaped, type Shape, type Value, withOnes } from "../views.ts";
import { computed, each, floatOf, intOf, intsOf, present, scaled } from "./parts.ts";
import { reduce, without } from "./reductions.ts";

/** Rows of which each lies together, and how far they are apart. */
function rowsOf(plan: Plan, value: Value, rows: number, size: number): Access {
  const real = plan.real(value);
  const seen = reshaped(real, [rows, size]);
  const view = seen && (size === 1 || seen.strides[1] === 1) ? seen : reshaped(plan.written(value), [rows, size])!;
  return { ...accessOf(view), strides: [view.strides[0]!] };
}

/** Along an axis, which stays for the place of the largest number with one place. */
export function rowwise(plan: Plan, value: Value, axis: number, what: RowWise["what"]): Value {
  const last = value.shape.length - 1;
  if (axis !== last && sizeOf(value.shape.slice(axis + 1)) > 1) {
    const order = value.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return permuted(rowwise(plan, permuted(value, order), last, what), order);
  }
  const places = what === "argmax";
  const out = plan.room(places ? value.shape.with(axis, 1) : value.shape, places ? "int64" : "float32", value.depth);
  const size = value.shape[axis] ?? 1;
  rowwiseOf(plan, value, out, size, what);
  return out;
}

function rowwiseOf(plan: Plan, value: Value, out: Value, size: number, what: RowWise["what"]): void {
  const rows = size === 0 ? 0 : sizeOf(value.shape) / size;
  plan.step(out.depth, {
    ...{ kind: "rowwise", what, rows, size },
    from: rowsOf(plan, value, rows, size),
    out: { ...accessOf(out), strides: [what === "argmax" ? 1 : size] },
  });
}

const soft =
  (what: "softmax" | "logSoftmax"): Compute =>
  (plan, [x], node) => {
    const value = present(x, node);
    const early = node.opset < 13;
    const axis = axisOf(intOf(node, "axis", early ? 1 : -1), value.shape.length);
    if (!early) return [rowwise(plan, value, axis, what)];
    // Early opsets have one row of all axes from there on.
    const out = plan.room(value.shape, "float32", value.depth);
    rowwiseOf(plan, value, out, sizeOf(value.shape.slice(axis)), what);
    return [out];
  };

/** Whether a known array has this number everywhere. */
function isAll(plan: Plan, value: Value, number: number): boolean {
  if (value.depth > 0) return false;
  const numbers = plan.numbers(value);
  let i = 0;
  while (i < numbers.length && numbers[i] === number) i++;
  return i === numbers.length;
}

/** A gain or a bias as one row; nothing, where it changes nothing. */
function row(plan: Plan, value: Value | undefined, shape: Shape, neutral: number): Access | undefined {
  if (!value || isAll(plan, value, neutral)) return undefined;
  return { ...accessOf(plan.written(expanded(value, shape))), strides: [0] };
}

const layerNormalization: Compute = (plan, [x, scale, offset], node) => {
  const value = present(x, node);
  const axis = axisOf(intOf(node, "axis", -1), value.shape.length);
  const [lead, own] = [value.shape.slice(0, axis), value.shape.slice(axis)];
  const [rows, size] = [sizeOf(lead), sizeOf(own)];
  const [gain, bias] = [row(plan, scale, own, 1), row(plan, offset, own, 0)];
  const depth = deepest(value, scale, offset);
  const out = plan.room(value.shape, "float32", depth);
  const [mean, inverse] = [1, 2].map((output) =>
    node.outputs[output] ? plan.room([...lead, ...own.map(() => 1)], "float32", depth) : undefined,
  );
  const statistic = (of: Value): Access => ({ ...accessOf(of), strides: [1] });
  plan.step(depth, {
    ...{ kind: "norm", rows, size, epsilon: floatOf(node, "epsilon", 1e-5), gainRows: 1 },
    from: rowsOf(plan, value, rows, size),
    ...(gain ? { gain } : {}),
    ...(bias ? { bias } : {}),
    out: { ...accessOf(out), strides: [size] },
    ...(mean ? { mean: statistic(mean) } : {}),
    ...(inverse ? { inverse: statistic(inverse) } : {}),
  });
  return [out, mean, inverse];
};

/** Times one number a channel, the second axis, and plus another. */
function byChannels(plan: Plan, value: Value, gain: Value, bias: Value): Value {
  const others = value.shape.slice(2).map((_, i) => i + 1);
  return computed(plan, [value, withOnes(gain, others), withOnes(bias, others)], "float32", (code, p, s, t) =>
    code.call("add", code.call("multiply", p!, s!), t!),
  );
}

const batchNormalization: Compute = (plan, [x, ...given], node) => {
  const value = present(x, node);
  if (intOf(node, "training_mode", 0) !== 0) throw refused("BatchNormalization that trains");
  const [gain, bias, mean, variance] = given.map((each) => present(each, node)) as [Value, Value, Value, Value];
  const epsilon = floatOf(node, "epsilon", 1e-5);
  const deviation = computed(plan, [variance], "float32", (code, v) =>
    code.call("sqrt", code.call("add", v!, epsilon)),
  );
  const plain = isAll(plan, deviation, 1);
  const steep = plain ? gain : each(plan, "divide", [gain, deviation]);
  const less = isAll(plan, mean, 0);
  const shift = less
    ? bias
    : computed(plan, [bias, mean, steep], "float32", (code, b, m, s) =>
        code.call("subtract", b!, code.call("multiply", m!, s!)),
      );
  return [byChannels(plan, value, steep, shift)];
};

/** Rows of mean 0 and variance 1, without gain and bias. */
function normalized(plan: Plan, value: Value, rows: number, size: number, epsilon: number): Value {
  const out = plan.room(value.shape, "float32", value.depth);
  plan.step(out.depth, {
    ...{ kind: "norm", rows, size, epsilon, gainRows: 1 },
    from: rowsOf(plan, value, rows, size),
    out: { ...accessOf(out), strides: [size] },
  });
  return out;
}

const instanceNormalization: Compute = (plan, [x, scale, offset], node) => {
  const value = present(x, node);
  const rows = sizeOf(value.shape.slice(0, 2));
  const even = normalized(plan, value, rows, sizeOf(value.shape.slice(2)), floatOf(node, "epsilon", 1e-5));
  return [byChannels(plan, even, present(scale, node), present(offset, node))];
};

const groupNormalization: Compute = (plan, [x, scale, offset], node) => {
  const value = present(x, node);
  if (node.opset < 21) throw refused("GroupNormalization with numbers for groups");
  const groups = intOf(node, "num_groups", 1);
  const rows = value.shape[0]! * groups;
  const even = normalized(plan, value, rows, sizeOf(value.shape) / rows, floatOf(node, "epsilon", 1e-5));
  return [byChannels(plan, even, present(scale, node), present(offset, node))];
};

/** Divided by the root of the mean of squares. */
const rmsNormalization: Compute = (plan, [x, scale], node) => {
  const value = present(x, node);
  const axis = axisOf(intOf(node, "axis", -1), value.shape.length);
  const axes = value.shape.flatMap((_, i) => (i >= axis ? [i] : []));
  const squares = reduce(plan, [value], axes, "sum", (code, p) => code.call("multiply", p!, p!));
  const count = sizeOf(value.shape.slice(axis));
  const root = computed(plan, [scaled(plan, squares, 1 / count)], "float32", (code, s) =>
    code.call("sqrt", code.call("add", s!, floatOf(node, "epsilon", 1e-5))),
  );
  return [
    computed(plan, [value, root, present(scale, node)], "float32", (code, p, r, s) =>
      code.call("multiply", code.call("divide", p!, r!), s!),
    ),
  ];
};

/** Less the mean and divided by the deviation along axes, which are those of examples and space unless it says others. */
const meanVarianceNormalization: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const axes = (intsOf(node, "axes") ?? [0, 2, 3]).map((axis) => axisOf(axis, value.shape.length));
  const share = 1 / sizeOf(axes.map((axis) => value.shape[axis]!));
  const mean = scaled(plan, reduce(plan, [value], axes, "sum"), share);
  const squares = reduce(plan, [value, mean], axes, "sum", (code, p, m) => {
    const less = code.call("subtract", p!, m!);
    return code.call("multiply", less, less);
  });
  return [
    computed(plan, [value, mean, squares], "float32", (code, p, m, s) => {
      const deviation = code.call("sqrt", code.call("multiply", s!, share));
      return code.call("divide", code.call("subtract", p!, m!), code.call("add", deviation, 1e-9));
    }),
  ];
};

const lpNormalization: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const axis = axisOf(intOf(node, "axis", -1), value.shape.length);
  const two = intOf(node, "p", 2) === 2;
  const sums = reduce(plan, [value], [axis], "sum", (code, p) =>
    two ? code.call("multiply", p!, p!) : code.call("absolute", p!),
  );
  return [
    computed(plan, [value, sums], "float32", (code, p, s) => {
      const length = two ? code.call("sqrt", s!) : s!;
      return code.call("where", length, code.call("divide", p!, length), { number: 0 });
    }),
  ];
};

const placeOfMost =
  (sign: 1 | -1): Compute =>
  (plan, [x], node) => {
    const value = present(x, node);
    if (intOf(node, "select_last_index", 0) !== 0) throw refused(`${node.operator} of the last place`);
    const axis = axisOf(intOf(node, "axis", 0), value.shape.length);
    const of = sign === 1 ? value : each(plan, "negative", [value]);
    return [without(rowwise(plan, of, axis, "argmax"), [axis], intOf(node, "keepdims", 1) === 1)];
  };

export const norms: Readonly<Record<string, Compute>> = {
  Softmax: soft("softmax"),
  LogSoftmax: soft("logSoftmax"),
  LayerNormalization: layerNormalization,
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  RMSNormalization: rmsNormalization,
  ArgMax: placeOfMost(1),
  ArgMin: placeOfMost(-1),
  MeanVarianceNormalization: meanVarianceNormalization,
  LpNormalization: lpNormalization,
};
