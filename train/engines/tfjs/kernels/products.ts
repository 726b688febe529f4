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

/**
 * Whether a backend's product adds a bias in one pass. tfjs-node and the cpu backend add it in another; WebAssembly's product is one
 * made here, which has no room for it.
 */
export const addsInProducts = ({ backend }: Device): boolean => backend === "webgpu";

export const matMul: Kernel = kernel(op.MatMul, ({ inputs: [a, b], outputs: [output], bias }, device) => {
  const [m, n, k] = [sizeAt(output.shape, -2), sizeAt(output.shape, -1), sizeAt(a.shape, -1)];
  const lead = output.shape.slice(0, -2);
  const [all, left, right] = [sizeOf(lead), sizeOf(a.shape.slice(0, -2)), sizeOf(b.shape.slice(0, -2))];
  const settings = { transposeA: a.transposed ?? false, transposeB: b.transposed ?? false };
  const multiply = (x: Tensor, y: Tensor, row?: Tensor) =>
    row
      ? device.run("_FusedMatMul", { a: x, b: y, bias: row }, { ...settings, activation: "linear" })
      : device.run(isWasm(device) ? "InnerloopMatMul" : "BatchMatMul", { a: x, b: y }, settings);
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
  return {
    takes,
    gives: [[all, m, n]],
    run: (tensors) => [device.tidy(() => multiply(...factors(tensors), tensors[2]))],
  };
});
