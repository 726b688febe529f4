// The bytes of an .onnx file as protobuf encodes them (https://protobuf.dev/programming-guides/encoding): enough to look at a model
// without a library for messages, which a device does not have.
import { InnerloopError } from "@innerloop/schemas/bundle";
import { concatenate } from "./bytes.ts";

/** The number of a model's field that is its graph. */
const modelGraph = 7;

const wireVarint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
const fixed32 = 5;

/** A field of a message: its number, where its key starts, where its content starts and ends, and a varint's value. */
export type Field = readonly [number: number, keyStart: number, start: number, end: number, value: number | undefined];

/** The fields of a message. @throws InnerloopError `onnx-unreadable` where it is cut short */
export function fieldsOf(bytes: Uint8Array, [, , from, to]: Field): Field[] {
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
export function readVarint(bytes: Uint8Array, from: number, to: number): [value: number, end: number] {
  let value = 0;
  let at = from;
  for (let scale = 1; at < to && scale < 2 ** 64; scale *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
  throw unreadable(bytes);
}

/** The text of the field of a number; empty where there is none. */
export function nameOf(bytes: Uint8Array, message: Field, number: number): string {
  const [, , start, end] = fieldsOf(bytes, message).find((field) => field[0] === number) ?? [0, 0, 0, 0, undefined];
  return new TextDecoder().decode(bytes.subarray(start, end));
}

/** The bytes of a field that has a length, of its parts. */
export function delimited(number: number, parts: readonly Uint8Array[]): Uint8Array {
  const content = concatenate(parts);
  return concatenate([Uint8Array.of(...varint(number * 8 + lengthDelimited), ...varint(content.length)), content]);
}

/** The bytes of a model whose graph has other fields. */
export function withGraph(model: Uint8Array, [, keyStart, , end]: Field, fields: readonly Uint8Array[]): Uint8Array {
  return concatenate([model.subarray(0, keyStart), delimited(modelGraph, fields), model.subarray(end)]);
}

/** The field of a model that is its graph. @throws InnerloopError `onnx-unreadable` */
export function graphOf(model: Uint8Array): Field {
  const graph = fieldsOf(model, [0, 0, 0, model.length, undefined]).find(([number]) => number === modelGraph);
  if (graph === undefined) throw unreadable(model);
  return graph;
}

export function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

function unreadable(model: Uint8Array): InnerloopError {
  return new InnerloopError(
    "onnx-unreadable",
    `these ${model.length} bytes are no complete ONNX model; an .onnx file was expected; if it was copied or downloaded, ` +
      "it may have been cut short: fetch it again",
  );
}
