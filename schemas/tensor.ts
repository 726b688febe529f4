// The one tensor type that rooms hand to each other: plain data, so that no room has to know another's engine.

/** Element types that a tensor of the project can have. `bool` is stored as one byte each, 0 or 1. */
export type DType =
  | "float32"
  | "float64"
  | "int32"
  | "int64"
  | "uint8"
  | "bool"
  | "int8"
  | "int16"
  | "uint16"
  | "uint32"
  | "uint64";

/** The storage of a tensor; `uint8` and `bool` both use `Uint8Array`. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** A dense, row-major array. `shape` is `[]` for a scalar; `data.length` is the product of `shape`. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** What files call an element type, and the array that holds it. */
export interface Element {
  readonly array: { readonly name: string; readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer): TypedArray };
  /** In safetensors. */
  readonly code: string;
  /** In ONNX: `TensorProto.DataType`. */
  readonly onnx: number;
}

/** The element types that tensors have. `elements.ts` has all that there are. */
export const ELEMENTS: Readonly<Record<DType, Element>> = {
  float32: { array: Float32Array, code: "F32", onnx: 1 },
  float64: { array: Float64Array, code: "F64", onnx: 11 },
  int32: { array: Int32Array, code: "I32", onnx: 6 },
  int64: { array: BigInt64Array, code: "I64", onnx: 7 },
  uint8: { array: Uint8Array, code: "U8", onnx: 2 },
  bool: { array: Uint8Array, code: "BOOL", onnx: 9 },
  int8: { array: Int8Array, code: "I8", onnx: 3 },
  int16: { array: Int16Array, code: "I16", onnx: 5 },
  uint16: { array: Uint16Array, code: "U16", onnx: 4 },
  uint32: { array: Uint32Array, code: "U32", onnx: 12 },
  uint64: { array: BigUint64Array, code: "U64", onnx: 13 },
};

/** The element type with a property of this value. */
export function dtypeBy(key: "code" | "onnx", value: unknown): DType | undefined {
  return (Object.keys(ELEMENTS) as DType[]).find((dtype) => ELEMENTS[dtype][key] === value);
}

/**
 * What an array of numbers is called, "Float32Array", whoever's class made it: a test runner, a frame or a vm context has
 * classes of its own, which `instanceof` does not know. "" for anything else.
 */
export function kindOf(value: unknown): string {
  return ArrayBuffer.isView(value) ? (value as TypedArray)[Symbol.toStringTag] : "";
}

/** How many entries a shape has. */
export function sizeOf(shape: readonly number[]): number {
  // Planning asks so often that a call for each axis would count.
  let size = 1;
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis]!;
  return size;
}
