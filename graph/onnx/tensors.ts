// The numbers of a TensorProto. ONNX keeps them as raw little-endian bytes, or in a list that several element types share.
import {
  bytesOf,
  type DType,
  decodeNumbers,
  ELEMENT_TYPES,
  ELEMENTS,
  elementNameOf,
  encodeNumbers,
  InnerloopError,
  isNumeric,
  type NumericName,
  sizeOf,
  type Tensor,
} from "@innerloop/schemas";
import { onnx } from "@innerloop/schemas/onnx";
import { showShape } from "../core/shapes.ts";
import type { NumberArray } from "../core/value.ts";

const { DataLocation, DataType } = onnx.TensorProto;

export const isDType = (name: unknown): name is DType => typeof name === "string" && Object.hasOwn(ELEMENTS, name);

const dtypes = Object.keys(ELEMENTS).filter(isDType);

/** The dtype of each ONNX element type that graphs have. */
export const elementDTypes: ReadonlyMap<number, DType> = new Map(dtypes.map((dtype) => [ELEMENTS[dtype].onnx, dtype]));

/** The dtype of an ONNX element type. @throws InnerloopError for a type that graphs do not have */
export function dtypeOf(type: number, where: string): DType {
  const dtype = elementDTypes.get(type);
  if (dtype) return dtype;
  throw unsupported(type, where);
}

/** The error for an element type that graphs do not have. */
export const unsupported = (type: number, where: string): InnerloopError =>
  new InnerloopError(
    "unsupported-dtype",
    `${where} has the element type ${DataType[type] ?? type}; supported are ${dtypes.join(", ")}; ` +
      "export the model in float32.",
  );

/** An array of a file. */
export interface StoredArray extends NumberArray {
  /** Its element type; `dtype` is one that graphs have and that holds its numbers exactly. */
  readonly stored: NumericName;
}

/**
 * The numbers of a tensor in an ONNX file.
 * @param where the file and the tensor's name, for messages
 * @throws InnerloopError where they lie in another file, are of a type that is not read, or do not fill the shape
 */
export function numbersOf(tensor: onnx.TensorProto.$Properties, where: string): StoredArray {
  if (tensor.dataLocation === DataLocation.EXTERNAL)
    throw new InnerloopError(
      "external-data",
      `${where} has its numbers in another file; one file with everything in it was expected; ` +
        "save the model again without external data.",
    );
  const type = tensor.dataType ?? 0;
  const stored = elementNameOf(type);
  if (!stored || !isNumeric(stored)) throw unsupported(type, where);
  const { dtype, bits } = ELEMENT_TYPES[stored];
  const shape = (tensor.dims ?? []).map(Number);
  const size = sizeOf(shape);
  const raw = tensor.rawData?.length ? tensor.rawData : undefined;
  const list = raw ? [] : listOf(tensor, stored);
  // A list has types that graphs lack as bits: a float16 in an entry, or two numbers of 4 bits.
  const asBits = dtype === stored ? undefined : bits < 8 ? "uint8" : "uint16";
  const packed = raw ?? (asBits && encodeNumbers(asBits, list));
  const fits = packed ? packed.length === bytesOf(stored, size) : list.length === size;
  // Before any memory is taken: what the shape promises is what the file has.
  if (!fits || !shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
    const count = packed ? (packed.length * 8) / bits : list.length;
    throw new InnerloopError(
      "bad-tensor",
      `${where} has ${count} numbers, which do not fill its shape ${showShape(shape)}; export the model again.`,
    );
  }
  const data = packed ? decodeNumbers(stored, packed, size) : Float64Array.from(list, Number);
  return { stored, dtype, shape, data };
}

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
  dtype: DType,
  shape: readonly number[],
  data: ArrayLike<number | bigint>,
): onnx.TensorProto.$Properties => ({
  name,
  dataType: ELEMENTS[dtype].onnx,
  dims: [...shape],
  rawData: encodeNumbers(dtype, data),
});

/** A tensor whose numbers lie in a file beside the model (ONNX IR specification, "External Tensor Data"). */
export const externalProto = (
  name: string,
  { dtype, shape }: Pick<Tensor, "dtype" | "shape">,
  place: { readonly location: string; readonly offset: number; readonly length: number },
): onnx.TensorProto.$Properties => ({
  name,
  dataType: ELEMENTS[dtype].onnx,
  dims: [...shape],
  dataLocation: DataLocation.EXTERNAL,
  externalData: Object.entries(place).map(([key, value]) => ({ key, value: String(value) })),
});
