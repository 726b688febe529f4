// The numbers of a TensorProto. ONNX keeps them as raw little-endian bytes, or in a list that several element types share.
import {
  bytesOf,
  type DType,
  decodeNumbers,
  ELEMENT_TYPES,
  ELEMENTS,
  type ElementName,
  elementNameOf,
  encodeNumbers,
  InnerloopError,
  isNumeric,
  type NumericName,
  sizeOf,
  type Tensor,
  type TypedArray,
} from "@innerloop/schemas";
import { onnx } from "@innerloop/schemas/onnx";
import { showShape } from "../core/shapes.ts";
import type { NumberArray } from "../core/value.ts";
import type { NarrowType } from "../ops/narrowing.ts";
import { externalBytes, type ModelFiles } from "./files.ts";

const { DataLocation, DataType } = onnx.TensorProto;

export const isDType = (name: unknown): name is DType => typeof name === "string" && Object.hasOwn(ELEMENTS, name);

const numeric = Object.keys(ELEMENT_TYPES).filter((name) => isNumeric(name as ElementName));
const dtypes = Object.keys(ELEMENTS).filter(isDType);

/** The dtype of each ONNX element type that graphs have. */
export const elementDTypes: ReadonlyMap<number, DType> = new Map(dtypes.map((dtype) => [ELEMENTS[dtype].onnx, dtype]));

/** An ONNX element type, where its numbers are read. */
export function elementNamed(type: number): NumericName | undefined {
  const name = elementNameOf(type);
  return name && isNumeric(name) ? name : undefined;
}

/** The same. @throws InnerloopError for one whose numbers are not read */
export function elementOf(type: number, where: string): NumericName {
  const name = elementNamed(type);
  if (name) return name;
  throw new InnerloopError(
    "unsupported-dtype",
    `${where} has the element type ${DataType[type] ?? type}; supported are ${numeric.join(", ")}; ` +
      "export the model in float32.",
  );
}

/** The dtype that holds the numbers of an ONNX element type. @throws InnerloopError for a type whose numbers are not read */
export const dtypeOf = (type: number, where: string): DType => ELEMENT_TYPES[elementOf(type, where)].dtype;

/** The element type where it is none that graphs have. */
export const narrowed = (name: NumericName | undefined): NarrowType | undefined =>
  name === undefined || isDType(name) ? undefined : name;

/** An array of a file. */
export interface StoredArray extends NumberArray {
  /** Its element type; `dtype` is one that graphs have and that holds its numbers exactly. */
  readonly stored: NumericName;
}

/** The numbers of a tensor in an ONNX file, which are not looked at before they are asked for. */
export class StoredTensor {
  readonly stored: NumericName;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly size: number;
  /** Little-endian, in the stored type. */
  readonly #bytes: () => Uint8Array;
  #data: WeakRef<TypedArray> | undefined;

  /**
   * @param where the file and the tensor's name, for messages
   * @param files what lies beside the model
   * @throws InnerloopError where the numbers are of a type that is not read, do not fill the shape, or are where they cannot be had
   */
  constructor(tensor: onnx.TensorProto.$Properties, where: string, files?: ModelFiles) {
    this.stored = elementOf(tensor.dataType ?? 0, where);
    this.dtype = ELEMENT_TYPES[this.stored].dtype;
    this.shape = (tensor.dims ?? []).map(Number);
    this.size = sizeOf(this.shape);
    const { bits } = ELEMENT_TYPES[this.stored];
    const needed = bytesOf(this.stored, this.size);
    const isShape = this.shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0) && Number.isSafeInteger(this.size);
    // Before any memory is taken: what the shape promises is what the file has.
    const refuse = (count: number): never => {
      throw new InnerloopError(
        "bad-tensor",
        `${where} has ${count} numbers, which do not fill its shape ${showShape(this.shape)}; export the model again.`,
      );
    };
    if (tensor.dataLocation === DataLocation.EXTERNAL) {
      if (!isShape) refuse(0);
      this.#bytes = externalBytes(tensor.externalData ?? [], needed, where, files);
      return;
    }
    const raw = tensor.rawData?.length ? tensor.rawData : undefined;
    if (raw) {
      if (!isShape || raw.length !== needed) refuse((raw.length * 8) / bits);
      this.#bytes = () => raw;
      return;
    }
    const list = listOf(tensor, this.stored);
    // A list has types that graphs lack as bits: a float16 in an entry, or the numbers of 4 or 2 bits that a byte holds.
    const isBits = this.dtype !== this.stored;
    const entries = isBits && bits < 8 ? needed : this.size;
    if (!isShape || list.length !== entries) refuse(isBits && bits < 8 ? (list.length * 8) / bits : list.length);
    this.#bytes = () => encodeNumbers(isBits ? (bits <= 8 ? "uint8" : "uint16") : this.stored, list);
  }

  /** The numbers in float64. */
  numbers(): Float64Array {
    return decodeNumbers(this.stored, this.#bytes(), this.size);
  }

  array(): StoredArray {
    return { stored: this.stored, dtype: this.dtype, shape: this.shape, data: this.numbers() };
  }

  /** The array of its dtype, whose numbers are read when they are asked for. */
  tensor(): Tensor {
    const { dtype, shape } = this;
    const data = () => this.#read();
    return {
      dtype,
      shape: [...shape],
      get data() {
        return data();
      },
    };
  }

  /** Kept as long as somebody has them. */
  #read(): TypedArray {
    const known = this.#data?.deref();
    if (known) return known;
    const { array } = ELEMENTS[this.dtype];
    const bytes = this.stored === this.dtype ? this.#bytes().slice() : encodeNumbers(this.dtype, this.numbers());
    const data = new array(bytes.buffer as ArrayBuffer);
    this.#data = new WeakRef(data);
    return data;
  }
}

/** The numbers of a tensor in an ONNX file. */
export const numbersOf = (tensor: onnx.TensorProto.$Properties, where: string): StoredArray =>
  new StoredTensor(tensor, where).array();

/** The list that holds numbers of a type. */
function listOf(tensor: onnx.TensorProto.$Properties, name: NumericName): readonly (number | bigint)[] {
  if (name === "float32") return tensor.floatData ?? [];
  if (name === "float64") return tensor.doubleData ?? [];
  if (name === "int64") return tensor.int64Data ?? [];
  return (name === "uint32" || name === "uint64" ? tensor.uint64Data : tensor.int32Data) ?? [];
}

/** A tensor of a file. */
export const tensorProto = (
  name: string,
  element: NumericName,
  shape: readonly number[],
  data: ArrayLike<number | bigint>,
): onnx.TensorProto.$Properties => ({ ...tensorHead(name, element, shape), rawData: bytesOfNumbers(element, data) });

/** The same without its numbers. */
const tensorHead = (name: string, element: NumericName, shape: readonly number[]): onnx.TensorProto.$Properties => ({
  name,
  dataType: ELEMENT_TYPES[element].onnx,
  dims: [...shape],
});

/** The little-endian bytes of numbers: of the array that has them, where it is of that type. */
export function bytesOfNumbers(element: NumericName, data: ArrayLike<number | bigint>): Uint8Array {
  const isHeld = isDType(element) && element !== "bool" && ArrayBuffer.isView(data);
  if (isHeld && isLittleEndian && data instanceof ELEMENTS[element].array)
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return encodeNumbers(element, data);
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** A tensor whose numbers lie in a file beside the model (ONNX IR specification, "External Tensor Data"). */
export const externalProto = (
  name: string,
  element: NumericName,
  shape: readonly number[],
  place: { readonly location: string; readonly offset: number; readonly length: number },
): onnx.TensorProto.$Properties => ({
  ...tensorHead(name, element, shape),
  dataLocation: DataLocation.EXTERNAL,
  externalData: Object.entries(place).map(([key, value]) => ({ key, value: String(value) })),
});
