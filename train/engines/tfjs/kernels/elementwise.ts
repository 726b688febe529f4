// Kernels that compute number by number, and what repeats their operands. Detours stand where a backend's own kernel is wrong for
// the case or very slow: the WebAssembly backend broadcasts few operators quickly.
import { constantOf, op } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import {
  axesAtMost,
  type Device,
  few,
  isTensorFlow,
  isWasm,
  type Kernel,
  kernel,
  kernelDType,
  ofOne,
  ofTwo,
  type Place,
  type Ready,
  reshape,
  type Shape,
  type Site,
  type Tensor,
  tensorAt,
} from "../kernel.ts";
import { type Broadcast, joinBroadcast, sameShape } from "../shapes.ts";

/** What an operator of one kernel is made ready by: the kernel that its entry names. */
export function numberByNumber(name: string, { inputs, outputs: [output] }: Site, device: Device): Ready {
  const [a, b] = inputs;
  if (a && b) return binary(name, a, b, output, device);
  if (a) return unary(name, a, device);
  throw new Error(`The kernel ${name} has no operand.`);
}

function unary(name: string, { held }: Place, device: Device, attributes?: object): Ready {
  const shape = few(held);
  return { takes: [shape], gives: [shape], run: ofOne((x) => device.run(name, { x }, attributes)) };
}

/** The vectorized code of the WebAssembly backend (XNNPACK) repeats operands of up to so many axes, and is wrong for more. */
const wasmRepeatsAtMost = 6;

/** What of the WebAssembly backend repeats operands in vectorized code; the rest gets operands of one shape. */
const repeatsQuickly = new Set(["Add", "Sub", "Multiply", "RealDiv", "SquaredDifference"]);

/** Two operands' shapes in few axes: as one of them is held, where only numbers repeat. */
function operandShapes(a: Place, b: Place, out: Shape): Broadcast {
  const size = sizeOf(out);
  const [whole, other] = sizeOf(a.shape) === size && !constantOf(a.value) ? [a, b] : [b, a];
  if (sizeOf(whole.shape) === size) {
    const shape = few(whole.held);
    const part = sizeOf(other.shape) === size ? shape : sizeOf(other.shape) === 1 ? [] : undefined;
    if (part) return whole === a ? { a: shape, b: part, out: shape } : { a: part, b: shape, out: shape };
  }
  return joinBroadcast(a.shape, b.shape, out);
}

function binary(name: string, a: Place, b: Place, output: Site["outputs"][0], device: Device): Ready {
  const shapes = operandShapes(a, b, output.shape);
  const repeats = !sameShape(shapes.a, shapes.b);
  const wasmCan = repeatsQuickly.has(name) && output.dtype === "float32" && shapes.out.length <= wasmRepeatsAtMost;
  if (!repeats || (isWasm(device) ? wasmCan : shapes.out.length <= axesAtMost))
    return {
      takes: [shapes.a, shapes.b],
      gives: [shapes.out],
      run: ofTwo((x, y) => device.run(name, { a: x, b: y })),
    };
  const [left, right] = [expansion(a, output.shape, device), expansion(b, output.shape, device)];
  return {
    takes: [left.takes, right.takes],
    gives: [[sizeOf(output.shape)]],
    run: ofTwo((x, y) => device.tidy(() => device.run(name, { a: left.repeat(x), b: right.repeat(y) }))),
  };
}

/** Repeats a tensor by broadcasting, flat; the tensor itself where it has that size already. */
export function expansion(
  { value, shape, dtype }: Place,
  target: Shape,
  device: Device,
): { readonly takes: Shape; readonly repeat: (x: Tensor) => Tensor } {
  const flat = [sizeOf(target)];
  if (sizeOf(shape) === flat[0]) return { takes: flat, repeat: (x) => x };
  const known = constantOf(value);
  const type = kernelDType(dtype);
  const filled = (shape: Shape, number: number) => device.run("Fill", {}, { shape, value: number, dtype: type });
  const [single] = known?.data.length === 1 ? known.data : [];
  if (single !== undefined) return { takes: [], repeat: () => filled(flat, single) };
  const { a: from, out: to } = joinBroadcast(shape, target, target);
  if (isWasm(device) && type === "float32" && to.length <= wasmRepeatsAtMost)
    return {
      takes: from,
      repeat: (x) => reshape(device, device.run("Multiply", { a: filled(to, 1), b: x }), flat),
    };
  if (to.length <= axesAtMost) {
    const reps = to.map((size, axis) => size / (from[axis] ?? 1));
    return { takes: from, repeat: (x) => reshape(device, device.run("Tile", { x }, { reps }), flat) };
  }
  // Axis by axis, the last one first.
  const repeated = to.map((_, axis) => axis).filter((axis) => to[axis] !== from[axis]);
  const tiles = repeated.reverse().map((axis) => ({
    shape: [sizeOf(from.slice(0, axis)), 1, sizeOf(to.slice(axis + 1))],
    reps: [1, to[axis] ?? 1, 1],
  }));
  const tile = (x: Tensor, { shape, reps }: (typeof tiles)[number]) =>
    device.run("Tile", { x: reshape(device, x, shape) }, { reps });
  return { takes: tiles[0]?.shape ?? from, repeat: (x) => reshape(device, tiles.reduce(tile, x), flat) };
}

/** How many rows a shape has of which each has one number of another one; undefined where there are none. */
function rowsOf(each: Shape, shape: Shape): number | undefined {
  const { a, out } = joinBroadcast(each, shape, shape);
  if (sizeOf(shape) === 0 || sameShape(a, out) || a.at(-1) !== 1) return undefined;
  return a.length === 1 ? 1 : a.length === 2 ? a[0] : undefined;
}

/** What chooses whole rows by one truth value each. The package's own takes the first numbers for all, but for TensorFlow's. */
const selectRows = ({ backend }: Device): string | undefined =>
  ({ wasm: "InnerloopSelect", tensorflow: "Select" })[backend];

export const elementwiseKernels: readonly Kernel[] = [
  kernel(op.Expand, ({ inputs: [x], outputs: [{ shape }] }, device) => {
    const { takes, repeat } = expansion(x, shape, device);
    return { takes: [takes], gives: [[sizeOf(shape)]], run: ofOne((tensor) => device.tidy(() => repeat(tensor))) };
  }),

  kernel(op.Where, ({ inputs: [condition, yes, no], outputs: [{ shape }] }, device) => {
    const byRow = selectRows(device);
    const rows = byRow === undefined ? undefined : rowsOf(condition.shape, shape);
    const select = rows === undefined ? "Select" : (byRow ?? "Select");
    const whole = rows === undefined ? [sizeOf(shape)] : [rows, sizeOf(shape) / rows];
    const asked =
      rows === undefined ? expansion(condition, shape, device) : { takes: [rows], repeat: (x: Tensor) => x };
    const [t, e] = [expansion(yes, shape, device), expansion(no, shape, device)];
    const takes = ({ shape: own }: Place, { takes: flat }: typeof t) => (sizeOf(own) === sizeOf(shape) ? whole : flat);
    const repeated = ({ repeat }: typeof t, x: Tensor) =>
      sameShape(x.shape, whole) ? x : reshape(device, repeat(x), whole);
    return {
      takes: [asked.takes, takes(yes, t), takes(no, e)],
      gives: [whole],
      run: (tensors) => [
        device.tidy(() => {
          const condition = asked.repeat(tensorAt(tensors, 0));
          return device.run(select, {
            condition,
            t: repeated(t, tensorAt(tensors, 1)),
            e: repeated(e, tensorAt(tensors, 2)),
          });
        }),
      ],
    };
  }),

  kernel(op.Cast, ({ inputs: [x], outputs: [output] }, device) => {
    const [from, to] = [kernelDType(x.dtype), kernelDType(output.dtype)];
    if (to !== "bool") return unary("Cast", x, device, { dtype: to });
    const shape = few(x.held);
    const zero = device.number(0, from);
    return { takes: [shape], gives: [shape], run: ofOne((a) => device.run("NotEqual", { a, b: zero })) };
  }),

  // 1 where x > 0. tfjs-node makes it of seven operations of TensorFlow, of which two do.
  kernel(op.Positive, ({ inputs: [x], outputs: [output] }, device) => {
    const step = unary("Step", x, device, { alpha: 0 });
    if (!isTensorFlow(device)) return step;
    const dtype = kernelDType(output.dtype);
    const zero = device.number(0, dtype);
    const above = (a: Tensor) => device.run("Greater", { a, b: zero });
    return { ...step, run: ofOne((a) => device.tidy(() => device.run("Cast", { x: above(a) }, { dtype }))) };
  }),
];
