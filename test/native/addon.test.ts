// The kernels as they are opened: in several threads at once, and with words and memories that are not what they should be.
import { Worker } from "node:worker_threads";
import { functions } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { builtFile, testKernels } from "./kernels.ts";

const kernels = testKernels();

/** A memory of some numbers, which begins at a multiple of 64 bytes. */
function memoryOf(numbers: number) {
  const memory = new ArrayBuffer(4 * numbers + 64);
  const begin = kernels.misaligned(memory);
  return { memory, begin, floats: new Float32Array(memory, begin) };
}

const bits = (number: number): number => new Int32Array(Float32Array.of(number).buffer)[0]!;

/** One number more at each place of `size`, from a place to another one. */
const oneMore = (size: number, from: number, to: number): number[] => [
  ...[2, 19, 1, size],
  ...[1, from, 1],
  ...[1, 1, 0, -1, 0],
  ...[1, to, 1, 1, 0],
  ...[1, bits(1)],
];

describe("a run", () => {
  it("gives 0 and writes what the words say", () => {
    const { memory, begin, floats } = memoryOf(64);
    floats.set([1, 2, 3]);
    expect(kernels.run(Int32Array.from(oneMore(3, 0, 16)), memory, begin)).toBe(0);
    expect([...floats.subarray(16, 20)]).toEqual([2, 3, 4, 0]);
  });

  it("goes over turns, whose number it writes", () => {
    const { memory, begin, floats } = memoryOf(64);
    expect(kernels.run(Int32Array.from([7, 24, 5, 32, 19, ...oneMore(3, 0, 0)]), memory, begin)).toBe(0);
    expect([...floats.subarray(0, 4), floats[32]]).toEqual([5, 5, 5, 0, 4]);
  });

  it("of no words does nothing", () => {
    const { memory, begin } = memoryOf(16);
    expect(kernels.run(new Int32Array(0), memory, begin)).toBe(0);
  });

  it.each([
    ["a code that is none", [8, 2]],
    ["a code of 0, which would never end", [0, 0]],
    ["a length that goes beyond the words", [2, 99, 1, 3]],
    ["a length of nothing", [2, 0, 1, 3]],
    ["half an instruction", [2]],
    ["a read before the memory", oneMore(3, -1, 16)],
    ["a write behind it", oneMore(3, 0, 1e6)],
    ["a size that leads out of it", oneMore(1e6, 0, 16)],
    ["a function that is none", [...oneMore(3, 0, 16)].with(8, Object.keys(functions).length)],
    ["an operand that comes later", [...oneMore(3, 0, 16)].with(9, 1)],
    ["a number that is not there", [...oneMore(3, 0, 16)].with(10, -2)],
    ["a way of writing that is none", [...oneMore(3, 0, 16)].with(16, 4)],
    ["more axes than there may be", [2, 14, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]],
    ["a step of turns that is wrong", [7, 24, 2, 32, 19, ...oneMore(3, -1, 16)]],
    ["a move by a turn that is none", [6, 8, 1, 0, 1, 16, 1, 32]],
    ["a move that leaves it in a later turn", [7, 13, 1000, 32, 8, 6, 8, 1, 0, 1, 16, 0, 32]],
    ["a softmax of rows beyond it", [4, 9, 0, 100, 16, 0, 16, 0, 16]],
    ["rows looked up beyond it", [5, 15, 1, 1, 1, 1000, 0, 0, 1, 16, 1, -1, 32, 1, 1]],
    ["a norm that writes before it", [3, 18, 2, 8, 0, 0, 8, -1, 0, -1, 0, 1, 16, -32, -1, 0, -1, 0]],
    [
      "a product whose row is too long",
      [1, 23, 0, 2, 2, 2, bits(1), 0, 0, 2, 1, 8, 999, 1, 16, 2, -1, 0, 0, -1, 0, 0, 0],
    ],
  ])("of %s gives 2, and touches nothing", (_, words) => {
    const { memory, begin, floats } = memoryOf(128);
    floats.fill(7);
    expect(kernels.run(Int32Array.from(words), memory, begin)).toBe(2);
    expect(floats.every((number) => number === 7)).toBe(true);
  });

  it("checks the entries of a product's table", () => {
    const { memory, begin, floats } = memoryOf(256);
    // One row of two pieces of two numbers, times a matrix of four rows and one column.
    const product = [1, 23, 4, 1, 1, 4, bits(1), bits(0), 0, 0, 0, 16, 1, 1, 32, 1, -1, 0, 0, 64, 2, 2, 0];
    floats.set([1, 2, 3, 4]);
    floats.set([1, 10, 100, 1000], 16);
    const table = new Int32Array(memory, begin + 4 * 64, 2);
    table.set([2, -1]);
    expect(kernels.run(Int32Array.from(product), memory, begin)).toBe(0);
    expect(floats[32]).toBe(3 + 40);
    table.set([2, 1e6]);
    expect(kernels.run(Int32Array.from(product), memory, begin)).toBe(2);
  });

  it("takes products of no terms, whose factors lie nowhere", () => {
    const { memory, begin, floats } = memoryOf(256);
    for (const [m, n] of [
      [1, 3],
      [2, 3],
      [20, 1],
      [2, 40],
    ] as const) {
      floats.set(Array.from({ length: n }, (_, i) => i + 1));
      const product = [1, 23, 1, m, n, 0, bits(1), bits(2), 1000, 0, 0, 2000, n, 1, 48, n, 0, 0, 1, -1, 0, 0, 0];
      expect(kernels.run(Int32Array.from(product), memory, begin)).toBe(0);
      for (let i = 0; i < m * n; i++) expect(floats[48 + i]).toBe(2 * ((i % n) + 1));
    }
  });

  it("refuses what is no code, no memory, or not aligned", () => {
    const { memory, begin } = memoryOf(64);
    const code = new Int32Array(0);
    expect(() => kernels.run(new Float32Array(4) as never, memory, begin)).toThrow(/Int32Array/);
    expect(() => kernels.run(code, new Float32Array(64) as never, 0)).toThrow(/ArrayBuffer/);
    expect(() => kernels.run(code, memory, begin + 4)).toThrow(/multiple of 64/);
    expect(() => kernels.run(code, memory, 1e9)).toThrow(/within the buffer/);
    expect(() => kernels.run(code, memory, -64)).toThrow(/within the buffer/);
  });
});

describe("whether numbers are finite", () => {
  const { POSITIVE_INFINITY, NEGATIVE_INFINITY, NaN: none } = Number;
  it.each([none, POSITIVE_INFINITY, NEGATIVE_INFINITY])("is no with %d, wherever it is", (number) => {
    for (const length of [1, 2, 15, 16, 17, 100])
      for (let at = 0; at < length; at++)
        expect(kernels.finite!(new Float32Array(length).fill(-3.4e38).fill(number, at, at + 1))).toBe(false);
  });

  it("is yes with the largest and the least of them, with none at all, and in memory that threads share", () => {
    for (let length = 0; length < 40; length++)
      expect(
        kernels.finite!(Float32Array.from({ length }, (_, i) => [3.4028234e38, -3.4028234e38, 1e-45, -0][i % 4]!)),
      ).toBe(true);
    const shared = new Float32Array(new SharedArrayBuffer(400)).fill(1);
    expect(kernels.finite!(shared.subarray(3, 20))).toBe(true);
    shared[19] = none;
    expect(kernels.finite!(shared.subarray(3, 20))).toBe(false);
    expect(kernels.finite!(shared.subarray(3, 19))).toBe(true);
  });

  it("is asked of float32 alone", () => {
    for (const given of [new Int32Array(4), new ArrayBuffer(4), [1], undefined])
      expect(() => kernels.finite!(given as never)).toThrow(/Float32Array/);
  });
});

describe("numbers that are added to others", () => {
  it("are what a loop gives, of any length, in memory that threads share as well", () => {
    for (const memory of [ArrayBuffer, SharedArrayBuffer])
      for (let length = 0; length < 70; length++) {
        const to = new Float32Array(new memory(4 * length + 4) as ArrayBuffer, 4).map((_, i) => Math.sin(i) * 1e3);
        const more = Float32Array.from(to, (_, i) => [Math.cos(i), 1e-45, -0, Number.POSITIVE_INFINITY][i % 4]!);
        const wanted = to.map((number, i) => number + more[i]!);
        kernels.add!(to, more);
        expect(to).toEqual(wanted);
      }
  });

  it("are as many float32 numbers", () => {
    const four = new Float32Array(4);
    for (const given of [new Float32Array(3), new Int32Array(4), new ArrayBuffer(16), undefined]) {
      expect(() => kernels.add!(four, given as never)).toThrow(/two Float32Arrays of one length/);
      expect(() => kernels.add!(given as never, four)).toThrow(/two Float32Arrays of one length/);
    }
  });
});

describe("threads", () => {
  it("have them open side by side, each with its own memory, and after another has ended", async () => {
    const script = `
      const { workerData, parentPort } = require("node:worker_threads");
      const kernels = require(workerData.file);
      const memory = new ArrayBuffer(4096 + 64);
      const begin = kernels.misaligned(memory);
      const floats = new Float32Array(memory, begin);
      const turns = Int32Array.from(workerData.turns);
      for (let i = 0; i < 100; i++) kernels.run(turns, memory, begin);
      parentPort.postMessage(floats[0]);`;
    const body = oneMore(1, 0, 0);
    const turns = [7, 5 + body.length, 50, 64, body.length, ...body];
    const workers = 3;
    const once = () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(script, { eval: true, workerData: { file: builtFile, turns } });
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    expect(await Promise.all(Array.from({ length: workers }, once))).toEqual(Array(workers).fill(5000));
    expect(await once()).toBe(5000);
  });
});
