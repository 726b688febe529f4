// ONNX lets a caller override any input that has an initializer, but ONNX Runtime's JavaScript bindings list only the
// inputs that have none and silently ignore a value given for another. So such initializers are taken out of a model's
// bytes before it is loaded, which makes each a plain input, and their values are handed back as defaults.
import { type DType, InnerloopError, type Tensor } from "@innerloop/schemas/bundle";

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
 */
export function openOverrides(model: Uint8Array): OpenedModel {
  const graphField = fieldsOf(model, 0, model.length).find((field) => field.number === MODEL_GRAPH);
  if (graphField === undefined) throw unreadable(model, "it holds no graph");
  const graph = fieldsOf(model, graphField.start, graphField.end);
  const inputs = new Set(graph.filter((field) => field.number === GRAPH_INPUT).map((field) => nameOf(model, field)));

  const defaults: Record<string, Tensor> = {};
  const kept: Uint8Array[] = [];
  for (const field of graph) {
    const tensor = field.number === GRAPH_INITIALIZER ? readInitializer(model, field) : undefined;
    if (tensor?.value !== undefined && inputs.has(tensor.name)) defaults[tensor.name] = tensor.value;
    else kept.push(model.subarray(field.keyStart, field.end));
  }
  if (Object.keys(defaults).length === 0) return { bytes: model, defaults };

  const length = kept.reduce((sum, part) => sum + part.length, 0);
  const parts = [
    model.subarray(0, graphField.keyStart),
    Uint8Array.of((MODEL_GRAPH << 3) | LENGTH_DELIMITED, ...varint(length)),
    ...kept,
    model.subarray(graphField.end),
  ];
  return { bytes: concatenate(parts), defaults };
}

// Field numbers of onnx.proto and wire types of protobuf's encoding (https://protobuf.dev/programming-guides/encoding).
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const GRAPH_INPUT = 11;
const VALUE_INFO_NAME = 1;
const TENSOR = { dims: 1, dataType: 2, floatData: 4, name: 8, rawData: 9 } as const;
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** What TensorProto.DataType's numbers mean, for the types a tensor of the project can have. */
const DTYPES: Readonly<Record<number, DType>> = {
  1: "float32",
  2: "uint8",
  6: "int32",
  7: "int64",
  9: "bool",
  11: "float64",
};
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** A field of a message: its key begins at `keyStart`; a varint's value is `value`, any other's is `start`…`end`. */
interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly keyStart: number;
  readonly start: number;
  readonly end: number;
  readonly value: number;
}

function fieldsOf(bytes: Uint8Array, from: number, to: number): Field[] {
  const fields: Field[] = [];
  let at = from;
  const readVarint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= to || scale > 2 ** 63) throw unreadable(bytes, "a field is cut short");
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < to) {
    const keyStart = at;
    const key = readVarint();
    const wireType = key & 7;
    const sized = wireType === VARINT || wireType === LENGTH_DELIMITED;
    const value = sized ? readVarint() : 0;
    const start = at;
    if (wireType === LENGTH_DELIMITED) at += value;
    else if (wireType === FIXED_64) at += 8;
    else if (wireType === FIXED_32) at += 4;
    else if (wireType !== VARINT) throw unreadable(bytes, `it has a field of the unknown kind ${wireType}`);
    if (at > to) throw unreadable(bytes, "a field is cut short");
    fields.push({ number: Math.floor(key / 8), wireType, keyStart, start, end: at, value });
  }
  return fields;
}

function nameOf(bytes: Uint8Array, message: Field): string {
  const name = fieldsOf(bytes, message.start, message.end).find((field) => field.number === VALUE_INFO_NAME);
  return name === undefined ? "" : text(bytes, name);
}

function text(bytes: Uint8Array, field: Field): string {
  return new TextDecoder().decode(bytes.subarray(field.start, field.end));
}

/** Reads a TensorProto; `value` is absent where its data is stored in a way that is not read here. */
function readInitializer(bytes: Uint8Array, message: Field): { name: string; value?: Tensor } {
  const shape: number[] = [];
  let name = "";
  let dtype: DType | undefined;
  let data: Field | undefined;
  for (const field of fieldsOf(bytes, message.start, message.end)) {
    if (field.number === TENSOR.name) name = text(bytes, field);
    else if (field.number === TENSOR.dataType) dtype = DTYPES[field.value];
    else if (field.number === TENSOR.rawData) data = field;
    else if (field.number === TENSOR.floatData && field.wireType === LENGTH_DELIMITED) data = field;
    else if (field.number === TENSOR.dims) shape.push(...dims(bytes, field));
  }
  if (dtype === undefined || data === undefined) return { name };
  const array = ARRAYS[dtype];
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (data.end - data.start !== size * array.BYTES_PER_ELEMENT) return { name };
  // Copied, because a view into the file need not be aligned. ONNX stores little-endian, as every host that runs this does.
  const copy = new Uint8Array(bytes.subarray(data.start, data.end));
  return { name, value: { dtype, shape, data: new array(copy.buffer) } };
}

/** One dim, or, where a writer packed them, all of them. */
function dims(bytes: Uint8Array, field: Field): number[] {
  if (field.wireType === VARINT) return [field.value];
  const values: number[] = [];
  let value = 0;
  let scale = 1;
  for (let at = field.start; at < field.end; at++) {
    value += (bytes[at]! & 127) * scale;
    scale *= 128;
    if (bytes[at]! < 128) {
      values.push(value);
      value = 0;
      scale = 1;
    }
  }
  return values;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function unreadable(model: Uint8Array, reason: string): InnerloopError {
  return new InnerloopError(
    "onnx-unreadable",
    `these ${model.length} bytes are no complete ONNX model: ${reason}; an .onnx file was expected; ` +
      "if it was copied or downloaded, it may have been cut short: fetch it again",
  );
}
