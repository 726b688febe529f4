// ONNX models by chance, with what they are fed: operators one after another over arrays of odd sizes, repeated, empty and of no axes, in bodies of loops too.
import { type DType, sizeOf, type Tensor } from "@innerloop/schemas";
import { type GraphOf, numbers } from "./models.ts";
import * as ofIndices from "./random-indices.ts";
import { broadcast, type Choose, type Growth, Making, type Value } from "./random-making.ts";
import * as ofNetworks from "./random-networks.ts";
import * as ofNumbers from "./random-numbers.ts";
import * as ofPlaces from "./random-places.ts";
import * as ofWindows from "./random-windows.ts";

export interface RandomModel {
  readonly graph: GraphOf;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/**
 * @param size about how many nodes
 * @param scale how many times as many numbers as usual arrays may have
 */
export function randomModel(seed: number, size = 8, scale = 1): RandomModel {
  const choose = chooser(seed);
  const making = new Making(choose, stepsOf, "", undefined, scale);
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

const plain = [ofNumbers, ofPlaces, ofWindows, ofIndices, ofNetworks].flatMap((family): readonly Growth[] =>
  Object.values(family),
);
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

/** A body with what it is given, some of that states: of each one of the same shape that it ends with, and what it makes beside. */
function bodyIn(around: Making, prefix: string, given: readonly Value[], states: readonly Value[]) {
  const making = new Making(around.choose, around.steps, prefix, around, around.scale);
  making.values.push(...given);
  making.grow(1 + making.choose(5));
  // Never the state itself: what goes on is a value of the body.
  const next = states.map((state) => {
    const fits = ({ dtype, shape }: Value) =>
      dtype === "float32" && broadcast(state.shape, shape)?.join() === state.shape.join();
    const all = making.values.filter(fits);
    const sum = making.add("Add", [state.name, all.at(-1 - making.choose(Math.min(all.length, 3)))!.name], {
      ...state,
      exact: false,
    });
    return making.add("Mul", [sum.name, making.number(0.5)], { ...state, exact: false });
  });
  const last = making.values.filter(({ dtype }) => dtype === "float32").at(-2 - making.choose(2)) ?? next[0]!;
  const made = making.add("Neg", [last.name], { ...last, exact: false });
  return { making, next, made };
}

/** One to three values that are carried on, as a body has them. */
function carriedOf(around: Making, prefix: string, full = false) {
  const begun: Value[] = [];
  for (let i = 0; i < around.one([1, 1, 2, 3]); i++) {
    const state = around.ranked(0, 4, full);
    if (state && sizeOf(state.shape) <= 600 * around.scale) begun.push(state);
  }
  const carried = begun.map((state, i): Value => ({ ...state, name: `${prefix}state${i}`, exact: false }));
  return { begun: begun.map(({ name }) => name), carried };
}

const portsOf = (values: readonly Value[]): GraphOf["inputs"] =>
  Object.fromEntries(values.map(({ name, dtype, shape }) => [name, [dtype, ...shape]]));

function looped(around: Making): void {
  const [prefix, count] = [`${around.name()}/`, around.one([0, 1, 2, 3, 5])];
  const { begun, carried } = carriedOf(around, prefix);
  if (carried.length === 0) return;
  const turn: Value = { name: `${prefix}turn`, shape: [], dtype: "int64", exact: true };
  const { making, next, made } = bodyIn(around, prefix, [turn, ...carried], carried);
  making.nodes.push(["Identity", [`${prefix}on`], [`${prefix}still`]]);
  const body: GraphOf = {
    inputs: { ...portsOf([turn]), [`${prefix}on`]: ["bool"], ...portsOf(carried) },
    outputs: [`${prefix}still`, ...next.map(({ name }) => name), made.name],
    nodes: making.nodes,
    initializers: making.initializers,
  };
  const on = around.fixed({ dtype: "bool", shape: [], data: Uint8Array.of(1) });
  const [last, all] = [carried.map(() => around.name()), around.name()];
  around.nodes.push(["Loop", [around.whole(count), on, ...begun], [...last, all], { body }]);
  around.values.push(...carried.map((state, i) => ({ ...state, name: last[i]! })));
  // Of no turns ONNX Runtime knows no sizes.
  if (count > 0) around.values.push({ name: all, shape: [count, ...made.shape], dtype: "float32", exact: false });
}

function scanned(around: Making): void {
  // ONNX Runtime ends the process where a Scan goes over nothing, or gives nothing.
  const prefix = `${around.name()}/`;
  const { begun, carried } = carriedOf(around, prefix, true);
  const over = around.ranked(1, 4, true);
  if (carried.length === 0 || !over || sizeOf(over.shape) > 1500 * around.scale) return;
  const { axis, told } = around.axis(over.shape.length);
  const turns = over.shape[axis]!;
  const taken = [{ name: over.name, told, back: around.choose(2) }];
  const slices: Value[] = [{ ...over, name: `${prefix}slice0`, shape: over.shape.toSpliced(axis, 1) }];
  const other = around.any(
    ({ dtype, shape }) => dtype === "float32" && shape.length < 5 && !shape.includes(0) && shape.includes(turns),
  );
  if (other && around.choose(2) === 0) {
    const at = other.shape.indexOf(turns);
    taken.push({ name: other.name, told: at, back: around.choose(2) });
    slices.push({ ...other, name: `${prefix}slice1`, shape: other.shape.toSpliced(at, 1) });
  }
  const { making, next, made } = bodyIn(around, prefix, [...carried, ...slices], carried);
  if (made.shape.includes(0)) return;
  const body: GraphOf = {
    inputs: portsOf([...carried, ...slices]),
    outputs: [...next, made].map(({ name }) => name),
    nodes: making.nodes,
    initializers: making.initializers,
  };
  const place = around.axis(made.shape.length + 1);
  const [last, all] = [carried.map(() => around.name()), around.name()];
  const attributes = {
    ...{ body, num_scan_inputs: taken.length, scan_input_axes: taken.map((each) => each.told) },
    ...{ scan_input_directions: taken.map(({ back }) => back), scan_output_directions: [around.choose(2)] },
    scan_output_axes: [place.told],
  };
  const inputs = [...begun, ...taken.map(({ name }) => name)];
  around.nodes.push(["Scan", inputs, [...last, all], attributes]);
  around.values.push(...carried.map((state, i) => ({ ...state, name: last[i]! })));
  const shape = made.shape.toSpliced(place.axis, 0, turns);
  around.values.push({ name: all, shape, dtype: "float32", exact: false });
}
