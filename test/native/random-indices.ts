// Nodes by chance that look numbers up at places which runs compute, or say where numbers are.
import { sizeOf } from "@innerloop/schemas";
import { broadcast, type Making, type Value } from "./random-making.ts";

/** Whole numbers from `-limit` on, or from 0, below `limit`: computed of others, fed, or known. */
function indicesBelow(making: Making, limit: number, shape: readonly number[], least = -limit): Value {
  const data = BigInt64Array.from({ length: sizeOf(shape) }, () => BigInt(least + making.choose(limit - least)));
  const tensor = { dtype: "int64", shape, data } as const;
  const made = { shape, dtype: "int64", exact: true } as const;
  if (making.choose(4) === 0) return { ...made, name: making.fixed(tensor) };
  const turn = making.any(
    ({ dtype, shape: own, name }) => dtype === "int64" && own.length === 0 && name.endsWith("turn"),
  );
  const fed = making.around ? making.fixed(tensor) : `${making.name()}i`;
  if (!making.around) making.feeds[fed] = tensor;
  const other = making.any(
    ({ dtype, shape: own, exact }) =>
      dtype === "int64" && exact && own.length <= shape.length && broadcast(own, shape)?.join() === shape.join(),
  );
  const by = turn && making.choose(2) === 0 ? turn : making.choose(2) === 0 ? other : undefined;
  if (!by) return { ...made, name: fed };
  const sum = making.add("Add", [fed, by.name], made);
  return making.add("Mod", [sum.name, making.whole(limit)], made);
}

/** Numbers, or rows, looked up at computed places. */
export function lookedUp(making: Making): void {
  const value = making.ranked(1, 4, true);
  if (!value) return;
  const { shape } = value;
  const { axis, told } = making.axis(shape.length);
  const operator = making.one(["Gather", "GatherElements", "GatherND"]);
  if (operator === "Gather") {
    const places = indicesBelow(making, shape[axis]!, making.one([[], [1], [3], [2, 2], [0], [17]]));
    const over = shape.toSpliced(axis, 1, ...places.shape);
    if (sizeOf(over) < 4000 * making.scale)
      making.add(operator, [value.name, places.name], { ...value, shape: over }, { axis: told });
    return;
  }
  if (operator === "GatherElements") {
    const over = shape.map((size, at) => (at === axis ? making.one([1, 2, 5]) : 1 + making.choose(size)));
    const places = indicesBelow(making, shape[axis]!, over);
    making.add(operator, [value.name, places.name], { ...value, shape: over }, { axis: told });
    return;
  }
  const batch = shape.length > 1 && making.choose(3) === 0 ? 1 : 0;
  const depth = 1 + making.choose(shape.length - batch);
  const lead = batch ? [shape[0]!, making.one([1, 3])] : making.one([[1], [4], [2, 3]]);
  const parts = Array.from({ length: depth }, (_, at) => indicesBelow(making, shape[batch + at]!, [...lead, 1]));
  const rank = lead.length + 1;
  const whole = joinedAt(making, parts, rank);
  const over = [...lead, ...shape.slice(batch + depth)];
  making.add(operator, [value.name, whole], { ...value, shape: over }, { batch_dims: batch });
}

/** Indices along a last axis of their own. */
function joinedAt(making: Making, parts: readonly Value[], rank: number): string {
  if (parts.length === 1) return parts[0]!.name;
  const shape = parts[0]!.shape.with(rank - 1, parts.length);
  const names = parts.map(({ name }) => name);
  return making.add("Concat", names, { shape, dtype: "int64", exact: true }, { axis: -1 }).name;
}

/** Numbers, or rows, put at computed places or added there; places may come twice. */
export function putAt(making: Making): void {
  const value = making.ranked(1, 4, true);
  if (!value) return;
  const { shape } = value;
  const how = making.one(["none", "add", "add"]);
  const exact = how === "none" && value.exact;
  const zeros = making.choose(3) === 0;
  const base = zeros ? making.fixed({ dtype: "float32", shape, data: new Float32Array(sizeOf(shape)) }) : value.name;
  if (making.choose(2) === 0) {
    const { axis, told } = making.axis(shape.length);
    const over = shape.map((size, at) => (at === axis ? making.one([1, 2, 5]) : 1 + making.choose(size)));
    const places = indicesBelow(making, shape[axis]!, over);
    const updates = updatesOf(making, over);
    const attributes = { axis: told, reduction: how };
    making.add(
      "ScatterElements",
      [base, places.name, updates.name],
      { ...value, exact: exact && updates.exact },
      attributes,
    );
    return;
  }
  const depth = 1 + making.choose(shape.length);
  const lead = making.one([[1], [4], [2, 3], [9]]);
  const parts = Array.from({ length: depth }, (_, at) => indicesBelow(making, shape[at]!, [...lead, 1]));
  const places = joinedAt(making, parts, lead.length + 1);
  const updates = updatesOf(making, [...lead, ...shape.slice(depth)]);
  making.add(
    "ScatterND",
    [base, places, updates.name],
    { ...value, exact: exact && updates.exact },
    { reduction: how },
  );
}

function updatesOf(making: Making, shape: readonly number[]): { readonly name: string; readonly exact: boolean } {
  const like = making.any((each) => each.dtype === "float32" && each.shape.join() === shape.join());
  return like && making.choose(2) === 0 ? like : { name: making.floats(shape), exact: true };
}

/** Rows of a table by computed words, gone over, and summed into the rows that they came from: an embedding and its gradient. */
export function embedded(making: Making): void {
  const [words, size] = [making.one([1, 5, 17, 33]), making.one([1, 3, 8, 16, 20])];
  const shape = making.one([[4], [2, 3], [1, 7]]);
  const places = indicesBelow(making, words, shape, 0);
  const table = making.floats([words, size]);
  const made = { shape: [...shape, size], dtype: "float32", exact: false } as const;
  const found = making.add("Gather", [table, places.name], { ...made, exact: true });
  const gone = making.add("Mul", [found.name, making.floats(found.shape.map((each) => making.one([1, each])))], {
    ...made,
    shape: found.shape,
  });
  const flat = making.add("Reshape", [gone.name, making.wholes([-1, size])], { ...made, shape: [sizeOf(shape), size] });
  const list = making.add("Reshape", [places.name, making.wholes([-1, 1])], { ...places, shape: [sizeOf(shape), 1] });
  const zeros = making.fixed({ dtype: "float32", shape: [words, size], data: new Float32Array(words * size) });
  making.add("ScatterND", [zeros, list.name, flat.name], { ...made, shape: [words, size] }, { reduction: "add" });
}

/** The largest numbers and where they are; the places as numbers. */
export function largestFew(making: Making): void {
  const value = making.any(
    ({ dtype, shape, exact }) => dtype === "float32" && exact && shape.length > 0 && !shape.includes(0),
  );
  if (!value) return;
  const { axis, told } = making.axis(value.shape.length);
  const count = 1 + making.choose(Math.min(5, value.shape[axis]!));
  const [found, at] = [making.name(), making.name()];
  const attributes = { axis: told, largest: making.choose(2) };
  making.nodes.push(["TopK", [value.name, making.wholes([count])], [found, at], attributes]);
  const shape = value.shape.with(axis, count);
  making.values.push({ ...value, name: found, shape }, { shape, name: at, dtype: "int64", exact: true });
}

/** The largest number of windows over one to three axes, and where it is. */
export function largestOfWindows(making: Making): void {
  const value = making.ranked(3, 5, true);
  if (!value?.exact) return;
  const [examples = 0, channels = 0, ...space] = value.shape;
  const kernel = space.map(() => 1 + making.choose(3));
  const strides = space.map(() => making.one([1, 2, 3]));
  const pads = [...kernel, ...kernel].map((size) => making.choose(size));
  const places = space.map((size, axis) => {
    const padded = size + pads[axis]! + pads[axis + space.length]!;
    return Math.floor((padded - kernel[axis]!) / strides[axis]!) + 1;
  });
  if (places.some((count) => count < 1)) return;
  const [found, at] = [making.name(), making.name()];
  making.nodes.push(["MaxPool", [value.name], [found, at], { kernel_shape: kernel, strides, pads }]);
  const shape = [examples, channels, ...places];
  making.values.push({ ...value, name: found, shape }, { shape, name: at, dtype: "int64", exact: true });
}

/** Whole numbers as numbers, and back. */
export function asNumbers(making: Making): void {
  const value = making.any(({ dtype, shape }) => dtype === "int64" && sizeOf(shape) < 2000 * making.scale);
  if (!value) return;
  const numbers = making.add("Cast", [value.name], { ...value, dtype: "float32" }, { to: 1 });
  if (making.choose(2) > 0) return;
  const half = making.fixed({ dtype: "float32", shape: [], data: Float32Array.of(making.one([0.5, -0.25, 1.5])) });
  const scaled = making.add("Mul", [numbers.name, half], numbers);
  making.add("Cast", [scaled.name], value, { to: 7 });
}

/** Whole numbers of arrays: counted with, compared, summed. */
export function wholesOver(making: Making): void {
  const value = making.any(({ dtype, shape }) => dtype === "int64" && sizeOf(shape) < 2000 * making.scale);
  if (!value) return;
  const small = making.add("Clip", [value.name, making.whole(-99), making.whole(99)], value);
  const other = indicesBelow(making, 9, making.beside(value.shape));
  const shape = broadcast(value.shape, other.shape)!;
  const made = { shape, dtype: "int64", exact: true } as const;
  const way = making.choose(5);
  if (way === 0) making.add(making.one(["Add", "Sub", "Mul", "Max", "Min"]), [small.name, other.name], made);
  else if (way === 1)
    making.add(making.one(["Div", "Mod"]), [small.name, making.whole(making.one([-7, -1, 2, 3, 10]))], small);
  else if (way === 2) {
    const truth = making.add(making.one(["Less", "Equal", "GreaterOrEqual"]), [small.name, other.name], {
      ...made,
      dtype: "bool",
    });
    making.add("Where", [truth.name, small.name, making.whole(4)], made);
  } else if (way === 3) making.add(making.one(["Neg", "Abs", "Sign"]), [small.name], small);
  else if (shape.length > 0 && !value.shape.includes(0) && value.shape.length > 0)
    making.add(
      "ReduceSum",
      [small.name, making.wholes([0])],
      { ...small, shape: value.shape.slice(1) },
      { keepdims: 0 },
    );
}
