// Nodes by chance that move numbers about.
import { sizeOf } from "@innerloop/schemas";
import { broadcast, type Making } from "./random-making.ts";

export function transposed(making: Making): void {
  const value = making.ranked(1);
  if (!value) return;
  const order = value.shape.map((_, axis) => axis);
  for (let i = order.length - 1; i > 0; i--) {
    const other = making.choose(i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  const plain = making.choose(5) === 0;
  const perm = plain ? order.map((_, axis) => order.length - 1 - axis) : order;
  const shape = perm.map((axis) => value.shape[axis]!);
  making.add("Transpose", [value.name], { ...value, shape }, plain ? {} : { perm });
}

export function reshaped(making: Making): void {
  const value = making.any();
  if (!value) return;
  const size = sizeOf(value.shape);
  if (making.choose(5) === 0) {
    const { axis, told } = value.shape.length > 0 ? making.axis(value.shape.length) : { axis: 0, told: 0 };
    const shape = [sizeOf(value.shape.slice(0, axis)), sizeOf(value.shape.slice(axis))];
    making.add("Flatten", [value.name], { ...value, shape }, { axis: told });
    return;
  }
  if (size === 0) return;
  const shape: number[] = [];
  let left = size;
  while (left > 1 && shape.length < 4) {
    const divisors = [2, 3, 4, 5, 7, 8, 16, 17, left].filter((each) => left % each === 0);
    const by = making.one(divisors);
    shape.push(by);
    left /= by;
    if (making.choose(4) === 0) shape.push(1);
  }
  if (left > 1) shape.push(left);
  const told = [...shape];
  if (told.length > 0 && making.choose(3) === 0) told[making.choose(told.length)] = -1;
  for (const [axis, of] of told.entries())
    if (of > 0 && of === value.shape[axis] && making.choose(3) === 0) told[axis] = 0;
  making.add("Reshape", [value.name, making.wholes(told)], { ...value, shape });
}

export function squeezed(making: Making): void {
  const value = making.any();
  if (!value) return;
  const { shape } = value;
  const ones = shape.flatMap((size, axis) => (size === 1 && making.choose(3) > 0 ? [axis] : []));
  if (ones.length > 0 && making.choose(2) === 0) {
    const told = ones.map((axis) => (making.choose(2) === 0 ? axis : axis - shape.length));
    making.add("Squeeze", [value.name, making.wholes(told)], {
      ...value,
      shape: shape.filter((_, axis) => !ones.includes(axis)),
    });
    return;
  }
  if (shape.length > 4) return;
  const { axis, told } = making.axis(shape.length + 1);
  making.add("Unsqueeze", [value.name, making.wholes([told])], { ...value, shape: shape.toSpliced(axis, 0, 1) });
}

export function expanded(making: Making): void {
  const value = making.any(
    ({ dtype, shape }) => dtype === "float32" && sizeOf(shape) < 300 * making.scale && shape.length < 5,
  );
  if (!value) return;
  const grown = value.shape.map((size) => (size === 1 ? making.one([1, 2, 3, 5]) : size));
  const shape = making.choose(3) === 0 ? [making.one([1, 2, 3]), ...grown] : grown;
  const told = shape.map((size) => (making.choose(4) === 0 ? 1 : size));
  making.add("Expand", [value.name, making.wholes(told)], { ...value, shape: broadcast(value.shape, told)! });
}

export function sliced(making: Making): void {
  const value = making.ranked(1);
  if (!value) return;
  const [starts, ends, axes, steps]: number[][] = [[], [], [], []];
  const shape = [...value.shape];
  for (const [axis, size] of value.shape.entries()) {
    if (making.choose(2) === 0) continue;
    const step = making.one([1, 1, 2, 3, -1, -2]);
    const [start, end] = [making.choose(size + 2) - 1, making.choose(size + 3) - 1];
    const whole = making.choose(3) === 0;
    const [from, to] = whole ? (step > 0 ? [0, 2 ** 31 - 1] : [-1, -(2 ** 31) + 1]) : [start, end];
    starts!.push(from);
    ends!.push(to);
    axes!.push(making.choose(2) === 0 ? axis : axis - value.shape.length);
    steps!.push(step);
    shape[axis] = slicedSize(size, from, to, step);
  }
  if (axes!.length === 0) return;
  const inputs = [starts, ends, axes, steps].map((each) => making.wholes(each!));
  making.add("Slice", [value.name, ...inputs], { ...value, shape });
}

export function joined(making: Making): void {
  const value = making.ranked(1);
  if (!value) return;
  const { axis, told } = making.axis(value.shape.length);
  const parts: { readonly name: string; readonly shape: readonly number[]; readonly exact: boolean }[] = [value];
  for (let i = 0; i < 1 + making.choose(2); i++) {
    const like = making.any(
      ({ dtype, shape }) =>
        dtype === "float32" &&
        shape.length === value.shape.length &&
        shape.every((size, at) => at === axis || size === value.shape[at]),
    );
    const shape = value.shape.with(axis, making.one([0, 1, 2, 3]));
    parts.push(making.choose(2) === 0 && like ? like : { name: making.floats(shape), shape, exact: true });
  }
  const size = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const exact = parts.every((part) => part.exact);
  making.add(
    "Concat",
    parts.map(({ name }) => name),
    { shape: value.shape.with(axis, size), dtype: "float32", exact },
    { axis: told },
  );
}

export function gathered(making: Making): void {
  const value = making.ranked(1, 4);
  if (!value) return;
  const { axis, told } = making.axis(value.shape.length);
  const size = value.shape[axis]!;
  if (size === 0) return;
  const shape = making.one([[], [1], [3], [2, 2], [5], [0]]);
  const data = BigInt64Array.from({ length: sizeOf(shape) }, () => BigInt(making.choose(2 * size) - size));
  const indices = { dtype: "int64", shape, data } as const;
  let name: string;
  if (making.around || making.choose(2) === 0) name = making.fixed(indices);
  else {
    name = `${making.name()}i`;
    making.feeds[name] = indices;
  }
  making.add(
    "Gather",
    [value.name, name],
    { ...value, shape: value.shape.toSpliced(axis, 1, ...shape) },
    { axis: told },
  );
}

export function padded(making: Making): void {
  const value = making.ranked(1, 4);
  if (!value) return;
  const mode = making.one(["constant", "constant", "edge", "reflect"]);
  if (mode !== "constant" && value.shape.some((size) => size < 3)) return;
  const least = mode === "constant" ? -1 : 0;
  const pads = Array.from({ length: 2 * value.shape.length }, () => Math.max(least, making.choose(5) - 2));
  const shape = value.shape.map((size, axis) => size + pads[axis]! + pads[axis + value.shape.length]!);
  if (shape.some((size) => size < 0) || (value.shape.includes(0) && mode !== "constant")) return;
  if (
    value.shape.some(
      (size, axis) => size + Math.min(0, pads[axis]!) + Math.min(0, pads[axis + value.shape.length]!) < 0,
    )
  )
    return;
  making.add("Pad", [value.name, making.wholes(pads)], { ...value, shape }, { mode });
}

export function tiled(making: Making): void {
  const value = making.any(
    ({ dtype, shape }) => dtype === "float32" && sizeOf(shape) < 300 * making.scale && shape.length > 0,
  );
  if (!value) return;
  const times = value.shape.map(() => making.one([1, 1, 2, 3]));
  if (sizeOf(times) > 12) return;
  making.add("Tile", [value.name, making.wholes(times)], {
    ...value,
    shape: value.shape.map((size, axis) => size * times[axis]!),
  });
}

export function split(making: Making): void {
  const value = making.ranked(1);
  if (!value) return;
  const { axis, told } = making.axis(value.shape.length);
  const first = making.choose(value.shape[axis]! + 1);
  const sizes = [first, value.shape[axis]! - first];
  const names = [making.name(), making.name()];
  making.nodes.push(["Split", [value.name, making.wholes(sizes)], names, { axis: told }]);
  for (const [i, name] of names.entries())
    making.values.push({ ...value, name, shape: value.shape.with(axis, sizes[i]!) });
}

/** Sizes that are computed: of another value's shape. */
export function sized(making: Making): void {
  const value = making.ranked(1, 4);
  if (!value) return;
  const shape = making.name();
  making.nodes.push(["Shape", [value.name], [shape]]);
  const ones = making.add("ConstantOfShape", [shape], { shape: value.shape, dtype: "float32", exact: true });
  making.add("Add", [ones.name, value.name], { ...value });
}

export function trilu(making: Making): void {
  const value = making.ranked(2, 4);
  if (!value) return;
  const k = making.fixed({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(making.choose(5) - 2)) });
  making.add("Trilu", [value.name, k], value, { upper: making.choose(2) });
}

/** Numbers picked one by one, or rows of them. */
export function chosen(making: Making): void {
  const value = making.ranked(1, 4, true);
  if (!value) return;
  const { shape } = value;
  const { axis, told } = making.axis(shape.length);
  const operator = making.one(["GatherElements", "GatherND", "ScatterElements", "ScatterND"]);
  const index = (limit: number) => BigInt(making.choose(2 * limit) - limit);
  if (operator === "GatherElements" || operator === "ScatterElements") {
    const over = shape.map((size, at) =>
      at === axis ? 1 + making.choose(size) : Math.max(1, size - making.choose(2)),
    );
    // Each place is written once.
    const data = BigInt64Array.from({ length: sizeOf(over) }, (_, i) => {
      if (operator === "GatherElements") return index(shape[axis]!);
      return BigInt(Math.floor(i / sizeOf(over.slice(axis + 1))) % over[axis]!);
    });
    const indices = making.fixed({ dtype: "int64", shape: over, data });
    if (operator === "GatherElements")
      making.add(operator, [value.name, indices], { ...value, shape: over }, { axis: told });
    else {
      const how = making.one(["none", "add"]);
      making.add(
        operator,
        [value.name, indices, making.floats(over)],
        { ...value, exact: how === "none" && value.exact },
        { axis: told, reduction: how },
      );
    }
    return;
  }
  const depth = 1 + making.choose(shape.length);
  const count = 1 + making.choose(3);
  const rows = new Set<string>();
  const data: bigint[] = [];
  for (let i = 0; i < count; i++) {
    const row = shape.slice(0, depth).map((size) => making.choose(size));
    if (operator === "ScatterND" && rows.has(row.join())) continue;
    rows.add(row.join());
    data.push(...row.map((at, k) => BigInt(operator === "GatherND" && making.choose(3) === 0 ? at - shape[k]! : at)));
  }
  const indices = making.fixed({
    dtype: "int64",
    shape: [data.length / depth, depth],
    data: BigInt64Array.from(data),
  });
  const over = [data.length / depth, ...shape.slice(depth)];
  if (operator === "GatherND") making.add(operator, [value.name, indices], { ...value, shape: over });
  else making.add(operator, [value.name, indices, making.floats(over)], value);
}

/** The order of axes made another, gone over by a product, and made as it was: what passes look for. */
export function shuffled(making: Making): void {
  const value = making.ranked(3, 3);
  if (!value || value.shape.includes(0)) return;
  const [a, b, c] = value.shape as [number, number, number];
  const turned = making.add("Transpose", [value.name], { ...value, shape: [b, a, c] }, { perm: [1, 0, 2] });
  const flat = making.add("Reshape", [turned.name, making.wholes([b, -1])], { ...value, shape: [b, a * c] });
  const product = making.add("MatMul", [making.floats([3, b]), flat.name], {
    shape: [3, a * c],
    dtype: "float32",
    exact: false,
  });
  const shaped = making.add("Reshape", [product.name, making.wholes([3, a, c])], { ...product, shape: [3, a, c] });
  making.add("Transpose", [shaped.name], { ...shaped, shape: [a, 3, c] }, { perm: [1, 0, 2] });
}

export function sorted(making: Making): void {
  const value = making.any(
    ({ dtype, shape, exact }) => dtype === "float32" && exact && shape.length > 0 && !shape.includes(0),
  );
  if (!value) return;
  const { axis, told } = making.axis(value.shape.length);
  // More than one are left to ONNX Runtime.
  const count = 1;
  const [found, at] = [making.name(), making.name()];
  making.nodes.push([
    "TopK",
    [value.name, making.wholes([count])],
    [found, at],
    { axis: told, largest: making.choose(2) },
  ]);
  making.values.push({ ...value, name: found, shape: value.shape.with(axis, count) });
}

/** How many places a slice has. */
function slicedSize(size: number, start: number, end: number, step: number): number {
  const counted = (at: number) => (at < 0 ? at + size : at);
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const from = Math.min(Math.max(counted(start), step > 0 ? 0 : 0), step > 0 ? size : size - 1);
  const to = Math.min(Math.max(counted(end), low), high + (step > 0 ? 0 : 0));
  return Math.max(0, Math.ceil((to - from) / step));
}
