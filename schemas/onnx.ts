// The door `@innerloop/schemas/onnx`: the ONNX messages as typed code, generated from onnx.proto.
import { InnerloopError } from "./errors.ts";
import { onnx } from "./generated/onnx.js";
import { mistaken } from "./mistaken.ts";
import { plain, show } from "./text.ts";

export { type Int64, Reader, Writer } from "./wire.ts";
export { onnx };

/** The newest IR version that onnx.proto describes. Newer files are read as far as what is in them is known. */
export const ONNX_IR_VERSION = 14;

/**
 * The bytes of an ONNX file.
 *
 * Fields have the specification's names in camelCase (`opType`, `rawData`); only what is set is written.
 * Integers of 64 bits may be numbers or bigints; both are written exactly.
 *
 * @throws InnerloopError `bad-argument` (status 2) for a field that holds a value of another kind, as a 64-bit one that is
 *   no exact integer.
 */
export function encodeModel(model: onnx.ModelProto.$Properties): Uint8Array {
  try {
    return onnx.ModelProto.encode(model).finish();
  } catch (cause) {
    throw new InnerloopError(
      "bad-argument",
      `encodeModel was called with ${show(model)}, which is no model (${(cause as Error).message}); see its type`,
      { exitStatus: 2, cause },
    );
  }
}

/**
 * Reads an ONNX file.
 *
 * A field that is not set reads as its type's zero value (`[]`, `""`, `0`, no bytes) and a message as null; which of a
 * one-of is set is told by its name: `dimension.value === "dimValue"`, `type.value === "tensorType"`. `rawData` is a view
 * into `bytes` and need not be aligned to its elements: copy it (`slice()`) before viewing it as another typed array.
 * A model whose IR version is above {@link ONNX_IR_VERSION} is read, without the fields that no version up to it has: who goes on
 * with it says so.
 *
 * @param bytes the whole file
 * @param source the file's name, for messages
 * @throws InnerloopError `onnx-unreadable` when the bytes are no ONNX model or are cut short
 */
export function decodeModel(bytes: Uint8Array, source: string): onnx.ModelProto {
  if (!ArrayBuffer.isView(bytes))
    throw new InnerloopError(
      "bad-argument",
      `decodeModel was called with ${show(bytes)}; the bytes of a file were expected`,
      {
        exitStatus: 2,
      },
    );
  const name = plain(source);
  const model = decode(bytes, name);
  const version = Number(model.irVersion);
  const lacks =
    version < 1 ? "IR version" : !model.graph ? "graph" : model.opsetImport.length === 0 ? "operator set" : "";
  if (lacks !== "") throw unreadable(name, bytes, `it has no ${lacks}`);
  return model;
}

function decode(bytes: Uint8Array, source: string): onnx.ModelProto {
  try {
    return onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw unreadable(source, bytes, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unreadable(source: string, bytes: Uint8Array, reason: string, cause?: unknown): InnerloopError {
  const other = mistaken(bytes);
  if (other !== undefined) return new InnerloopError("onnx-unreadable", `${source}: ${other}`, { cause });
  return new InnerloopError(
    "onnx-unreadable",
    `${source}: these ${bytes.length} bytes are no complete ONNX model (${reason}); an .onnx file was expected; ` +
      "if it was copied or downloaded, it may have been cut short: fetch it again",
    { cause },
  );
}
