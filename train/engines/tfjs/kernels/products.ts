// Matrix products.
import { op } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import {
  type Device,
  isWasm,
  type Kernel,
  kernel,
  type Place,
  reshape,
  type Shape,
  type Tensor,
  tensorAt,
} from "../kernel.ts";
import { sizeAt } from "../shapes.ts";
import { expansion } from "./elementwise.ts";

/** The WebAssembly backend has quick products of two matrices only, untransposed. */
export const transposesInProducts = ({ backend }: Device): boolean => backend !== "wasm";
/**
 * Whether a backend's product adds a bias in one pass. tfjs-node and the cpu backend add it in another; WebAssembly's adds one row
 * to one matrix, which only the first inner step has: after it, every task has its own.
 */
export const addsInProducts = ({ backend }: Device): boolean => backend === "webgpu";

/**
 * The WebAssembly backend packs the right factor of a product once, and finds it again by its numbers alone: the same numbers in
 * another shape need to be a copy. Here are the shapes in which numbers were packed.
 */
const packed = new WeakMap<object, string>();

function packedAs(y: Tensor, device: Device): Tensor {
  const [shape, known] = [y.shape.slice(-2).join(), packed.get(y.dataId)];
  if (known === undefined) packed.set(y.dataId, shape);
  if (known === undefined || known === shape) return y;
  return device.run("Slice", { x: y }, { begin: y.shape.map(() => 0), size: y.shape });
}

/** Products smaller than this many multiplications are cheaper in one kernel, however slow it is. */
const smallProduct = 4096;

export const matMul: Kernel = kernel(op.MatMul, ({ inputs: [a, b], outputs: [output], bias }, device) => {
  const [m, n, k] = [sizeAt(output.shape, -2), sizeAt(output.shape, -1), sizeAt(a.shape, -1)];
  const lead = output.shape.slice(0, -2);
  const [all, left, right] = [sizeOf(lead), sizeOf(a.shape.slice(0, -2)), sizeOf(b.shape.slice(0, -2))];
  const settings = { transposeA: a.transposed ?? false, transposeB: b.transposed ?? false };
  const multiply = (x: Tensor, y: Tensor, row?: Tensor) =>
    row
      ? device.run("_FusedMatMul", { a: x, b: y, bias: row }, { ...settings, activation: "linear" })
      : device.run("BatchMatMul", { a: x, b: isWasm(device) ? packedAs(y, device) : y }, settings);
  const row = bias && (sizeOf(bias.shape) === n ? [n] : [all, 1, n]);
  const added = row ? [row] : [];
  const matrix = (rows: number, columns: number, turned: boolean) => (turned ? [columns, rows] : [rows, columns]);
  const factor = matrix(k, n, settings.transposeB);
  // One factor for all: the others' rows one below the other.
  if (right === 1 && (left === 1 || !settings.transposeA)) {
    const takes = [matrix(left * m, k, settings.transposeA), factor, ...added];
    return {
      takes,
      gives: [[left * m, n]],
      run: (tensors) => [device.tidy(() => multiply(tensorAt(tensors, 0), tensorAt(tensors, 1), tensors[2]))],
    };
  }
  const batch = (place: Place, count: number, shape: Shape) => {
    const whole = count === 1 || count === all;
    const repeated = whole ? undefined : expansion(place, [...lead, ...place.shape.slice(-2)], device);
    const full = [count === 1 ? 1 : all, ...shape];
    return {
      takes: repeated?.takes ?? full,
      full: (x: Tensor) => (repeated ? reshape(device, repeated.repeat(x), full) : x),
    };
  };
  const first = batch(a, left, matrix(m, k, settings.transposeA));
  const second = batch(b, right, factor);
  const takes = [first.takes, second.takes, ...added];
  const factors = (tensors: readonly Tensor[]) =>
    [first.full(tensorAt(tensors, 0)), second.full(tensorAt(tensors, 1))] as const;
  if (!isWasm(device) || m * k * n < smallProduct)
    return {
      takes,
      gives: [[all, m, n]],
      run: (tensors) => [device.tidy(() => multiply(...factors(tensors), tensors[2]))],
    };
  // One by one; a gathered row is a copy, while a slice reads the whole tensor first.
  const rows = Array.from({ length: all }, (_, i) => device.table(`row ${i}`, () => Int32Array.of(i), [1, 1]));
  const one = (x: Tensor, indices: Tensor, shape: Shape) =>
    reshape(device, x.shape[0] === 1 ? x : device.run("GatherNd", { params: x, indices }), shape);
  const flat = (whole: Tensor) => {
    const [count = 1] = whole.shape;
    return reshape(device, whole, [count, whole.size / count]);
  };
  return {
    takes,
    gives: [[all * m, n]],
    run: (tensors) => [
      device.tidy(() => {
        const [x, y] = factors(tensors);
        const [p, q] = [flat(x), flat(y)];
        const parts = rows.map((indices) => multiply(one(p, indices, [m, k]), one(q, indices, [k, n])));
        return device.run("Concat", parts, { axis: 0 });
      }),
    ],
  };
});
