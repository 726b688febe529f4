// The numbers of a TensorProto. ONNX keeps them as raw little-endian bytes or in one typed list a family of dtypes.
import { type DType, InnerloopError } from "@innerloop/schemas";
import { onnx } from "@innerloop/schemas/onnx";
import { showShape } from "../core/shapes.ts";
import type { NumberArray } from "../core/value.ts";

const { DataType, DataLocation } = onnx.TensorProto;

/** The ONNX element type of each dtype. */
export const elementTypes: Readonly<Record<DType, number>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

export const float16 = DataType.FLOAT16;

export const isDType = (value: unknown): value is DType => typeof value === "string" && value in elementTypes;

/** The dtype of each ONNX element type that graphs have. */
export const elementDTypes: ReadonlyMap<number, DType> = new Map(
  Object.entries(elementTypes).map(([dtype, type]) => [type, dtype as DType]),
);

/** The dtype of an ONNX element type. @throws InnerloopError for a type that graphs do not have */
export function dtypeOf(type: number, where: string): DType {
  const dtype = elementDTypes.get(type);
  if (dtype) return dtype;
  throw new InnerloopError(
    "unsupported-dtype",
    `${where} has the element type ${DataType[type] ?? type}; supported are ${[...elementDTypes.values()].join(", ")}; ` +
      "export the model in float32.",
  );
}

const bytesPer: Record<DType, number> = { float32: 4, float64: 8, int32: 4, int64: 8, uint8: 1, bool: 1 };

function element(view: DataView, at: number, dtype: DType): number {
  if (dtype === "float32") return view.getFloat32(at, true);
  if (dtype === "float64") return view.getFloat64(at, true);
  if (dtype === "int32") return view.getInt32(at, true);
  if (dtype === "int64") return Number(view.getBigInt64(at, true));
  return view.getUint8(at);
}

/**
 * The numbers of a tensor in an ONNX file.
 * @param where the file and the tensor's name, for messages
 * @throws InnerloopError where they lie in another file, are of an unsupported type, or do not fill the shape
 */
export function numbersOf(tensor: onnx.TensorProto.$Properties, where: string): NumberArray {
  if (tensor.dataLocation === DataLocation.EXTERNAL)
    throw new InnerloopError(
      "external-data",
      `${where} has its numbers in another file; one file with everything in it was expected; ` +
        "save the model again without external data.",
    );
  const dtype = dtypeOf(tensor.dataType ?? 0, where);
  const shape = (tensor.dims ?? []).map(Number);
  const size = shape.reduce((a, b) => a * b, 1);
  const raw = tensor.rawData;
  const count = raw && raw.length > 0 ? raw.length / bytesPer[dtype] : listOf(tensor, dtype).length;
  // Before any memory is taken: what the shape promises is what the file has.
  if (count !== size || !shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
    throw new InnerloopError(
      "bad-tensor",
      `${where} has ${count} numbers, which do not fill its shape ${showShape(shape)}; export the model again.`,
    );
  const data = new Float64Array(size);
  if (raw && raw.length > 0) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    for (let i = 0; i < size; i++) data[i] = element(view, i * bytesPer[dtype], dtype);
  } else for (const [i, x] of listOf(tensor, dtype).entries()) data[i] = Number(x);
  return { dtype, shape, data };
}

function listOf(tensor: onnx.TensorProto.$Properties, dtype: DType): readonly (number | bigint)[] {
  if (dtype === "float32") return tensor.floatData ?? [];
  if (dtype === "float64") return tensor.doubleData ?? [];
  return (dtype === "int64" ? tensor.int64Data : tensor.int32Data) ?? [];
}

/** A tensor of a file. */
export function tensorProto(
  name: string,
  dtype: DType,
  shape: readonly number[],
  data: ArrayLike<number | bigint>,
): onnx.TensorProto.$Properties {
  return { name, dataType: elementTypes[dtype], dims: [...shape], rawData: rawBytes(dtype, data) };
}

function rawBytes(dtype: DType, data: ArrayLike<number | bigint>): Uint8Array {
  const numbers = data as ArrayLike<number>;
  const typed =
    dtype === "float32"
      ? Float32Array.from(numbers)
      : dtype === "float64"
        ? Float64Array.from(numbers)
        : dtype === "int32"
          ? Int32Array.from(numbers)
          : dtype === "int64"
            ? BigInt64Array.from({ length: data.length }, (_, i) => BigInt(data[i]!))
            : Uint8Array.from(numbers);
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}
