// Safetensors: what is written comes back, the reference implementation's file reads, and damage is told plainly.
import { decodeSafetensors, encodeSafetensors, InnerloopError, type Tensor } from "@innerloop/schemas";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const tensors: Record<string, Tensor> = {
  "flags/é": { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
  bytes: { dtype: "uint8", shape: [2, 1], data: Uint8Array.of(255, 7) },
  weight: { dtype: "float32", shape: [2, 2], data: Float32Array.of(1.5, -0, Number.NaN, Number.POSITIVE_INFINITY) },
  precise: { dtype: "float64", shape: [1], data: Float64Array.of(Math.PI) },
  index: { dtype: "int32", shape: [2], data: Int32Array.of(-(2 ** 31), 5) },
  wide: { dtype: "int64", shape: [], data: BigInt64Array.of(-(2n ** 63n)) },
  none: { dtype: "float32", shape: [0, 4], data: new Float32Array(0) },
  __proto__x: { dtype: "uint8", shape: [1], data: Uint8Array.of(9) },
};

/** A file with the given header and as many bytes of data. */
function fileOf(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function messageOf(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes, "w.safetensors");
  } catch (error) {
    if (error instanceof InnerloopError && error.code === "safetensors-invalid") return error.message;
    throw error;
  }
  return "accepted";
}

describe("safetensors", () => {
  test("every element type and the metadata come back", () => {
    const metadata = { innerloop: '{"a":1}', note: "é" };
    expect(decodeSafetensors(encodeSafetensors(tensors, metadata), "x")).toEqual({ tensors, metadata });
  });

  test("any names, shapes and values come back, from any place in memory", () => {
    const arrays = fc.dictionary(
      fc.string().filter((name) => name !== "__metadata__"),
      fc.float32Array(),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(arrays, fc.nat(9), (dictionary, offset) => {
        const all = Object.entries(dictionary).map(([name, data]): [string, Tensor] => [
          name,
          { dtype: "float32", shape: [data.length], data },
        ]);
        const bytes = encodeSafetensors(Object.fromEntries(all));
        const moved = new Uint8Array(bytes.length + offset);
        moved.set(bytes, offset);
        expect(decodeSafetensors(moved.subarray(offset), "x").tensors).toEqual(Object.fromEntries(all));
      }),
      { numRuns: 50 },
    );
  });

  test("reads and writes the bytes that the reference implementation writes", () => {
    // safetensors.numpy.save({"a": arange(3, dtype=int32), "b": array([[1.5], [-2]], float64), "c": array([True])}, {"k": "v"})
    const reference = Buffer.from(RECORDED, "base64");
    const expected = {
      a: { dtype: "int32", shape: [3], data: Int32Array.of(0, 1, 2) },
      b: { dtype: "float64", shape: [2, 1], data: Float64Array.of(1.5, -2) },
      c: { dtype: "bool", shape: [1], data: Uint8Array.of(1) },
    } as const;
    expect(decodeSafetensors(reference, "x")).toEqual({ tensors: expected, metadata: { k: "v" } });
    expect(Buffer.from(encodeSafetensors(expected, { k: "v" })).toString("base64")).toBe(RECORDED);
  });

  test("a view into a larger array is written alone", () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const { tensors: read } = decodeSafetensors(encodeSafetensors({ x: { dtype: "float32", shape: [2], data } }), "x");
    expect(read.x?.data).toEqual(Float32Array.of(2, 3));
  });

  test("a file that is cut short is refused, wherever, and one with bytes too many", () => {
    const bytes = encodeSafetensors(tensors, { a: "b" });
    for (let length = 0; length < bytes.length; length++) {
      expect(messageOf(bytes.subarray(0, length)), `${length} bytes`).toMatch(
        /^w\.safetensors: .*copy (the file|or download it) again/,
      );
    }
    expect(messageOf(Uint8Array.of(...bytes, 0))).toContain(`but the file has ${bytes.length + 1} bytes`);
  });

  const x = (entry: string) => `{"x":${entry}}`;
  const malformed: [string, string, number, string][] = [
    ["no JSON", "{", 0, "the header is not valid JSON"],
    ["no object", "[]", 0, "the header is no JSON object"],
    [
      "a type we lack",
      x('{"dtype":"F16","shape":[1],"data_offsets":[0,2]}'),
      2,
      '"x" is described by {"dtype":"F16","shape":[1],"data_offsets":[0,2]}; known are dtype (F32, F64,',
    ],
    ["a negative size", x('{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}'), 1, '"x" is described by {'],
    ["no offsets", x('{"dtype":"U8","shape":[1]}'), 1, '"x" is described by {'],
    ["too few bytes", x('{"dtype":"F32","shape":[2,3],"data_offsets":[0,8]}'), 8, "[2, 3] needs 24 bytes, but has 8"],
    ["a gap", x('{"dtype":"U8","shape":[1],"data_offsets":[1,2]}'), 2, 'the data of "x" starts at 1 instead of 0'],
    ["metadata of numbers", '{"__metadata__":{"a":1}}', 0, '"__metadata__" is no object of texts'],
    ["an entry that is no object", x("3"), 0, '"x" is described by 3; known'],
  ];
  for (const [name, header, dataBytes, expected] of malformed) {
    test(`malformed: ${name}`, () => expect(messageOf(fileOf(header, dataBytes))).toContain(expected));
  }

  test("a tensor that is not what it says is not written", () => {
    const wrong: Record<string, Tensor>[] = [
      { x: { dtype: "float32", shape: [3], data: Float32Array.of(1) } },
      { x: { dtype: "float32", shape: [1], data: Float64Array.of(1) } },
      { __metadata__: { dtype: "uint8", shape: [1], data: Uint8Array.of(1) } },
    ];
    for (const tensor of wrong)
      expect(() => encodeSafetensors(tensor)).toThrow(/^tensor ".+" is a .*; expected an array/);
  });
});

const RECORDED =
  "yAAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJrIjoidiJ9LCJiIjp7ImR0eXBlIjoiRjY0Iiwic2hhcGUiOlsyLDFdLCJkYXRhX29mZnNldHMiOlswLDE2XX0sImEiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOlsxNiwyOF19LCJjIjp7ImR0eXBlIjoiQk9PTCIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzI4LDI5XX19ICAgICAgIAAAAAAAAPg/AAAAAAAAAMAAAAAAAQAAAAIAAAAB";
