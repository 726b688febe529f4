// Files that nobody exported: cut short, contradicting themselves, with names that lead elsewhere. All are refused by a
// code, before anything is made of them; and what is quoted of them does nothing to a terminal.
import {
  decodeSafetensors,
  encodeSafetensors,
  InnerloopError,
  type Manifest,
  parseJson,
  plain,
  show,
  suggest,
  validateConfig,
  validateManifest,
} from "@innerloop/schemas";
import { checkManifest } from "@innerloop/schemas/bundle";
import { describe, expect, test } from "vitest";
import { codeOf } from "../support/refusal.ts";
import { listed as file, sampleConfidence, sampleManifest } from "./sample.ts";

/** A file of this header, with `size` bytes of data. */
function fileOf(header: unknown, size = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe("a safetensors file", () => {
  const whole = encodeSafetensors(
    {
      weight: { dtype: "float32", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      count: { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 2n) },
      bytes: { dtype: "uint8", shape: [3], data: Uint8Array.of(1, 2, 3) },
    },
    { note: "x" },
  );

  test("that is cut short anywhere is refused", () => {
    for (let length = 0; length < whole.length; length++)
      expect(
        codeOf(() => decodeSafetensors(whole.subarray(0, length), "f")),
        String(length),
      ).toBe("safetensors-invalid");
  });

  test.each([
    ["a length that is not there", { a: { dtype: "F32", shape: [2 ** 40], data_offsets: [0, 2 ** 42] } }],
    ["a length beyond what a number holds", { a: { dtype: "F32", shape: [2 ** 52, 2 ** 52], data_offsets: [0, 8] } }],
    ["an end before its start", { a: { dtype: "F32", shape: [1], data_offsets: [0, -4] } }],
    ["half a number", { a: { dtype: "F32", shape: [1], data_offsets: [0, 3] } }],
    ["an axis for each byte", { a: { dtype: "U8", shape: new Array(1000).fill(1), data_offsets: [0, 1] } }],
    ["a type named as what every object has", { a: { dtype: "constructor", shape: [1], data_offsets: [0, 8] } }],
    ["lists in lists in lists", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    [
      "a name twice",
      '{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
    ],
    ["a name twice, one spelled by its number", '{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"\\u0061":{}}'],
    [
      "metadata twice",
      '{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
    ],
    [
      "metadata with a name twice",
      '{"__metadata__":{"a":"1","a":"2"},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
    ],
    ["a field twice", '{"a":{"dtype":"U8","dtype":"I8","shape":[8],"data_offsets":[0,8]}}'],
  ])("with %s is refused", (_, header) => {
    expect(codeOf(() => decodeSafetensors(fileOf(header, 8), "f"))).toBe("safetensors-invalid");
  });

  test("may use the names that every object has, and has no others", () => {
    const names = ["__proto__", "constructor", "toString"];
    const header = `{${names.map((name, i) => `"${name}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`)}}`;
    const { tensors, metadata } = decodeSafetensors(fileOf(header, 3), "f");
    expect(Object.keys(tensors)).toEqual(names);
    expect(tensors.toString).toMatchObject({ dtype: "uint8", shape: [1] });
    expect(metadata.constructor).toBeUndefined();
    expect(decodeSafetensors(fileOf({}), "f").tensors.valueOf).toBeUndefined();
  });
});

const manifest: Manifest = {
  ...sampleManifest,
  input: {
    shape: [4, 4, 1],
    dtype: "float32",
    preprocessing: { kind: "image", width: 4, height: 4, channels: 1, invert: true, mean: 0, std: 1 },
  },
  output: { ways: 3 },
  labels: ["a", "b", "c"],
  innerLoop: { algorithm: "maml", head: "learned", steps: 5, rates: { w: 0.4 }, shots: 1 },
  parameters: [{ name: "w", shape: [16, 3], adapted: true, required: false }],
  confidence: { ...sampleConfidence, ways: 3 },
};
const parameter = manifest.parameters[0]!;
const confidence = manifest.confidence!;

describe("a manifest", () => {
  const elsewhere = [
    "../../index.html",
    "..",
    ".",
    "",
    ".hidden",
    "a/b.onnx",
    "a\\b.onnx",
    "/etc/passwd",
    "C:x",
    "a\0b",
    "\u001b[2J",
    "-rf",
    "a".repeat(300),
    "ä.onnx",
  ];
  test.each(elsewhere)("with a file named %j is refused, on a device and elsewhere", (name) => {
    const files = { ...manifest.files, [name]: file };
    expect(codeOf(() => validateManifest({ ...manifest, files }, "m"))).toBe("manifest-invalid");
    expect(codeOf(() => checkManifest({ ...manifest, files }, "m"))).toBe("manifest-invalid");
  });

  test("says which name is none", () => {
    const files = { ...manifest.files, "../../index.html": file };
    expect(() => validateManifest({ ...manifest, files }, "m")).toThrow(
      'm: files has the name "../../index.html"; expected a plain name',
    );
  });

  const contradictions: [string, object][] = [
    ["more labels than classes", { labels: ["a", "b", "c", "d"] }],
    ["a label twice", { labels: ["a", "b", "a"] }],
    ["a parameter twice", { parameters: [parameter, parameter] }],
    ["an example of more numbers than memory", { input: { shape: [2 ** 20, 2 ** 20], dtype: "float32" } }],
    ["an example that overflows", { input: { shape: new Array(40).fill(2 ** 40), dtype: "float32" } }],
    ["a parameter of more numbers than memory", { parameters: [{ ...parameter, shape: [2 ** 40, "ways"] }] }],
    ["an infinite slope", { confidence: { ...confidence, temperatureSlope: Number.POSITIVE_INFINITY } }],
    ["a slope that makes every temperature infinite", { confidence: { ...confidence, temperatureSlope: 1e6 } }],
    ["a temperature that divides by nothing", { confidence: { ...confidence, temperature: 1e-300 } }],
    ["shots of nothing", { confidence: { ...confidence, shots: 1e-300 } }],
    [
      "an infinite threshold",
      { confidence: { ...confidence, rejection: { ...confidence.rejection, threshold: Number.NEGATIVE_INFINITY } } },
    ],
    ["more classes than there are", { output: { ways: 1e15 } }],
  ];
  test.each(contradictions)("with %s is refused, on a device and elsewhere", (_, change) => {
    expect(codeOf(() => validateManifest({ ...manifest, ...change }, "m"))).toBe("manifest-invalid");
    expect(codeOf(() => checkManifest({ ...manifest, ...change }, "m"))).toBe("manifest-invalid");
  });

  test("with preprocessing that makes no example, or rates of no parameter, is refused", () => {
    const preprocessing = { ...manifest.input.preprocessing, width: 5 };
    const innerLoop = { ...manifest.innerLoop, rates: { constructor: 0.1 } };
    expect(codeOf(() => validateManifest({ ...manifest, input: { ...manifest.input, preprocessing } }, "m"))).toBe(
      "manifest-invalid",
    );
    expect(codeOf(() => validateManifest({ ...manifest, innerLoop }, "m"))).toBe("manifest-invalid");
  });

  test("that goes together is accepted, also with labels that every object has", () => {
    const labels = ["__proto__", "constructor", "toString"];
    expect(codeOf(() => validateManifest({ ...manifest, labels }, "m"))).toBe("accepted");
    expect(codeOf(() => checkManifest({ ...manifest, labels }, "m"))).toBe("accepted");
  });
});

describe("JSON", () => {
  test("is what JSON.parse makes of it", () => {
    const texts = ['{"a":{"b":[1,{"c":"}{\\":\\\\"}]},"d":"a:b"}', "[]", '"a:b"', "1", "null", '{"":{"":0}}'];
    for (const text of texts) expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test.each([
    '{"a":1,"a":2}',
    '{"b":[{"a":1,"a":2}]}',
    '{"a":1,"\\u0061":2}',
    "[".repeat(65) + "]".repeat(65),
    "{",
    "",
  ])("%j is refused", (text) => expect(() => parseJson(text)).toThrow());
});

describe("what is quoted", () => {
  const nasty = "\u001b[2J\u001b]0;title\u0007\u009b31m\r\u202eabc\u2066\0\u2028";

  test("shows its control characters as one that does nothing", () => {
    expect(plain(nasty)).toMatch(/^[^\p{Cc}\p{Bidi_C}\u2028]+$/u);
    expect(plain("two\nlines\tand Ünïcödé 漢字 👩‍👩‍👧 עברית")).toBe("two\nlines\tand Ünïcödé 漢字 👩‍👩‍👧 עברית");
  });

  test("of an error too, which has an end as well as a beginning", () => {
    const { message } = new InnerloopError("x", `begin ${nasty.repeat(100_000)} end`);
    expect(message).toMatch(/^[^\p{Cc}\p{Bidi_C}\u2028]+$/u);
    expect(message.length).toBeLessThan(5000);
    expect(message).toMatch(/^begin .* end$/);
  });

  test("is short, and never fails, whatever is shown", () => {
    const ring: unknown[] = [];
    ring.push(ring);
    const deep = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], 0);
    const values = ["x".repeat(1e6), ring, deep, 1n, Symbol("s"), Object.create(null), undefined, null, () => 0, -0];
    for (const value of values) expect(show(value).length).toBeLessThanOrEqual(80);
    expect(show(new Array(1e6).fill(0))).toMatch(/^\[0,0,/);
    expect(show(new Float32Array(1e6))).toBe('"Float32Array of 4000000 bytes"');
    expect(show({ data: new Float64Array(2) })).toBe('{"data":"Float64Array of 16 bytes"}');
    expect(show("a")).toBe('"a"');
  });

  test("of an unknown key as well", () => {
    expect(() => validateConfig({ [`\u001b[2J${"k".repeat(1e6)}`]: 1 }, "c")).toThrow(
      /unknown key "[^\p{Cc}]{0,80}…;/u,
    );
  });

  test("is compared with what is known only where it could be meant", () => {
    expect(suggest("s".repeat(1e7), ["steps"])).toBeUndefined();
    expect(suggest("step", ["s".repeat(1e7), "steps"])).toBe("steps");
  });
});
