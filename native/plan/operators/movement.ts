// The same numbers elsewhere or in another shape, most of which costs nothing.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Node } from "../../read.ts";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import {
  axisOf,
  broadcast,
  deepest,
  expanded,
  permuted,
  reshaped,
  type Shape,
  sliced,
  type Value,
  withOnes,
} from "../views.ts";
import { hasChannelsLast, roomLike } from "./channels.ts";
import { axesOf, computed, intOf, intsOf, present, shapedAs, textOf } from "./parts.ts";
import { turnedPlaces } from "./points.ts";

/** More numbers than this no plan holds beforehand. */
const mostKnown = 2 ** 24;

const same: Compute = (_, [x], node) => [present(x, node)];

function reshapedSizes(from: Shape, given: Shape, node: Node): number[] {
  const zeros = intOf(node, "allowzero", 0) === 1;
  const sizes = given.map((size, axis) => (size === 0 && !zeros ? (from[axis] ?? 0) : size));
  const known = sizeOf(sizes.filter((size) => size !== -1));
  return sizes.map((size) => (size === -1 ? (known === 0 ? 0 : sizeOf(from) / known) : size));
}

const reshape: Compute = (plan, [x, shape], node) => {
  const value = present(x, node);
  const given = shape ? plan.numbers(shape) : (intsOf(node, "shape") ?? []);
  const sizes = reshapedSizes(value.shape, given, node);
  const before = plan.pending.before(value);
  if (before && before.shape.join() === sizes.join()) return [before];
  // Channels that come last are put second where something reads them so.
  if (hasChannelsLast(value) && !reshaped(value, sizes)) return [plan.pending.shaped(value, sizes)];
  return [shapedAs(plan, value, sizes)];
};

const squeeze: Compute = (plan, [x, given], node) => {
  const value = present(x, node);
  const axes = axesOf(plan, given, node, value.shape.length);
  const stays = value.shape.flatMap((size, axis) => ((axes ? axes.includes(axis) : size === 1) ? [] : [axis]));
  if (sizeOf(stays.map((axis) => value.shape[axis]!)) !== sizeOf(value.shape))
    throw refused("a Squeeze of many places");
  const [shape, strides] = [value.shape, value.strides].map((list) => stays.map((axis) => list[axis]!));
  return [{ ...value, shape: shape!, strides: strides! }];
};

const unsqueeze: Compute = (plan, [x, given], node) => {
  const value = present(x, node);
  const axes = given ? plan.numbers(given) : (intsOf(node, "axes") ?? []);
  const rank = value.shape.length + axes.length;
  return [
    withOnes(
      value,
      axes.map((axis) => axisOf(axis, rank)),
    ),
  ];
};

const flatten: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const [axis, rank] = [intOf(node, "axis", 1), value.shape.length];
  const first = axis < 0 ? axis + rank : axis;
  return [shapedAs(plan, value, [sizeOf(value.shape.slice(0, first)), sizeOf(value.shape.slice(first))])];
};

const transpose: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const reversed = value.shape.map((_, axis) => value.shape.length - 1 - axis);
  const turned = permuted(value, intsOf(node, "perm") ?? reversed);
  return [turnedPlaces(plan, turned) ?? turned];
};

const expand: Compute = (plan, [x, shape], node) => {
  const value = present(x, node);
  return [expanded(value, broadcast([value.shape, plan.numbers(present(shape, node))]))];
};

const slice: Compute = (plan, [x, ...given], node) => {
  let value = present(x, node);
  const [starts, ends, axes, steps] = ["starts", "ends", "axes", "steps"].map((name, i) => {
    const list = given[i];
    return list ? plan.numbers(list) : intsOf(node, name);
  });
  if (!starts || !ends) throw refused("a Slice without starts or ends");
  const rank = value.shape.length;
  for (const [i, start] of starts.entries()) {
    const axis = axisOf(axes?.[i] ?? i, rank);
    const [size, step] = [value.shape[axis]!, steps?.[i] ?? 1];
    const within = (place: number): number => {
      const counted = place < 0 ? place + size : place;
      return step > 0 ? Math.min(Math.max(counted, 0), size) : Math.min(Math.max(counted, -1), size - 1);
    };
    const [from, to] = [within(start), within(ends[i]!)];
    const count = Math.max(0, Math.ceil((to - from) / step));
    value =
      step > 0
        ? sliced(value, axis, from, count, step)
        : plan.pending.gathered(
            value,
            axis,
            Array.from({ length: count }, (_, at) => from + at * step),
          );
  }
  return [value];
};

const split: Compute = (plan, [x, given], node) => {
  const value = present(x, node);
  const axis = axisOf(intOf(node, "axis", 0), value.shape.length);
  const size = value.shape[axis]!;
  const count = intOf(node, "num_outputs", node.outputs.length);
  const even = Array.from({ length: count }, (_, i) => {
    const each = Math.ceil(size / count);
    return Math.min(each, size - i * each);
  });
  const sizes = given ? plan.numbers(given) : (intsOf(node, "split") ?? even);
  let start = 0;
  return sizes.map((length) => {
    start += length;
    return sliced(value, axis, start - length, length);
  });
};

const concat: Compute = (plan, inputs, node) => {
  const values = inputs.map((value) => present(value, node));
  const axis = axisOf(intOf(node, "axis", 0), values[0]!.shape.length);
  const parts = values.filter(({ shape }) => shape[axis] !== 0);
  return [parts.length < 2 ? (parts[0] ?? values[0]!) : plan.pending.joined(parts, axis)];
};

const tile: Compute = (plan, [x, repeats], node) => {
  const value = present(x, node);
  const times = plan.numbers(present(repeats, node));
  const apart = withOnes(
    value,
    times.map((_, axis) => 2 * axis),
  );
  const repeated = expanded(
    apart,
    apart.shape.map((size, axis) => (axis % 2 === 0 ? times[axis / 2]! : size)),
  );
  return [
    shapedAs(
      plan,
      repeated,
      value.shape.map((size, axis) => size * times[axis]!),
    ),
  ];
};

const pad: Compute = (plan, [x, given, number, axesGiven], node) => {
  const value = present(x, node);
  const pads = given ? plan.numbers(given) : (intsOf(node, "pads") ?? []);
  const axes = axesGiven ? plan.numbers(axesGiven) : value.shape.map((_, axis) => axis);
  const [before, after] = [0, 1].map((end) => {
    const list = value.shape.map(() => 0);
    for (const [i, axis] of axes.entries()) list[axisOf(axis, list.length)] = pads[i + end * axes.length]!;
    return list;
  }) as [number[], number[]];
  const mode = textOf(node, "mode", "constant");
  const filling = number ?? plan.constant([node.attributes.value?.floats[0] ?? 0], []);
  if (mode === "constant") return [padded(plan, value, before, after, filling)];
  return [
    value.shape.reduce((result, size, axis) => {
      if (before[axis] === 0 && after[axis] === 0) return result;
      const indices = Array.from({ length: size + before[axis]! + after[axis]! }, (_, i) =>
        placeIn(i - before[axis]!, size, mode),
      );
      return plan.pending.gathered(result, axis, indices);
    }, value),
  ];
};

/** Where a padded place looks. */
function placeIn(place: number, size: number, mode: string): number {
  if (mode === "edge") return Math.min(Math.max(place, 0), size - 1);
  if (mode === "wrap") return ((place % size) + size) % size;
  if (mode !== "reflect") throw refused(`a Pad by ${mode}`);
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((place % period) + period) % period;
  return folded < size ? folded : period - folded;
}

/** With numbers of its own before and after each axis; fewer than none cut some off. */
export function padded(plan: Plan, value: Value, before: Shape, after: Shape, filling: Value): Value {
  const cut = value.shape.reduce((result, size, axis) => {
    const [first, last] = [Math.max(0, -before[axis]!), Math.max(0, -after[axis]!)];
    return first + last === 0 ? result : sliced(result, axis, first, Math.max(0, size - first - last));
  }, value);
  const [more, end] = [before, after].map((list) => list.map((size) => Math.max(0, size))) as [number[], number[]];
  if ([...more, ...end].every((size) => size === 0)) return cut;
  const shape = cut.shape.map((size, axis) => size + more[axis]! + end[axis]!);
  const out = roomLike(plan, [value], shape, value.dtype, deepest(value, filling));
  const one = { ...filling, shape: [], strides: [] };
  // What is around an axis, inside of the axes before it; no place twice.
  let inside = out;
  for (const [axis, size] of cut.shape.entries()) {
    for (const [start, count] of [
      [0, more[axis]!],
      [more[axis]! + size, end[axis]!],
    ] as const) {
      const side = sliced(inside, axis, start, count);
      if (sizeOf(side.shape) > 0) plan.copy(expanded(one, side.shape), side);
    }
    inside = sliced(inside, axis, more[axis]!, size);
  }
  if (sizeOf(cut.shape) > 0) plan.copy(cut, inside);
  return out;
}

const shape: Compute = (plan, [x], node) => {
  const sizes = present(x, node).shape.slice(
    intOf(node, "start", 0),
    node.attributes.end ? intOf(node, "end", 0) : undefined,
  );
  return [plan.constant(sizes, [sizes.length], "int64")];
};

const range: Compute = (plan, inputs, node) => {
  const [start = 0, limit = 0, delta = 1] = inputs.map((value) => plan.numbers(present(value, node))[0]!);
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!(count <= mostKnown)) throw refused(`a Range of ${count} numbers`);
  return [
    plan.constant(
      Float32Array.from({ length: count }, (_, i) => start + i * delta),
      [count],
      inputs[0]!.dtype,
    ),
  ];
};

const constant: Compute = (plan, _, { attributes: { value, value_float, value_floats, value_int, value_ints } }) => {
  if (value?.tensor) return [plan.tensor(value.tensor)];
  const [float, int] = [value_float?.floats[0], value_int?.ints[0]];
  if (float !== undefined) return [plan.constant([float], [])];
  if (int !== undefined) return [plan.constant([int], [], "int64")];
  const [floats, ints] = [value_floats?.floats, value_ints?.ints];
  if (floats) return [plan.constant(floats, [floats.length])];
  if (ints) return [plan.constant(ints, [ints.length], "int64")];
  throw refused("a Constant that is no tensor");
};

const constantOfShape: Compute = (plan, [x], node) => {
  const { value } = node.attributes;
  const one = value?.tensor ? plan.tensor(value.tensor) : plan.constant([0], []);
  return [expanded({ ...one, shape: [], strides: [] }, plan.numbers(present(x, node)))];
};

/** The triangle above or below a diagonal; zeros elsewhere. */
const trilu: Compute = (plan, [x, k], node) => {
  const value = present(x, node);
  const [rows = 1, columns = 1] = value.shape.slice(-2);
  const [diagonal = 0] = k ? plan.numbers(k) : [];
  const upper = intOf(node, "upper", 1) === 1;
  const kept = Float32Array.from({ length: rows * columns }, (_, i) => {
    const along = (i % columns) - Math.floor(i / columns) - diagonal;
    return (upper ? along >= 0 : along <= 0) ? 1 : 0;
  });
  const mask = plan.constant(kept, [rows, columns], "bool");
  return [
    computed(plan, [mask, value], value.dtype, (code, keep, number) =>
      code.call("where", keep!, number!, { number: 0 }),
    ),
  ];
};

const depthToSpace: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const [n = 1, c = 1, h = 1, w = 1] = value.shape;
  const size = intOf(node, "blocksize", 1);
  const deep = c / size ** 2;
  const first = textOf(node, "mode", "DCR") === "DCR";
  const apart = shapedAs(plan, value, first ? [n, size, size, deep, h, w] : [n, deep, size, size, h, w]);
  const moved = permuted(apart, first ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]);
  return [shapedAs(plan, moved, [n, deep, h * size, w * size])];
};

const spaceToDepth: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const [n = 1, c = 1, h = 1, w = 1] = value.shape;
  const size = intOf(node, "blocksize", 1);
  const apart = shapedAs(plan, value, [n, c, h / size, size, w / size, size]);
  return [shapedAs(plan, permuted(apart, [0, 3, 5, 1, 2, 4]), [n, c * size ** 2, h / size, w / size])];
};

export const movement: Readonly<Record<string, Compute>> = {
  Identity: same,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Flatten: flatten,
  Transpose: transpose,
  Expand: expand,
  Slice: slice,
  Split: split,
  Concat: concat,
  Tile: tile,
  Pad: pad,
  Shape: shape,
  Size: (plan, [x], node) => [plan.constant([sizeOf(present(x, node).shape)], [], "int64")],
  Range: range,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Trilu: trilu,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
