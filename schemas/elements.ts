// Every element type that ONNX has: what it is called in files, how many bits it takes, and how its numbers lie in them. The
// rows of those that tensors have are in `tensor.ts`, so that a device loads no others.
import {
  bitsOf,
  float4e2m1,
  float8e4m3fn,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float8e8m0,
  type Minifloat,
  numberOf,
  type Rounding,
} from "./minifloats.ts";
import { type DType, ELEMENTS } from "./tensor.ts";

/** One element type. */
export interface ElementType {
  readonly kind: "float" | "integer" | "bool" | "complex" | "text";
  readonly bits: number;
  /** In ONNX: `TensorProto.DataType`. */
  readonly onnx: number;
  /** In safetensors, where that has it. */
  readonly code?: string;
  /** The dtype of tensors that hold all its numbers exactly; itself, but for types that no array on every host has. */
  readonly dtype?: DType;
  /** How numbers lie in bytes, little-endian; absent where they are not read. */
  readonly numbers?: Codec;
}

interface Codec {
  /** Number `i`. */
  get(bytes: DataView, i: number): number;
  /** Rounded to the nearest for floats; the lowest bits of integers. */
  set(bytes: DataView, i: number, x: number | bigint): void;
}

/** A type that tensors have. */
interface HeldType extends ElementType {
  readonly dtype: DType;
  readonly numbers: Codec;
}

const held = (dtype: DType, kind: ElementType["kind"], numbers: Codec): HeldType => {
  const { array, code, onnx } = ELEMENTS[dtype];
  return { kind, bits: 8 * array.BYTES_PER_ELEMENT, onnx, code, dtype, numbers };
};

const bytes: Codec = { get: (v, i) => v.getUint8(i), set: (v, i, x) => v.setUint8(i, Number(x)) };

/** A few bits each, several to a byte, the first in the lowest; as bits without a sign. */
const packed = (bits: 2 | 4): Codec => {
  const [each, mask] = [8 / bits, 2 ** bits - 1];
  return {
    get: (v, i) => (v.getUint8(Math.floor(i / each)) >> ((i % each) * bits)) & mask,
    set(v, i, x) {
      const [at, shift] = [Math.floor(i / each), (i % each) * bits];
      v.setUint8(at, (v.getUint8(at) & ~(mask << shift)) | ((Number(x) & mask) << shift));
    },
  };
};

/** The same with a sign. */
const packedSigned = (bits: 2 | 4): Codec => {
  const { get, set } = packed(bits);
  const half = 2 ** (bits - 1);
  return { get: (v, i) => ((get(v, i) + half) % (2 * half)) - half, set };
};

/** A float of so few bits that it is a table, with bits that lie as those of a whole number do. */
const small = (type: Minifloat, bits: Codec, rounding?: Rounding): Codec => ({
  get: (v, i) => numberOf(type, bits.get(v, i)),
  set: (v, i, x) => bits.set(v, i, bitsOf(type, Number(x), rounding)),
});

/** What exporters write for "to the end": as a double it is one more, which would turn into the least. */
const largestInt64 = 2n ** 63n - 1n;

/** Every element type, by the project's name for it. */
export const ELEMENT_TYPES = {
  float32: held("float32", "float", {
    get: (v, i) => v.getFloat32(4 * i, true),
    set: (v, i, x) => v.setFloat32(4 * i, Number(x), true),
  }),
  float64: held("float64", "float", {
    get: (v, i) => v.getFloat64(8 * i, true),
    set: (v, i, x) => v.setFloat64(8 * i, Number(x), true),
  }),
  int32: held("int32", "integer", {
    get: (v, i) => v.getInt32(4 * i, true),
    set: (v, i, x) => v.setInt32(4 * i, Number(x), true),
  }),
  int64: held("int64", "integer", {
    get: (v, i) => Number(v.getBigInt64(8 * i, true)),
    set: (v, i, x) => v.setBigInt64(8 * i, x >= largestInt64 ? largestInt64 : BigInt(x), true),
  }),
  uint8: held("uint8", "integer", bytes),
  bool: held("bool", "bool", bytes),
  int8: held("int8", "integer", { get: (v, i) => v.getInt8(i), set: bytes.set }),
  int16: held("int16", "integer", {
    get: (v, i) => v.getInt16(2 * i, true),
    set: (v, i, x) => v.setInt16(2 * i, Number(x), true),
  }),
  uint16: held("uint16", "integer", {
    get: (v, i) => v.getUint16(2 * i, true),
    set: (v, i, x) => v.setUint16(2 * i, Number(x), true),
  }),
  uint32: held("uint32", "integer", {
    get: (v, i) => v.getUint32(4 * i, true),
    set: (v, i, x) => v.setUint32(4 * i, Number(x), true),
  }),
  uint64: held("uint64", "integer", {
    get: (v, i) => Number(v.getBigUint64(8 * i, true)),
    set: (v, i, x) => v.setBigUint64(8 * i, BigInt(x), true),
  }),
  float16: {
    kind: "float",
    bits: 16,
    onnx: 10,
    code: "F16",
    dtype: "float32",
    numbers: {
      get: (v, i) => float16Of(v.getUint16(2 * i, true)),
      set: (v, i, x) => v.setUint16(2 * i, float16Bits(Number(x)), true),
    },
  },
  bfloat16: {
    kind: "float",
    bits: 16,
    onnx: 16,
    code: "BF16",
    dtype: "float32",
    // The upper half of a float32.
    numbers: {
      get: (v, i) => float32Of(v.getUint16(2 * i, true) * 2 ** 16),
      set: (v, i, x) => v.setUint16(2 * i, bfloat16Bits(Number(x)), true),
    },
  },
  int4: { kind: "integer", bits: 4, onnx: 22, dtype: "int8", numbers: packedSigned(4) },
  uint4: { kind: "integer", bits: 4, onnx: 21, dtype: "uint8", numbers: packed(4) },
  int2: { kind: "integer", bits: 2, onnx: 26, dtype: "int8", numbers: packedSigned(2) },
  uint2: { kind: "integer", bits: 2, onnx: 25, dtype: "uint8", numbers: packed(2) },
  float8e4m3fn: {
    kind: "float",
    bits: 8,
    onnx: 17,
    code: "F8_E4M3",
    dtype: "float32",
    numbers: small(float8e4m3fn, bytes),
  },
  float8e4m3fnuz: { kind: "float", bits: 8, onnx: 18, dtype: "float32", numbers: small(float8e4m3fnuz, bytes) },
  float8e5m2: {
    kind: "float",
    bits: 8,
    onnx: 19,
    code: "F8_E5M2",
    dtype: "float32",
    numbers: small(float8e5m2, bytes),
  },
  float8e5m2fnuz: { kind: "float", bits: 8, onnx: 20, dtype: "float32", numbers: small(float8e5m2fnuz, bytes) },
  float8e8m0: {
    kind: "float",
    bits: 8,
    onnx: 24,
    dtype: "float32",
    numbers: small(float8e8m0, bytes, { direction: "up" }),
  },
  float4e2m1: { kind: "float", bits: 4, onnx: 23, dtype: "float32", numbers: small(float4e2m1, packed(4)) },
  float6e2m3: { kind: "float", bits: 6, onnx: 27 },
  float6e3m2: { kind: "float", bits: 6, onnx: 28 },
  complex64: { kind: "complex", bits: 64, onnx: 14, code: "C64" },
  complex128: { kind: "complex", bits: 128, onnx: 15 },
  string: { kind: "text", bits: 0, onnx: 8 },
} as const satisfies Readonly<Record<DType, HeldType> & Record<string, ElementType>>;

export type ElementName = keyof typeof ELEMENT_TYPES;
/** The types whose numbers are read and written. */
export type NumericName = {
  [K in ElementName]: (typeof ELEMENT_TYPES)[K] extends { readonly numbers: Codec } ? K : never;
}[ElementName];

const byNumber: ReadonlyMap<number, ElementName> = new Map(
  (Object.keys(ELEMENT_TYPES) as ElementName[]).map((name) => [ELEMENT_TYPES[name].onnx, name]),
);

/** The name of an element type of ONNX. */
export const elementNameOf = (onnx: number): ElementName | undefined => byNumber.get(onnx);

/** Whether the numbers of a type are read and written. */
export const isNumeric = (name: ElementName): name is NumericName => "numbers" in ELEMENT_TYPES[name];

/** How many bytes so many numbers of a type take. */
export const bytesOf = (name: ElementName, count: number): number => Math.ceil((count * ELEMENT_TYPES[name].bits) / 8);

/** The little-endian bytes of numbers. */
export function encodeNumbers(name: NumericName, numbers: ArrayLike<number | bigint>): Uint8Array<ArrayBuffer> {
  const encoded = new Uint8Array(bytesOf(name, numbers.length));
  const view = new DataView(encoded.buffer);
  const { set } = ELEMENT_TYPES[name].numbers;
  for (let i = 0; i < numbers.length; i++) set(view, i, numbers[i] ?? 0);
  return encoded;
}

/** The numbers in little-endian bytes, as float64, which is exact up to 2^53. */
export function decodeNumbers(name: NumericName, encoded: Uint8Array, count: number): Float64Array {
  const { get } = ELEMENT_TYPES[name].numbers;
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const decoded = new Float64Array(count);
  for (let i = 0; i < count; i++) decoded[i] = get(view, i);
  return decoded;
}

const minifloats: Partial<Record<ElementName, Minifloat>> = {
  float4e2m1,
  float8e4m3fn,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float8e8m0,
};

/**
 * What numbers become in another type.
 * @param rounding how, for floats of 8 bits and fewer
 */
export function roundNumbers(name: NumericName, numbers: Float64Array, rounding: Rounding = {}): Float64Array {
  const type = minifloats[name];
  if (!type) return decodeNumbers(name, encodeNumbers(name, numbers), numbers.length);
  return numbers.map((x) => numberOf(type, bitsOf(type, x, rounding)));
}

/** The largest number of float16 (IEEE 754 binary16). */
const largestFloat16 = 65504;

/** The bits of a number in float16, rounded to the nearest, ties to even (IEEE 754 binary16). */
function float16Bits(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= largestFloat16 + 16) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = roundEven(size / 2 ** (exponent - 10));
  const bits = size === 0 ? 0 : ((exponent + 14) << 10) + steps;
  return sign | bits;
}

function roundEven(x: number): number {
  const below = Math.floor(x);
  const over = x - below;
  return below + (over > 0.5 || (over === 0.5 && below % 2 === 1) ? 1 : 0);
}

function float16Of(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const word = new DataView(new ArrayBuffer(4));

function float32Of(bits: number): number {
  word.setUint32(0, bits);
  return word.getFloat32(0);
}

/** The upper half of a float32, rounded to the nearest, ties to even. */
function bfloat16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0;
  word.setFloat32(0, x);
  return roundEven(word.getUint32(0) / 2 ** 16);
}
