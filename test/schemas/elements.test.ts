// The table of element types: all that ONNX has under its numbers, and numbers that come back from bytes.
import {
  decodeNumbers,
  ELEMENT_TYPES,
  ELEMENTS,
  type ElementName,
  type ElementType,
  elementNameOf,
  encodeNumbers,
  isNumeric,
  type NumericName,
} from "@innerloop/schemas";
import { onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";

const names = Object.keys(ELEMENT_TYPES) as ElementName[];

test("has every element type of onnx.proto under its number", () => {
  const onnxNames: Readonly<Record<string, string>> = { float32: "FLOAT", float64: "DOUBLE" };
  const table = names.map((name) => [onnxNames[name] ?? name.toUpperCase(), ELEMENT_TYPES[name].onnx]);
  const { UNDEFINED: _, ...types } = onnx.TensorProto.DataType;
  const all = Object.entries(types).filter(([, number]) => typeof number === "number");
  expect(Object.fromEntries(table)).toEqual(Object.fromEntries(all));
  for (const name of names) expect(elementNameOf(ELEMENT_TYPES[name].onnx)).toBe(name);
});

test("what tensors have is as wide as its array", () => {
  for (const [name, { array }] of Object.entries(ELEMENTS))
    expect(ELEMENT_TYPES[name as NumericName].bits).toBe(8 * array.BYTES_PER_ELEMENT);
});

describe("numbers", () => {
  test.each(["float16", "bfloat16"] as const)("every number of %s comes back from its bits", (name) => {
    const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
    const numbers = decodeNumbers(name, new Uint8Array(bits.buffer), bits.length);
    const again = new Uint16Array(encodeNumbers(name, numbers).buffer);
    const wrong = bits.filter((_, i) => !Number.isNaN(numbers[i]) && again[i] !== i);
    expect([...wrong]).toEqual([]);
    expect(Array.from(numbers, Math.fround)).toEqual([...numbers]);
  });

  test.each(["int4", "uint4"] as const)("two of %s lie in a byte, the first below", (name) => {
    const low = name === "int4" ? -8 : 0;
    const numbers = Array.from({ length: 17 }, (_, i) => low + (i % 16));
    const bytes = encodeNumbers(name, numbers);
    expect(bytes.length).toBe(9);
    expect(bytes[0]! & 15).toBe(low & 15);
    expect([...decodeNumbers(name, bytes, 17)]).toEqual(numbers);
  });

  test("bfloat16 is rounded to the nearest, ties to even", () => {
    const at = (x: number) => decodeNumbers("bfloat16", encodeNumbers("bfloat16", [x]), 1)[0];
    expect([1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20].map(at)).toEqual([1, 1 + 2 ** -6, 1 + 2 ** -7]);
    expect(at(3.4e38)).toBe(Number.POSITIVE_INFINITY);
    expect(at(Number.NaN)).toBeNaN();
  });

  test("of what tensors have are those of the arrays that hold them", () => {
    for (const name of names.filter(isNumeric)) {
      const element: ElementType = ELEMENT_TYPES[name];
      if (element.dtype !== name) continue;
      const list = name === "bool" ? [1, 0] : name.startsWith("u") ? [3, 100] : [-3, 100];
      const bytes = encodeNumbers(name, list);
      expect(Array.from(new ELEMENTS[name as keyof typeof ELEMENTS].array(bytes.buffer), Number), name).toEqual(list);
      expect([...decodeNumbers(name, bytes, 2)], name).toEqual(list);
    }
  });
});
