// onnx.proto against files that the reference implementation wrote: every field, its number, its type, its value.
import { decodeModel, encodeModel, ONNX_IR_VERSION, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { codeOf } from "../support/refusal.ts";

interface Recorded {
  readonly bytes: string;
  readonly fields: unknown;
}
const recorded = readRecorded<{
  readonly enums: Record<"DataType" | "AttributeType" | "DataLocation", Record<string, number>>;
  readonly everyField: Recorded;
  readonly gemm: Recorded;
}>("schemas/recorded/onnx.json");
const bytesOf = (model: Recorded) => new Uint8Array(Buffer.from(model.bytes, "base64"));

/** A message in the recorder's form: what is set, under the specification's names. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return String(value);
  const oneof = value instanceof onnx.TypeProto || value instanceof onnx.TensorShapeProto.Dimension;
  const fields = Object.entries(value)
    .filter(([name, field]) => !(oneof && name === "value") && !(Array.isArray(field) && field.length === 0))
    .map(([name, field]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), plain(field)]);
  return Object.fromEntries(fields);
}

const messages: Record<string, onnx.TensorProto.$Properties> = {
  "the largest and smallest int64": { int64Data: [2n ** 63n - 1n, -(2n ** 63n), -1, 0] },
  "the largest uint64": { uint64Data: [2n ** 64n - 1n, 0] },
  "the ends of what a number holds": { dims: [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2n ** 53n] },
};

describe("onnx.proto", () => {
  for (const name of ["everyField", "gemm"] as const) {
    test(`${name}: reads what the reference implementation wrote`, () => {
      expect(plain(decodeModel(bytesOf(recorded[name]), name))).toEqual(recorded[name].fields);
    });

    test(`${name}: knows every field and writes the same bytes again`, () => {
      const model = decodeModel(bytesOf(recorded[name]), name);
      expect(JSON.stringify(model, (key, value) => (key === "$unknowns" ? "unknown" : String(value)))).not.toContain(
        "unknown",
      );
      expect(Buffer.from(encodeModel(model)).toString("base64")).toBe(recorded[name].bytes);
    });
  }

  test("enums have the standard's values", () => {
    const pick = (values: object, names: object) =>
      Object.fromEntries(Object.keys(names).map((name) => [name, (values as Record<string, unknown>)[name]]));
    const { DataType, DataLocation } = onnx.TensorProto;
    expect(pick(DataType, recorded.enums.DataType)).toEqual(recorded.enums.DataType);
    expect(pick(DataLocation, recorded.enums.DataLocation)).toEqual(recorded.enums.DataLocation);
    const { AttributeType } = onnx.AttributeProto;
    expect(pick(AttributeType, recorded.enums.AttributeType)).toEqual(recorded.enums.AttributeType);
  });

  test("raw data are the tensor's bytes", () => {
    const weight = decodeModel(bytesOf(recorded.gemm), "gemm").graph?.initializer?.[0];
    expect([...new Float32Array(weight?.rawData?.slice().buffer ?? [])]).toEqual([1, -2, 0.5, 4, 0, 3]);
  });

  for (const [name, message] of Object.entries(messages)) {
    test(`${name}: exact both ways`, () => {
      expect(onnx.TensorProto.decode(onnx.TensorProto.encode(message).finish())).toMatchObject(message);
    });
  }

  test("an integer that a number does not hold is refused, not rounded", () => {
    for (const dims of [[2 ** 53], [0.5], [Number.NaN], [2n ** 64n], [-(2n ** 63n) - 1n]]) {
      expect(() => onnx.TensorProto.encode({ dims }).finish()).toThrow(RangeError);
    }
  });
});

describe("decodeModel", () => {
  test("refuses a file that is cut short, wherever", () => {
    const bytes = bytesOf(recorded.gemm);
    for (let length = 0; length < bytes.length; length++) {
      expect(
        codeOf(() => decodeModel(bytes.subarray(0, length), "cut.onnx")),
        `${length} bytes`,
      ).toBe("onnx-unreadable");
    }
    expect(() => decodeModel(bytes.subarray(0, 100), "cut.onnx")).toThrow(/^cut\.onnx: these 100 bytes .*cut short/);
  });

  test("refuses what is no model", () => {
    expect(codeOf(() => decodeModel(new TextEncoder().encode("<html>not found</html>"), "x"))).toBe("onnx-unreadable");
  });

  test("refuses bytes that would become many times their size of messages", () => {
    const nodes = 600_000;
    // A graph of nodes in which nothing is set: two bytes each, and some hundreds of memory.
    const graph = new Uint8Array(2 * nodes).map((_, i) => (i % 2 === 0 ? 10 : 0));
    const length = [0, 7, 14].map((bits, i) => ((graph.length >> bits) & 127) | (i < 2 ? 128 : 0));
    const bytes = new Uint8Array([0x3a, ...length, ...graph]);
    expect(() => decodeModel(bytes, "many.onnx")).toThrow(/^many\.onnx: .*more than 1000000 fields/);
  });

  test("reads a model of a later version, without the fields that are new in it", () => {
    const model = decodeModel(bytesOf(recorded.gemm), "gemm");
    model.irVersion = ONNX_IR_VERSION + 1;
    const plain = encodeModel(model);
    // Field 99 of the model, a number, which no version has.
    const bytes = new Uint8Array([...plain, 0x98, 0x06, 7]);
    const again = decodeModel(bytes, "new.onnx");
    expect(Number(again.irVersion)).toBe(ONNX_IR_VERSION + 1);
    expect(encodeModel(again)).toEqual(plain);
  });
});
