// ONNX lets a caller override any input that has an initializer, but ONNX Runtime's JavaScript bindings list only the
// inputs that have none and silently ignore a value given for another. So such initializers are taken out of a model's
// bytes before it is loaded, which makes each a plain input, and their values are handed back as defaults.
import { dtypeBy, ELEMENTS, InnerloopError, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import { concatenate } from "./bytes.ts";

/** A model whose every input must be fed, and the values for those inputs that had an initializer. */
export interface OpenedModel {
  readonly bytes: Uint8Array;
  readonly defaults: Readonly<Record<string, Tensor>>;
}

/**
 * Makes the overridable initializers of a model (ONNX IR specification, "Graphs": an initializer whose name is also an
 * input's is that input's default value) into plain inputs. Nothing else in the bytes changes; a model without such
 * initializers comes back as it is.
 *
 * @throws InnerloopError `onnx-unreadable` when the bytes are no ONNX model or are cut short.
 * @param beside files whose numbers initializers of the model have, by name
 */
export function openOverrides(model: Uint8Array, beside: Readonly<Record<string, Uint8Array>> = {}): OpenedModel {
  const whole = fieldsOf(model, [0, 0, 0, model.length, undefined]).find(([number]) => number === modelGraph);
  if (whole === undefined) throw unreadable(model);
  const graph = fieldsOf(model, whole);
  const inputs = graph.filter(([number]) => number === graphInput).map((field) => nameOf(model, field, valueName));
  const defaults: Record<string, Tensor> = {};
  const kept = graph
    .filter((field) => {
      const name = field[0] === graphInitializer ? nameOf(model, field, tensorName) : "";
      const tensor = inputs.includes(name) && name !== "" ? readTensor(model, field, beside) : undefined;
      if (tensor) defaults[name] = tensor;
      return !tensor;
    })
    .map(([, keyStart, , end]) => model.subarray(keyStart, end));
  if (Object.keys(defaults).length === 0) return { bytes: model, defaults };
  const [, keyStart, , end] = whole;
  const body = concatenate(kept);
  const key = Uint8Array.of((modelGraph << 3) | lengthDelimited, ...varint(body.length));
  return { bytes: concatenate([model.subarray(0, keyStart), key, body, model.subarray(end)]), defaults };
}

// Field numbers of onnx.proto and wire types of protobuf's encoding (https://protobuf.dev/programming-guides/encoding).
const modelGraph = 7;
const graphInitializer = 5;
const graphInput = 11;
const valueName = 1;
const tensorDims = 1;
const tensorDataType = 2;
const tensorFloatData = 4;
const tensorName = 8;
const tensorRawData = 9;
const tensorExternalData = 13;
const entryKey = 1;
const entryValue = 2;
const wireVarint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
const fixed32 = 5;

/** A field of a message: its number, where its key starts, where its content starts and ends, and a varint's value. */
type Field = readonly [number: number, keyStart: number, start: number, end: number, value: number | undefined];

function fieldsOf(bytes: Uint8Array, [, , from, to]: Field): Field[] {
  const fields: Field[] = [];
  let at = from;
  while (at < to) {
    const keyStart = at;
    let key: number;
    let value: number | undefined;
    [key, at] = readVarint(bytes, at, to);
    const wireType = key & 7;
    let start = at;
    if (wireType === wireVarint) [value, at] = readVarint(bytes, at, to);
    else if (wireType === lengthDelimited) {
      const [length, content] = readVarint(bytes, at, to);
      start = content;
      at = content + length;
    } else at += wireType === fixed64 ? 8 : wireType === fixed32 ? 4 : Number.NaN;
    if (!(at <= to)) throw unreadable(bytes);
    fields.push([Math.floor(key / 8), keyStart, start, at, value]);
  }
  return fields;
}

/** A varint, and where it ends. */
function readVarint(bytes: Uint8Array, from: number, to: number): [value: number, end: number] {
  let value = 0;
  let at = from;
  for (let scale = 1; at < to && scale < 2 ** 64; scale *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
  throw unreadable(bytes);
}

function nameOf(bytes: Uint8Array, message: Field, number: number): string {
  const [, , start, end] = fieldsOf(bytes, message).find((field) => field[0] === number) ?? [0, 0, 0, 0, undefined];
  return new TextDecoder().decode(bytes.subarray(start, end));
}

/** A TensorProto; nothing where its data is stored in a way that is not read here. */
function readTensor(
  bytes: Uint8Array,
  message: Field,
  beside: Readonly<Record<string, Uint8Array>>,
): Tensor | undefined {
  const shape: number[] = [];
  const place: Record<string, string> = {};
  let type: number | undefined;
  let data: Uint8Array<ArrayBuffer> | undefined;
  for (const field of fieldsOf(bytes, message)) {
    const [number, , start, end, value] = field;
    if (number === tensorDataType) type = value;
    else if (number === tensorExternalData) place[nameOf(bytes, field, entryKey)] = nameOf(bytes, field, entryValue);
    else if (number === tensorRawData || (number === tensorFloatData && value === undefined)) {
      // Copied, because a view into the file need not be aligned. ONNX stores little-endian, as every host that runs this does.
      data = new Uint8Array(bytes.subarray(start, end));
    } else if (number === tensorDims) {
      // One dim, or, where a writer packed them, all of them.
      if (value !== undefined) shape.push(value);
      for (let at = start, dim: number; value === undefined && at < end; shape.push(dim)) {
        [dim, at] = readVarint(bytes, at, end);
      }
    }
  }
  const { location = "", offset = 0, length = 0 } = place;
  // Copied for the same reason.
  data ??= beside[location]?.slice(+offset, +offset + +length);
  const dtype = dtypeBy("onnx", type);
  if (dtype === undefined || data === undefined) return undefined;
  const { array } = ELEMENTS[dtype];
  if (data.length !== sizeOf(shape) * array.BYTES_PER_ELEMENT) return undefined;
  return { dtype, shape, data: new array(data.buffer) };
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

function unreadable(model: Uint8Array): InnerloopError {
  return new InnerloopError(
    "onnx-unreadable",
    `these ${model.length} bytes are no complete ONNX model; an .onnx file was expected; if it was copied or downloaded, ` +
      "it may have been cut short: fetch it again",
  );
}
