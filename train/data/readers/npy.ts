// Arrays as NumPy writes them: .npy, and .npz, which is a zip of these. Here, because no kept library reads names (texts) in them.
import { mistaken, sizeOf } from "@innerloop/schemas";
import { type UnzipFileInfo, unzipSync } from "fflate";

/** An array of numbers, or of names. */
export interface FileArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint> | readonly string[];
  /** What the file calls its elements. */
  readonly type: string;
}

/** What an archive may unpack to at most, in bytes, so that a small file does not become more than memory holds. */
const mostBytes = 2 ** 31;

/** Whether bytes are a zip, which a .npz is. */
export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/**
 * The arrays of some names in a .npz, and the names of all.
 * @throws Error that continues "FILE ": what is wrong with it
 */
export function readNpz(
  bytes: Uint8Array,
  wanted: readonly string[],
): { arrays: Map<string, FileArray>; names: string[] } {
  const names: string[] = [];
  const filter = ({ name: file, originalSize }: UnzipFileInfo): boolean => {
    const name = file.replace(/\.npy$/, "");
    if (names.includes(name)) throw new Error(`holds "${file}" twice`);
    names.push(name);
    if (wanted.includes(name) && originalSize > mostBytes)
      throw new Error(`unpacks "${file}" to more than ${mostBytes} bytes`);
    return wanted.includes(name);
  };
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, { filter });
  } catch (cause) {
    const { message } = cause as Error;
    throw /^(holds|unpacks) /.test(message) ? cause : new Error(`cannot be unpacked (${message}); it may be cut short`);
  }
  const arrays = Object.entries(entries).map(([file, part]): [string, FileArray] => {
    const name = file.replace(/\.npy$/, "");
    return [name, readNpy(part, name)];
  });
  return { arrays: new Map(arrays), names };
}

const kinds: Readonly<Record<string, new (buffer: ArrayBuffer) => ArrayLike<number | bigint>>> = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  u8: BigUint64Array,
  b1: Uint8Array,
};

/** The format: magic, version, the length of a header that is a dictionary in Python's notation, the header, and the elements. */
export function readNpy(bytes: Uint8Array, name: string): FileArray {
  const broken = (what: string) => new Error(`holds "${name}", which ${what}`);
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY")
    throw broken(mistaken(bytes) ? "is no array" : "does not begin as an array of NumPy does");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [from, length] = bytes[6]! < 2 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = new TextDecoder().decode(bytes.subarray(from, from + length));
  const type = /'descr': *'([^']*)'/.exec(header)?.[1];
  const sizes = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (type === undefined || sizes === undefined)
    throw broken("is no plain array; save numbers or texts without allow_pickle");
  if (/'fortran_order': *True/.test(header))
    throw broken("lies in the order of Fortran; save numpy.ascontiguousarray of it");
  const shape = sizes.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  const count = sizeOf(shape);
  const [, order, letter, digits] = /^([<>|=])([a-zA-Z])(\d+)$/.exec(type) ?? [];
  const width = Number(digits) * (letter === "U" ? 4 : 1);
  const elements = bytes.subarray(from + length);
  const Kind = kinds[`${letter}${digits}`];
  const known = order !== ">" && (Kind !== undefined || letter === "U" || letter === "S");
  if (!known)
    throw broken(`has elements of the type ${type}; little-endian ${Object.keys(kinds).join(", ")}, U and S are read`);
  if (elements.length !== count * width)
    throw broken(`has ${elements.length} bytes of elements; its shape [${shape}] takes ${count * width}`);
  // A copy, so that the elements are aligned.
  if (Kind) return { shape, type, data: new Kind(elements.slice().buffer as ArrayBuffer) };
  const data = Array.from({ length: count }, (_, i) => {
    const element = elements.slice(i * width, (i + 1) * width);
    const text =
      letter === "S"
        ? new TextDecoder().decode(element)
        : Array.from(new Uint32Array(element.buffer as ArrayBuffer), (code) => String.fromCodePoint(code)).join("");
    return text.replace(/\0+$/, "");
  });
  return { shape, type, data };
}
