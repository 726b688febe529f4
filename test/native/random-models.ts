// ONNX models by chance, with what they are fed: operators one after another over arrays of odd sizes, repeated, empty and of no axes, in bodies of loops too.
import { type DType, sizeOf, type Tensor } from "@innerloop/schemas";
import { type GraphOf, numbers } from "./models.ts";
import { broadcast, type Choose, type Growth, Making, type Value } from "./random-making.ts";
import * as ofNumbers from "./random-numbers.ts";
import * as ofPlaces from "./random-places.ts";
import * as ofWindows from "./random-windows.ts";

export interface RandomModel {
  readonly graph: GraphOf;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** @param size about how many nodes */
export function randomModel(seed: number, size = 8): RandomModel {
  const choose = chooser(seed);
  const making = new Making(choose, stepsOf);
  const feeds: Record<string, Tensor> = {};
  const types: Record<string, readonly [DType, ...number[]]> = {};
  for (let i = 0; i < 2 + choose(2); i++) {
    const shape = making.shape(i === 0 ? 1 : 0);
    feeds[`x${i}`] = numbers(shape, seed + 7919 * (i + 1));
    types[`x${i}`] = ["float32", ...shape];
    making.values.push({ name: `x${i}`, shape, dtype: "float32", exact: true });
  }
  making.grow(size);
  const outputs = making.last(1 + choose(3)).map(({ name }) => name);
  Object.assign(feeds, making.feeds);
  for (const [name, { dtype, shape }] of Object.entries(making.feeds)) types[name] = [dtype, ...shape];
  return { graph: { inputs: types, outputs, nodes: making.nodes, initializers: making.initializers }, feeds };
}

/** Whole numbers below one, by chance, the same every time. */
function chooser(seed: number): Choose {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (count) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) >>> 0;
    return Math.floor((((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * count);
  };
}

const plain = [ofNumbers, ofPlaces, ofWindows].flatMap((family): readonly Growth[] => Object.values(family));
/** What passes and lookups are there for is met more often. */
const often = [
  ofNumbers.binary,
  ofNumbers.unary,
  ofNumbers.reduced,
  ofNumbers.multiplied,
  ofPlaces.reshaped,
  ofPlaces.sliced,
  ofPlaces.gathered,
];

/** Loops are in loops once. */
const stepsOf = (making: Making) => [...plain, ...often, ...(making.depth > 1 ? [] : [looped, scanned])];

/** A body whose first value is `state`, and one of the same shape that it ends with. */
function bodyIn(around: Making, prefix: string, given: readonly Value[]) {
  const making = new Making(around.choose, around.steps, prefix, around);
  making.values.push(...given);
  making.grow(1 + making.choose(5));
  const [state] = given as [Value];
  const fits = ({ dtype, shape }: Value) =>
    dtype === "float32" && broadcast(state.shape, shape)?.join() === state.shape.join();
  const with_ = making.values.filter(fits).at(-1)!;
  // Never the state itself: what goes on is a value of the body.
  const next = making.add(
    "Mul",
    [
      making.add("Add", [state.name, with_.name], { ...state, exact: false }).name,
      making.fixed({ dtype: "float32", shape: [], data: Float32Array.of(0.5) }),
    ],
    { ...state, exact: false },
  );
  const last = making.values.filter(({ dtype }) => dtype === "float32").at(-2 - making.choose(2)) ?? next;
  const made = making.add("Neg", [last.name], { ...last, exact: false });
  return { making, next, made };
}

function looped(around: Making): void {
  const state = around.ranked(0, 4);
  if (!state || sizeOf(state.shape) > 600) return;
  const [prefix, count] = [`${around.name()}/`, around.one([0, 1, 2, 3, 5])];
  const carried = { ...state, name: `${prefix}state`, exact: false };
  const { making, next, made } = bodyIn(around, prefix, [carried]);
  making.nodes.push(["Identity", [`${prefix}on`], [`${prefix}still`]]);
  const body: GraphOf = {
    inputs: {
      [`${prefix}turn`]: ["int64"],
      [`${prefix}on`]: ["bool"],
      [carried.name]: ["float32", ...state.shape],
    },
    outputs: [`${prefix}still`, next.name, made.name],
    nodes: making.nodes,
    initializers: making.initializers,
  };
  const trips = around.fixed({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(count)) });
  const on = around.fixed({ dtype: "bool", shape: [], data: Uint8Array.of(1) });
  const [last, all] = [around.name(), around.name()];
  around.nodes.push(["Loop", [trips, on, state.name], [last, all], { body }]);
  around.values.push({ ...carried, name: last });
  // Of no turns ONNX Runtime knows no sizes.
  if (count > 0) around.values.push({ name: all, shape: [count, ...made.shape], dtype: "float32", exact: false });
}

function scanned(around: Making): void {
  // ONNX Runtime ends the process where a Scan goes over nothing, or gives nothing.
  const [state, over] = [around.ranked(0, 4, true), around.ranked(1, 4, true)];
  if (!state || !over || sizeOf(state.shape) > 600 || sizeOf(over.shape) > 1500) return;
  const prefix = `${around.name()}/`;
  const { axis, told } = around.axis(over.shape.length);
  const carried = { ...state, name: `${prefix}state`, exact: false };
  const slice: Value = { ...over, name: `${prefix}slice`, shape: over.shape.toSpliced(axis, 1) };
  const { making, next, made } = bodyIn(around, prefix, [carried, slice]);
  if (made.shape.includes(0)) return;
  const body: GraphOf = {
    inputs: { [carried.name]: ["float32", ...state.shape], [slice.name]: ["float32", ...slice.shape] },
    outputs: [next.name, made.name],
    nodes: making.nodes,
    initializers: making.initializers,
  };
  const [back, out] = [around.choose(2), around.choose(2)];
  const place = around.axis(made.shape.length + 1);
  const [last, all] = [around.name(), around.name()];
  const attributes = {
    ...{ body, num_scan_inputs: 1, scan_input_axes: [told], scan_input_directions: [back] },
    ...{ scan_output_directions: [out], scan_output_axes: [place.told] },
  };
  around.nodes.push(["Scan", [state.name, over.name], [last, all], attributes]);
  around.values.push({ ...carried, name: last });
  const shape = made.shape.toSpliced(place.axis, 0, over.shape[axis]!);
  around.values.push({ name: all, shape, dtype: "float32", exact: false });
}
