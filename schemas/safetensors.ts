// Reads and writes safetensors (https://github.com/huggingface/safetensors): the project's file for arrays. Here, because
// training and the runtime both need it and no library writes it. As on every host that runs JavaScript, little-endian.
//
// The format: the header's length (u64); the header, JSON, `{ name: { dtype, shape, data_offsets } }` with an optional
// `__metadata__` of texts; then the arrays, without gaps.
import { InnerloopError } from "./errors.ts";
import { parseJson } from "./json.ts";
import { mistaken } from "./mistaken.ts";
import { dtypeBy, ELEMENTS, kindOf, sizeOf, type Tensor } from "./tensor.ts";
import { plain, show } from "./text.ts";

/** What a safetensors file holds. Neither object has a prototype: a name is there only where the file has it. */
export interface SafetensorsFile {
  /** By name, each with memory of its own. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const mostAxes = 32;
const metadataKey = "__metadata__";
const lengthBytes = 8;
const alignment = 8;

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
  const isTable = (value: unknown, of: (entry: unknown) => boolean) =>
    isObject(value) && Object.values(value).every((entry) => of(entry));
  if (!isTable(tensors, isTensor)) throw wrongArgument("arrays by name, { dtype, shape, data } each,", tensors);
  if (!isTable(metadata, (text) => typeof text === "string")) throw wrongArgument("texts by name", metadata);
  const width = ({ dtype }: Tensor) => ELEMENTS[dtype].array.BYTES_PER_ELEMENT;
  const entries = Object.entries(tensors).sort(([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : a > b ? 1 : 0));
  const header: [string, unknown][] = Object.keys(metadata).length === 0 ? [] : [[metadataKey, metadata]];
  let size = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    const { array, code } = ELEMENTS[dtype];
    if (name === metadataKey || !isSizes(shape) || kindOf(data) !== array.name || sizeOf(shape) !== data.length)
      throw new InnerloopError(
        "bad-input",
        `tensor "${name}" is a ${data.constructor.name} of ${data.length} elements with shape [${shape.join(", ")}] as ${dtype}; ` +
          `expected an array of that dtype, as long as the product of the shape, under a name other than "${metadataKey}"`,
      );
    header.push([name, { dtype: code, shape, data_offsets: [size, size + data.byteLength] }]);
    size += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  let at = Math.ceil((lengthBytes + text.length) / alignment) * alignment;
  const bytes = new Uint8Array(at + size).fill(0x20, lengthBytes, at);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(at - lengthBytes), true);
  bytes.set(text, lengthBytes);
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file.
 *
 * @param bytes the whole file
 * @param source the file's name, for messages
 * @throws InnerloopError `safetensors-invalid` when the bytes are cut short, damaged or no safetensors file, have a name twice,
 *   or hold an element type that {@link DType} does not name. Nothing is copied before all lengths are known to fit.
 */
export function decodeSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  if (!ArrayBuffer.isView(bytes)) throw wrongArgument("the bytes of a file", bytes);
  const fail = (what: string, cause?: unknown) =>
    new InnerloopError(
      "safetensors-invalid",
      `${plain(source)}: ${mistaken(bytes) ?? `${what}; a complete .safetensors file was expected; copy the file again, or use an earlier one`}`,
      { cause },
    );
  const has = `but the file has ${bytes.length} bytes`;
  if (bytes.length < lengthBytes) throw fail(`its first field should end at byte ${lengthBytes}, ${has}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = lengthBytes + Number(view.getBigUint64(0, true));
  if (start > bytes.length) throw fail(`the header should end at byte ${start}, ${has}`);

  let header: unknown;
  try {
    header = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(lengthBytes, start)));
  } catch (cause) {
    throw fail(`the header is not valid JSON (${(cause as Error).message})`, cause);
  }
  if (!isObject(header)) throw fail("the header is no JSON object");
  const { [metadataKey]: metadata = {}, ...described } = header;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === "string"))
    throw fail(`"${metadataKey}" is no object of texts`);

  const entries = Object.entries(described).map(([name, entry]) => {
    const { dtype: code, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const dtype = dtypeBy("code", code);
    if (
      dtype === undefined ||
      !isSizes(shape) ||
      shape.length > mostAxes ||
      !isSizes(offsets) ||
      offsets.length !== 2
    ) {
      const known = Object.values(ELEMENTS).map((element) => element.code);
      throw fail(
        `${show(name)} is described by ${show(entry)}; known are dtype (${known.join(", ")}), shape and data_offsets`,
      );
    }
    return { name, dtype, shape, from: offsets[0]!, to: offsets[1]! };
  });
  let end = 0;
  for (const { name, dtype, shape, from, to } of entries.sort((a, b) => a.from - b.from || a.to - b.to)) {
    const needed = sizeOf(shape) * ELEMENTS[dtype].array.BYTES_PER_ELEMENT;
    if (from !== end) throw fail(`the data of ${show(name)} starts at ${from} instead of ${end}`);
    if (to - from !== needed)
      throw fail(`${show(name)} of shape [${shape.join(", ")}] needs ${needed} bytes, but has ${to - from}`);
    end = to;
  }
  if (start + end !== bytes.length) throw fail(`the header describes a file of ${start + end} bytes, ${has}`);
  // Through an ArrayBuffer, since the `slice` of a Node `Buffer` copies nothing.
  const origin = bytes.byteOffset + start;
  const tensors = entries.map(({ name, dtype, shape, from, to }): [string, Tensor] => {
    const data = new ELEMENTS[dtype].array(bytes.buffer.slice(origin + from, origin + to) as ArrayBuffer);
    return [name, { dtype, shape, data }];
  });
  return { tensors: table(tensors), metadata: table(Object.entries(metadata as Record<string, string>)) };
}

/** A table without a prototype, in which "constructor" is a name like any other. */
function table<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

function isTensor(value: unknown): boolean {
  const { dtype, shape, data } = (value ?? {}) as Partial<Tensor>;
  return Object.hasOwn(ELEMENTS, String(dtype)) && Array.isArray(shape) && ArrayBuffer.isView(data);
}

function wrongArgument(expected: string, given: unknown): InnerloopError {
  return new InnerloopError("bad-argument", `${show(given)} was given; ${expected} was expected`, { exitStatus: 2 });
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
