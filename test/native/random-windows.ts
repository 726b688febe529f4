// Nodes by chance over windows of axes.
import { sizeOf } from "@innerloop/schemas";
import type { Making } from "./random-making.ts";

export function convolved(making: Making): void {
  const value = making.ranked(3, 4, true);
  if (!value || sizeOf(value.shape) > 1500 * making.scale) return;
  const [examples = 0, channels = 0, ...space] = value.shape;
  const group = channels % 2 === 0 && making.choose(2) === 0 ? 2 : making.choose(4) === 0 ? channels : 1;
  const filters = group * making.one([1, 2, 3, ...(making.scale > 1 ? [16, 40] : [])]);
  const geometry = windowOver(making, space);
  if (!geometry) return;
  const { kernel, places, attributes } = geometry;
  const inputs = [
    value.name,
    making.floats([filters, channels / group, ...kernel]),
    ...(making.choose(2) === 0 ? [making.floats([filters])] : []),
  ];
  making.add(
    "Conv",
    inputs,
    { shape: [examples, filters, ...places], dtype: "float32", exact: false },
    { ...attributes, group },
  );
}

/** A window over axes, as it stands in attributes. */
function windowOver(making: Making, space: readonly number[], most = 3) {
  const kernel = space.map(() => 1 + making.choose(most));
  const [strides, dilations] = [space.map(() => making.one([1, 1, 2, 3])), space.map(() => making.one([1, 1, 2]))];
  const pads = [...kernel, ...kernel].map((size) => making.choose(size));
  const places = space.map((size, axis) => {
    const span = (kernel[axis]! - 1) * dilations[axis]! + 1;
    return Math.floor((size + pads[axis]! + pads[axis + space.length]! - span) / strides[axis]!) + 1;
  });
  if (places.some((count) => count < 1)) return undefined;
  return { kernel, places, attributes: { kernel_shape: kernel, strides, dilations, pads } };
}

export function pooled(making: Making): void {
  const value = making.ranked(3, 4, true);
  if (!value) return;
  const [examples = 0, channels = 0, ...space] = value.shape;
  if (making.choose(4) === 0) {
    const shape = [examples, channels, ...space.map(() => 1)];
    making.add("GlobalAveragePool", [value.name], { shape, dtype: "float32", exact: false });
    return;
  }
  const geometry = windowOver(making, space);
  if (!geometry) return;
  const { places, attributes } = geometry;
  const shape = [examples, channels, ...places];
  // Windows of nothing but what is not there are the least number of one's choice.
  const some = geometry.kernel.every((size, axis) => geometry.attributes.dilations[axis] === 1 || size === 1);
  if (making.choose(2) === 0 && some) making.add("MaxPool", [value.name], { ...value, shape }, attributes);
  else {
    const { dilations: _, ...rest } = attributes;
    const count = making.choose(2);
    const even = space.map((size, axis) => {
      const pads = rest.pads[axis]! + rest.pads[axis + space.length]!;
      return Math.floor((size + pads - rest.kernel_shape[axis]!) / rest.strides[axis]!) + 1;
    });
    making.add(
      "AveragePool",
      [value.name],
      { shape: [examples, channels, ...even], dtype: "float32", exact: false },
      { ...rest, count_include_pad: count },
    );
  }
}

export function spread(making: Making): void {
  const value = making.ranked(3, 4, true);
  if (!value) return;
  const [examples = 0, channels = 0, ...space] = value.shape;
  if (space.length !== 2) {
    const given = [0, 1].map(() => making.floats([channels]));
    making.add(
      "InstanceNormalization",
      [value.name, ...given],
      { ...value, exact: false },
      { epsilon: { float: 0.1 } },
    );
    return;
  }
  const [rows, columns] = space as [number, number];
  if (channels % 4 === 0)
    making.add(
      "DepthToSpace",
      [value.name],
      { ...value, shape: [examples, channels / 4, 2 * rows, 2 * columns] },
      { blocksize: 2, mode: making.one(["DCR", "CRD"]) },
    );
  else if (rows % 2 === 0 && columns % 2 === 0)
    making.add(
      "SpaceToDepth",
      [value.name],
      { ...value, shape: [examples, 4 * channels, rows / 2, columns / 2] },
      { blocksize: 2 },
    );
}

export function transposedConv(making: Making): void {
  const value = making.ranked(3, 4, true);
  if (!value || sizeOf(value.shape) > 800 * making.scale) return;
  const [examples = 0, channels = 0, ...space] = value.shape;
  const group = channels % 2 === 0 && making.choose(2) === 0 ? 2 : 1;
  const filters = making.one([1, 2, 3]);
  const kernel = space.map(() => 1 + making.choose(3));
  const [strides, dilations] = [space.map(() => making.one([1, 1, 2, 3])), space.map(() => making.one([1, 1, 2]))];
  const pads = [...kernel, ...kernel].map((size) => making.choose(size));
  const output_padding = strides.map((stride) => making.choose(stride));
  const places = space.map(
    (size, axis) =>
      strides[axis]! * (size - 1) +
      output_padding[axis]! +
      (kernel[axis]! - 1) * dilations[axis]! +
      1 -
      pads[axis]! -
      pads[axis + space.length]!,
  );
  if (places.some((count) => count < 1)) return;
  const inputs = [
    value.name,
    making.floats([channels, filters, ...kernel]),
    ...(making.choose(2) === 0 ? [making.floats([filters * group])] : []),
  ];
  const made = { shape: [examples, filters * group, ...places], dtype: "float32", exact: false } as const;
  making.add("ConvTranspose", inputs, made, { kernel_shape: kernel, strides, dilations, pads, output_padding, group });
}
