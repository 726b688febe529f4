// Reads and writes safetensors (https://github.com/huggingface/safetensors): the project's file for arrays. Here, because
// training and the runtime both need it and no library writes it. As on every host that runs JavaScript, little-endian.
//
// The format: the header's length (u64); the header, JSON, `{ name: { dtype, shape, data_offsets } }` with an optional
// `__metadata__` of texts; then the arrays, without gaps.
import { InnerloopError } from "./errors.ts";
import type { DType, Tensor, TypedArray } from "./tensor.ts";

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** By name, each with memory of its own. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Kind {
  readonly name: string;
  readonly array: {
    readonly BYTES_PER_ELEMENT: number;
    readonly name: string;
    new (buffer: ArrayBuffer): TypedArray;
  };
}

const KINDS: Readonly<Record<DType, Kind>> = {
  float32: { name: "F32", array: Float32Array },
  float64: { name: "F64", array: Float64Array },
  int32: { name: "I32", array: Int32Array },
  int64: { name: "I64", array: BigInt64Array },
  uint8: { name: "U8", array: Uint8Array },
  bool: { name: "BOOL", array: Uint8Array },
};
const DTYPES = Object.keys(KINDS) as DType[];
const METADATA = "__metadata__";
const LENGTH_BYTES = 8;
const ALIGNMENT = 8;

/**
 * The bytes of a safetensors file. Equal input gives equal bytes: the widest elements come first (so that every array
 * lies aligned), and then the names decide.
 *
 * @throws InnerloopError `bad-input` when a tensor's shape, dtype and data do not fit together, or for the name `__metadata__`.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(tensors);
  for (const [name, tensor] of entries) checkTensor(name, tensor);
  const width = (tensor: Tensor) => KINDS[tensor.dtype].array.BYTES_PER_ELEMENT;
  entries.sort(([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : a > b ? 1 : 0));

  const header: [string, unknown][] = Object.keys(metadata).length === 0 ? [] : [[METADATA, metadata]];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    header.push([name, { dtype: KINDS[dtype].name, shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = Math.ceil((LENGTH_BYTES + text.length) / ALIGNMENT) * ALIGNMENT;

  const bytes = new Uint8Array(start + offset).fill(0x20, LENGTH_BYTES, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  bytes.set(text, LENGTH_BYTES);
  let position = start;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file.
 *
 * @param bytes the whole file
 * @param source the file's name, for messages
 * @throws InnerloopError `safetensors-invalid` when the bytes are cut short, damaged or no safetensors file, or hold an
 *   element type that {@link DType} does not name.
 */
export function decodeSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  const fail = (what: string, cause?: unknown) =>
    new InnerloopError(
      "safetensors-invalid",
      `${source}: ${what}; a complete .safetensors file was expected; copy the file again, or use an earlier one`,
      { cause },
    );
  if (bytes.length < LENGTH_BYTES) throw fail(`the file ends after ${bytes.length} bytes, within its first field`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = LENGTH_BYTES + Number(view.getBigUint64(0, true));
  if (start > bytes.length) {
    throw fail(`the header should end at byte ${start}, but the file has ${bytes.length} bytes`);
  }

  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(LENGTH_BYTES, start)));
  } catch (cause) {
    throw fail("the header is not valid JSON", cause);
  }
  if (!isObject(header)) throw fail("the header is no JSON object");
  const { [METADATA]: metadata = {}, ...described } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw fail(`"${METADATA}" is no object of texts`);
  }

  const entries = Object.entries(described)
    .map(([name, entry]) => readEntry(name, entry, fail))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) throw fail(`the data of "${entry.name}" starts at ${entry.begin} instead of ${end}`);
    end = entry.end;
  }
  if (start + end !== bytes.length) {
    throw fail(`the header describes a file of ${start + end} bytes, but the file has ${bytes.length} bytes`);
  }

  const tensors = entries.map(({ name, dtype, shape, begin, end }): [string, Tensor] => {
    // Through an ArrayBuffer, since the `slice` of a Node `Buffer` copies nothing.
    const from = bytes.byteOffset + start;
    const data = new KINDS[dtype].array(bytes.buffer.slice(from + begin, from + end) as ArrayBuffer);
    return [name, { dtype, shape, data }];
  });
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Record<string, string> };
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readEntry(name: string, entry: unknown, fail: (what: string) => InnerloopError): Entry {
  if (!isObject(entry)) throw fail(`the entry of "${name}" is no JSON object`);
  const { dtype: kind, shape, data_offsets: offsets } = entry;
  const dtype = DTYPES.find((candidate) => KINDS[candidate].name === kind);
  if (dtype === undefined) {
    const known = DTYPES.map((candidate) => KINDS[candidate].name).join(", ");
    throw fail(`"${name}" has element type ${JSON.stringify(kind)}, known are ${known}`);
  }
  if (!isSizes(shape)) throw fail(`the shape of "${name}" is no list of whole numbers`);
  if (!isSizes(offsets) || offsets.length !== 2) throw fail(`the offsets of "${name}" are no pair of whole numbers`);
  const [begin, end] = offsets as [number, number];
  const expected = product(shape) * KINDS[dtype].array.BYTES_PER_ELEMENT;
  if (end - begin !== expected) {
    throw fail(`"${name}" of shape [${shape.join(", ")}] needs ${expected} bytes, but has ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

function checkTensor(name: string, { dtype, shape, data }: Tensor): void {
  const { array } = KINDS[dtype];
  const fits = data instanceof (array as unknown as new () => TypedArray);
  if (name !== METADATA && isSizes(shape) && fits && product(shape) === data.length) return;
  const given = `${data.constructor.name} of ${data.length} elements with shape [${shape.join(", ")}] as ${dtype}`;
  throw new InnerloopError(
    "bad-input",
    `tensor "${name}" is a ${given}; expected a ${array.name} whose length is the product of the shape, ` +
      `under a name other than "${METADATA}"`,
  );
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
