// What a kernel of TensorFlow.js is to a plan. A tensor is held in whatever shape of the same size suited the kernel that made it;
// each kernel says in which shapes it takes its operands, and in which it gives its results.
import type { Attributes, Dim, Entry, Inputs, Operator, Outputs, Value } from "@innerloop/graph";
import { type DType, InnerloopError, sizeOf } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";
import { sameShape } from "./shapes.ts";

export type Tensor = Core.Tensor;
export type Shape = readonly number[];
export type KernelDType = "float32" | "int32" | "bool";

/** Where kernels run, with what they may keep for the life of a program. */
export interface Device {
  /** The name that TensorFlow.js has for the backend. */
  readonly backend: string;
  run(kernel: string, inputs: Record<string, Tensor> | readonly Tensor[], attributes?: object): Tensor;
  /** Runs `compute` and frees every tensor made in it but the result. */
  tidy(compute: () => Tensor): Tensor;
  /** An int32 tensor that is made once under a name and kept; to be asked for while a kernel is made ready. */
  table(name: string, make: () => Int32Array, shape: Shape): Tensor;
  /** A number as a tensor, likewise. */
  number(value: number, dtype: KernelDType): Tensor;
}

/** One node with every size known. */
export interface Site<A extends Attributes = Attributes, I extends Inputs = Inputs, O extends Outputs = Outputs> {
  readonly inputs: { readonly [K in keyof I]: I[K] extends Value ? Place : Place | undefined };
  readonly outputs: { readonly [K in keyof O]: { readonly shape: Shape; readonly dtype: DType } };
  readonly attributes: A;
  /** What a product adds to each of its rows: one row, or one for each matrix of a batch. */
  readonly bias?: Place;
  /** The number that a size stands for. */
  size(dim: Dim): number;
}

/** An operand. */
export interface Place {
  readonly value: Value;
  readonly shape: Shape;
  /** The shape that its tensor has: another one of the same size, perhaps. */
  readonly held: Shape;
  readonly dtype: DType;
  /** Its last two axes are swapped on the way into a product: the tensor has them the other way round. */
  readonly transposed?: boolean;
}

/** What a run calls: the operands that are there to the results. */
export type Call = (inputs: readonly Tensor[]) => readonly Tensor[];

/** A kernel made ready for one node. */
export interface Ready {
  /** The shapes in which it takes the operands that are there. */
  readonly takes: readonly Shape[];
  /** The shapes in which it gives its results. */
  readonly gives: readonly [Shape, ...Shape[]];
  readonly run: Call;
}

/** How an operator is computed. */
export interface Kernel<A extends Attributes = Attributes, I extends Inputs = Inputs, O extends Outputs = Outputs> {
  readonly operator: Operator<A, I, O>;
  prepare(site: Site<A, I, O>, device: Device): Ready;
}

export const kernel = <A extends Attributes, I extends Inputs, O extends Outputs>(
  { operator }: Entry<A, I, O>,
  prepare: (site: Site<A, I, O>, device: Device) => Ready,
): Kernel<A, I, O> => ({ operator, prepare });

/** A tensor among those that a kernel gets. */
export function tensorAt(tensors: readonly Tensor[], i: number): Tensor {
  const tensor = tensors[i];
  if (tensor) return tensor;
  throw new Error(`A kernel reads tensor ${i} of ${tensors.length}.`);
}

/** The call of a kernel with one operand. */
export const ofOne =
  (run: (x: Tensor) => Tensor): Call =>
  (tensors) => [run(tensorAt(tensors, 0))];

/** The call of a kernel with two operands. */
export const ofTwo =
  (run: (x: Tensor, y: Tensor) => Tensor): Call =>
  (tensors) => [run(tensorAt(tensors, 0), tensorAt(tensors, 1))];

/** The dtype that numbers have on the device, by theirs: there are no 64-bit ones, and none for the larger unsigned ones. */
const kernelDTypes: Readonly<Partial<Record<DType, KernelDType>>> = {
  float32: "float32",
  float64: "float32",
  int8: "int32",
  int16: "int32",
  int32: "int32",
  int64: "int32",
  uint8: "int32",
  uint16: "int32",
  bool: "bool",
};

/** @throws InnerloopError `unsupported-dtype` for a dtype that TensorFlow.js does not have */
export function kernelDType(dtype: DType): KernelDType {
  const held = kernelDTypes[dtype];
  if (held) return held;
  throw new InnerloopError(
    "unsupported-dtype",
    `TensorFlow.js has no ${dtype}; it computes with ${Object.keys(kernelDTypes).join(", ")}; use a Cast to one of these.`,
  );
}

export const isWasm = ({ backend }: Device): boolean => backend === "wasm";
export const isTensorFlow = ({ backend }: Device): boolean => backend === "tensorflow";
export const reshape = (device: Device, x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : device.run("Reshape", { x }, { shape });

/** A shape as numbers of a tensor. */
export const sizesOf = (device: Device, shape: Shape): Tensor =>
  device.table(`shape ${shape}`, () => Int32Array.from(shape), [shape.length]);

/** Looks at a tensor in another shape. tfjs-node uploads that shape at every call; here it is there already. */
export function view(device: Device, shape: Shape): Call {
  if (!isTensorFlow(device)) return ofOne((x) => device.run("Reshape", { x }, { shape }));
  const sizes = sizesOf(device, shape);
  return ofOne((x) => device.run("InnerloopReshape", { x, sizes }));
}

/** Backends have quick code for up to so many axes, and some kernels none at all for more. */
export const axesAtMost = 4;
/** A shape in as few axes as that. */
export const few = (held: Shape): Shape => (held.length <= axesAtMost ? held : [sizeOf(held)]);
