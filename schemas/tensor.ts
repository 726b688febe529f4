// The one tensor type that rooms hand to each other: plain data, so that no room has to know another's engine.

/** Element types that a tensor of the project can have. `bool` is stored as one byte each, 0 or 1. */
export type DType = "float32" | "float64" | "int32" | "int64" | "uint8" | "bool";

/** The storage of a tensor; `uint8` and `bool` both use `Uint8Array`. */
export type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** A dense, row-major array. `shape` is `[]` for a scalar; `data.length` is the product of `shape`. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
