// Models whose weights lie in files beside them: programs read these where they lie.
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportAdaptable } from "@innerloop/export";
import { type KeptPrograms, kernelsHere, NativeModel, native } from "@innerloop/native";
import { layoutOf, planFor, readGraph } from "@innerloop/native/plan";
import { Learner } from "@innerloop/runtime";
import type { OwnKernels } from "@innerloop/runtime/session";
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { readRecorded } from "../support/recorded.ts";
import { testKernels } from "./kernels.ts";
import { besideFile as file, type GraphOf, integers, modelOf, movedOut, numbers, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

const page = 4096;

/** Every operand that kernels read may be a weight: factors, sums, gains, rows that are looked up, filters. */
const graph: GraphOf = {
  inputs: { x: ["float32", "rows", 48], u: ["float32", 1, 8, 6, 6], which: ["int64", 3] },
  outputs: ["answers", "turned", "found", "windows", "filtered", "plain"],
  initializers: {
    ...{ w: numbers([48, 40], 1), v: numbers([40], 2), gain: numbers([40], 3), bias: numbers([40], 4) },
    ...{ table: numbers([50, 24], 5), deep: numbers([8, 1, 3, 3], 6), filter: numbers([16, 8, 3, 3], 7) },
    ...{ base: numbers([40, 48], 8), ones: integers(1, 1), last: numbers([7, 16], 9) },
  },
  nodes: [
    ["Gemm", ["x", "w", "v"], ["h"]],
    ["LayerNormalization", ["h", "gain", "bias"], ["normed"], { axis: 1 }],
    ["MatMul", ["normed", "base"], ["answers"]],
    ["Gemm", ["base", "x"], ["turned"], { transB: 1 }],
    ["Gather", ["table", "which"], ["found"], { axis: 0 }],
    ["Conv", ["u", "deep"], ["windows"], { group: 8, pads: [1, 1, 1, 1] }],
    ["Conv", ["u", "filter"], ["filtered"], { pads: [1, 1, 1, 1] }],
    ["Mul", ["last", "last"], ["plain"]],
  ],
};

const feeds: Record<string, Tensor> = {
  ...{ x: numbers([5, 48], 11), u: numbers([1, 8, 6, 6], 12) },
  which: integers(3, 49, 0),
};

/** Written into a file, and as the runtime has one that stays where it is. */
function inPlace(bytes: Uint8Array) {
  const folder = temporaryFolder();
  const path = join(folder, file);
  writeFileSync(path, bytes);
  const placed = {
    ...{ length: bytes.length, sha256: "of these", folder: () => folder },
    slice: (start: number, end: number) => bytes.slice(start, end),
  };
  return { path, placed };
}

const whole = modelOf(graph);

function expectSame(given: Readonly<Record<string, Tensor>>, wanted: Readonly<Record<string, Tensor>>) {
  for (const [name, { data }] of Object.entries(wanted)) {
    const numbersOf = given[name]!.data as Float32Array;
    expect(numbersOf).toHaveLength(data.length);
    const worst = Array.from(data, Number).reduce(
      (most, number, i) => ({
        apart: Math.max(most.apart, Math.abs(number - numbersOf[i]!)),
        largest: Math.max(most.largest, Math.abs(number)),
      }),
      { apart: 0, largest: 1 },
    );
    expect(worst.apart, name).toBeLessThan(1e-5 * worst.largest);
  }
}

describe.each(["plain", "C"])("weights beside a model, on %s kernels", (which) => {
  const kernels = which === "C" ? testKernels() : plainKernels;

  it.each([64, 4, 3])("at multiples of %i bytes are read from memory and from their file", async (step) => {
    const { model, beside } = movedOut(whole, step);
    const wanted = await usual(whole, feeds);
    const { path, placed } = inPlace(beside);
    for (const each of [beside, path, placed]) {
      const ours = new NativeModel(model, kernels, { beside: { [file]: each } });
      for (let run = 0; run < 2; run++) expectSame(ours.run(feeds)!, wanted);
      expectSame(
        ours.run({ ...feeds, x: numbers([9, 48], 1) })!,
        await usual(whole, { ...feeds, x: numbers([9, 48], 1) }),
      );
    }
  });
});

describe("weights beside a model", () => {
  const kernels = testKernels();

  it("are in no program's memory", () => {
    const { model, beside } = movedOut(whole, 64);
    const array = new Float32Array(beside.buffer, 0, beside.length / 4);
    const sizeOf = (bytes: Uint8Array, files: ReadonlyMap<string, Float32Array>) => {
      const plan = planFor(readGraph(bytes, files), feeds, kernels);
      return layoutOf(plan, { files }).tablesAt;
    };
    const [own, outside] = [sizeOf(whole, new Map()), sizeOf(model, new Map([[file, array]]))];
    // All but the last, behind which there is no room, and what is known of others before a run.
    expect(own - outside).toBeGreaterThan(48 * 40 + 50 * 24 + 40 * 48);
  });

  it("are read up to the end of a file that ends with a page", async () => {
    const size = (8 * page) / 4;
    const one: GraphOf = {
      inputs: { x: ["float32", size] },
      outputs: ["y"],
      initializers: { w: numbers([size], 3) },
      nodes: [["Mul", ["x", "w"], ["y"]]],
    };
    const { model, beside } = movedOut(modelOf(one), 64);
    expect(beside.length % page).toBe(0);
    const { placed } = inPlace(beside);
    const x = numbers([size], 4);
    const ours = new NativeModel(model, kernels, { beside: { [file]: placed } });
    expectSame(ours.run({ x })!, await usual(modelOf(one), { x }));
  });

  it("are found by a program that another process left, and other weights have another", async () => {
    const programs = new Map<string, Uint8Array>();
    const kept: KeptPrograms = { find: (key) => programs.get(key), keep: (key, bytes) => programs.set(key, bytes) };
    const { model, beside } = movedOut(whole, 64);
    const other = movedOut(
      modelOf({ ...graph, initializers: { ...graph.initializers, w: numbers([48, 40], 77) } }),
      64,
    );
    expect(other.model).toEqual(model);
    const run = (weights: Uint8Array) =>
      new NativeModel(model, kernels, { kept, beside: { [file]: weights } }).run(feeds)!;
    const first = run(beside);
    expect(programs.size).toBe(1);
    expect([...programs.values()][0]!.length).toBeLessThan(beside.length);
    expectSame(run(beside), first);
    expect(programs.size).toBe(1);
    expect((run(other.beside).answers!.data as Float32Array)[0]).not.toBe((first.answers!.data as Float32Array)[0]);
    expect(programs.size).toBe(2);
  });

  it("that are not there, or end before they should, are left to ONNX Runtime", () => {
    const { model, beside } = movedOut(whole, 64);
    expect(() => new NativeModel(model, kernels)).toThrow(/another file/);
    const short = beside.subarray(0, beside.length - 4);
    expect(() => new NativeModel(model, kernels, { beside: { [file]: short } })).toThrow(/another file/);
  });

  it("that are no longer those which were checked are not read", async () => {
    const { model, beside } = movedOut(whole, 64);
    const { path } = inPlace(beside);
    const gone = new InnerloopError("bundle-altered", "it is not the file any more");
    const folder = () => {
      throw gone;
    };
    const altered = { ...inPlace(beside).placed, folder };
    expect(() => new NativeModel(model, kernels, { beside: { [file]: altered } })).toThrow(gone);
    truncateSync(path, 100);
    expect(() => new NativeModel(model, kernels, { beside: { [file]: path } })).toThrow(/another file/);
    expect(() => new NativeModel(model, kernels, { beside: { [file]: `${path}.none` } })).toThrow(/cannot be read/);
  });

  it.skipIf(!kernelsHere()).each([
    ["", {}],
    [" that computes parts anew", { recompute: true }],
  ])("of a bundle with factors of LoRA%s are adapted beside, and answer, without ONNX Runtime", async (_, more) => {
    const recorded = readRecorded<{
      readonly models: Readonly<Record<string, string>>;
      readonly pictures: Readonly<Record<"support" | "query", { readonly shape: number[]; readonly data: number[] }>>;
      readonly labels: readonly number[];
    }>("export/recorded/adaptable.json");
    const out = join(temporaryFolder(), "bundle");
    await exportAdaptable(new Uint8Array(Buffer.from(recorded.models.pictures!, "base64")), {
      ...{ out, train: "lora:2" as const, ...more },
    });
    expect(readFileSync(join(out, file)).length).toBeGreaterThan(1000);
    let [ran, left] = [0, 0];
    const counting: OwnKernels = {
      open(bytes, options) {
        const model = native.open(bytes, options);
        if (!model) return undefined;
        const { inputs, outputs } = model;
        return {
          ...{ inputs, outputs },
          run(...given) {
            const results = model.run(...given);
            if (results) ran++;
            else left++;
            return results;
          },
        };
      },
    };
    const batch = ({ shape, data }: { shape: number[]; data: number[] }) => ({ shape, data: Float32Array.from(data) });
    const answered = async (kernels?: OwnKernels) => {
      const learner = await Learner.load(out, { provider: "cpu", ...(kernels ? { kernels } : {}) });
      const labels = recorded.labels.map((label) => "abc"[label]!);
      const personal = await learner.adapt({ ...batch(recorded.pictures.support), labels }, { steps: 5 });
      const answers = await personal.predictBatch(batch(recorded.pictures.query));
      await learner.dispose();
      return [...personal.supportLoss, ...answers.flatMap(({ logits }) => logits)];
    };
    const [ours, theirs] = [await answered(counting), await answered()];
    ours.forEach((number, i) => {
      expect(number).toBeCloseTo(theirs[i]!, 3);
    });
    expect([ran, left]).toEqual([2, 0]);
  });
});

describe("large numbers that are computed before any run", () => {
  const kernels = testKernels();
  const side = 600;
  const doubled: GraphOf = {
    inputs: { x: ["float32", "rows", side] },
    outputs: ["y"],
    initializers: { w: numbers([side, side], 21), v: numbers([side], 22) },
    nodes: [
      ["Mul", ["w", "v"], ["scaled"]],
      ["Add", ["scaled", "w"], ["sum"]],
      ["MatMul", ["x", "sum"], ["h"]],
      ["Mul", ["scaled", "v"], ["other"]],
      ["MatMul", ["h", "other"], ["g"]],
      ["MatMul", ["g", "sum"], ["y"]],
    ],
  };
  const of = (rows: number): Record<string, Tensor> => ({ x: numbers([rows, side], rows) });

  it("are held once, beside a program's memory, and what they were computed from is given back", async () => {
    const plan = planFor(readGraph(modelOf(doubled)), of(3), kernels);
    const { arrays, known, tablesAt } = layoutOf(plan);
    // Both are read, one of them twice.
    expect(arrays).toHaveLength(2);
    expect(known.every((each) => each.numbers.length < side * side)).toBe(true);
    expect(tablesAt).toBeLessThan(side * side);
    const released: ArrayBuffer[] = [];
    const watched = { ...kernels, release: (memory: ArrayBuffer) => released.push(memory) && kernels.release!(memory) };
    const model = new NativeModel(modelOf(doubled), watched);
    for (const rows of [3, 20, 3]) expectSame(model.run(of(rows))!, await usual(modelOf(doubled), of(rows)));
    // Of each of two plans the sum without its last term, and where it was computed.
    expect(released.filter(({ byteLength }) => byteLength > 4 * side * side).length).toBeGreaterThanOrEqual(4);
  });

  it("are there in a program that another process left", async () => {
    const programs = new Map<string, Uint8Array>();
    const kept: KeptPrograms = { find: (key) => programs.get(key), keep: (key, bytes) => programs.set(key, bytes) };
    for (let process = 0; process < 2; process++) {
      const model = new NativeModel(modelOf(doubled), kernels, { kept });
      expectSame(model.run(of(5))!, await usual(modelOf(doubled), of(5)));
    }
    expect(programs.size).toBe(1);
    expect([...programs.values()][0]!.length).toBeLessThan(2.5 * 4 * side * side);
  });
});

describe("a file that is mapped", () => {
  const kernels = testKernels();

  it("has its bytes and zeros behind them, after they were given back as well, and gets nothing that is written", async ({
    skip,
  }) => {
    const bytes = Uint8Array.from({ length: 3 * page + 5 }, (_, i) => (i * 7) % 251);
    const { path } = inPlace(bytes);
    const mapping = kernels.map!(path, 64);
    skip(!mapping, "files are not mapped here");
    const all = new Uint8Array(mapping!);
    expect(all).toHaveLength(bytes.length + 64);
    const expectWhole = () => {
      expect(all.subarray(0, bytes.length)).toEqual(bytes);
      expect(all.subarray(bytes.length).every((byte) => byte === 0)).toBe(true);
    };
    expectWhole();
    kernels.release!(mapping!);
    expectWhole();
    all[0] = 99;
    expect(readFileSync(path)[0]).toBe(0);
  });

  it("is none where there is no file, or one without bytes", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "empty"), "");
    for (const name of ["none", "empty", ".", "x".repeat(5000)])
      expect(kernels.map!(join(folder, name), 64)).toBeUndefined();
  });

  it("is asked for by a path, and given back as an ArrayBuffer", () => {
    expect(() => kernels.map!(3 as never, 64)).toThrow(/path/);
    expect(() => kernels.release!(new Float32Array(3) as never)).toThrow(/ArrayBuffer/);
  });
});

describe("an array that is given", () => {
  const kernels = testKernels();
  const far = 2 ** 30;
  const piece = 2 ** 18;
  /** Where a table lies of one number that leads a piece further. */
  const table = 256;

  /** A copy of numbers. */
  const copy = (size: number, from: number, to: number): number[] => [2, 14, 1, size, 1, from, 1, 0, 1, to, 1, 0, 0, 0];

  function outcome(words: readonly number[], given: readonly number[], results: readonly number[] = []) {
    const memory = new ArrayBuffer(4 * 512 + 64);
    const begin = kernels.misaligned(memory);
    const arrays = (sizes: readonly number[]) => sizes.map((size) => new Float32Array(size).fill(3));
    const floats = new Float32Array(memory, begin);
    new Int32Array(memory, begin)[table] = piece;
    const code = kernels.run(Int32Array.from(words), memory, begin, 1, arrays(results), arrays(given));
    return { code, floats };
  }

  it("is read behind results, up to its last numbers, which are room", () => {
    const { code, floats } = outcome([...copy(32, far + piece + 8, 0), ...copy(32, 0, far)], [16 + 32 + 8], [32]);
    expect(code).toBe(0);
    expect(floats.subarray(0, 33)).toEqual(new Float32Array(33).fill(3, 0, 32));
  });

  it.each([
    ["read in its room", copy(33, far, 0), [48]],
    ["read behind it", copy(8, far + 64, 0), [48]],
    ["read across two", copy(8, far + piece - 4, 0), [piece + 16, 48]],
    ["written", copy(8, 0, far), [48]],
    [
      "a factor whose rows are looked up in the next",
      [1, 23, 4, 1, 8, 8, 0x3f800000, 0, far, 0, 1, 0, 8, 1, 128, 8, -1, 0, 0, table, 1, 8, 0],
      [48, 48],
    ],
  ])("is not %s", (_, words, given) => {
    expect(outcome(words, given).code).toBe(2);
  });
});
