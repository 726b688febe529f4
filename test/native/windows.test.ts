// Windows in C against plain loops: sums, what such sums give weights, largest numbers, and what is brought back where they were found.
import { type Access, type Chain, fused, type Step, type Store, type Windows } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();

interface Sizes {
  readonly channels: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly steps?: readonly [number, number];
  readonly before?: readonly [number, number];
  readonly dilation?: number;
}

const examples = 2;

/** A step over stores of its own, in which more lies than its channels, and what they hold. */
function stepOf(
  what: Windows["what"],
  { channels, size, kernel, steps = [1, 1], before = [0, 0], dilation = 1 }: Sizes,
) {
  const [rows, columns] = size.map((all, axis) => Math.floor((all + before[axis]! - 1) / steps[axis]!) + 1) as [
    number,
    number,
  ];
  const [wide, apart] = [channels + 3, channels + 2];
  const stored = (count: number): Store => ({ size: count, depth: 1 });
  const grid = (high: number, across: number, each: number): Access => ({
    store: stored(examples * high * across * each),
    ...{ offset: 0, strides: [high * across * each, across * each, each] },
  });
  const taps = Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const [row, column] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
    return [row * dilation - before[0], column * dilation - before[1], tap] as const;
  });
  const [field, out, where] = [grid(...size, wide), grid(rows, columns, apart), grid(rows, columns, channels)];
  const random = dice(channels + taps.length);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
  const [weight, bias] = [stored(taps.length * channels), stored(channels)];
  const step: Windows = {
    ...{ kind: "windows", what, examples, channels, rows, columns, steps, size, taps, field, out },
    ...(what === "sums" || what === "weights" ? { weight: { store: weight, offset: 0, strides: [channels] } } : {}),
    ...(what === "sums" ? { bias: { store: bias, offset: 0, strides: [1] } } : {}),
    ...(what === "maxima" || what === "back" ? { where } : {}),
  };
  const begun = new Map<Store, ArrayLike<number>>(
    [field.store, out.store, weight, bias].map((store) => [store, numbers(store.size)] as const),
  );
  if (what === "back") {
    // Where each window has its last tap that is within the field.
    const places = new Float32Array(where.store.size);
    const read = stores(new Map([...begun, [where.store, places]]));
    runSteps([{ ...step, what: "maxima" }], read);
    begun.set(where.store, Float32Array.from(read(where.store)));
  }
  return { step, begun };
}

const cases: readonly Sizes[] = [
  { channels: 1, size: [3, 3], kernel: [2, 2] },
  { channels: 16, size: [7, 9], kernel: [3, 3], before: [1, 1] },
  { channels: 21, size: [7, 8], kernel: [3, 3], before: [1, 1], steps: [2, 2] },
  { channels: 37, size: [5, 6], kernel: [1, 2], steps: [1, 3] },
  { channels: 8, size: [6, 5], kernel: [5, 5], before: [2, 2] },
  { channels: 33, size: [9, 4], kernel: [3, 2], dilation: 2, before: [2, 1] },
  { channels: 16, size: [1, 12], kernel: [1, 4], before: [0, 3] },
  { channels: 4, size: [2, 2], kernel: [8, 8], before: [4, 4] },
];

describe.each(["sums", "weights", "maxima", "back"] as const)("%s", (what) => {
  it.each(cases)("of windows %j", (sizes) => {
    const { step, begun } = stepOf(what, sizes);
    compare(kernels, [step], { begun });
  });
});

describe("sums of products for each tap", () => {
  it("are taken by windows, also where they go in steps and several examples", () => {
    const [channels, high, wide] = [20, 12, 10];
    const across = 2 * wide + 2;
    const field: Store = { size: 2 * (2 * high + 2) * across * channels, depth: 1 };
    const [out, to]: Store[] = [
      { size: 2 * high * wide * channels, depth: 1 },
      { size: 9 * channels, depth: 1 },
    ];
    const offsets = Array.from({ length: 9 }, (_, tap) => (Math.floor(tap / 3) * across + (tap % 3)) * channels);
    const strides = [(2 * high + 2) * across * channels, 2 * across * channels, 2 * channels, 1];
    const chain: Chain = {
      kind: "chain",
      shape: [2, high, wide, channels],
      reads: [
        { store: out!, offset: 0, strides: [high * wide * channels, wide * channels, channels, 1] },
        ...offsets.map((offset) => ({ store: field, offset, strides })),
      ],
      code: offsets.map(
        (_, tap) => ({ name: "multiply", operands: [{ register: tap + 1 }, { register: 0 }] }) as const,
      ),
      writes: offsets.map((_, tap) => ({
        store: to!,
        offset: tap,
        strides: [0, 0, 0, 9],
        register: 10 + tap,
        how: "sum",
      })),
    };
    const made = fused([chain], [to!]);
    expect(made.map(({ kind }) => kind)).toEqual(["windows", "chain"]);
    const random = dice(5);
    const begun = new Map(
      [field, out!].map((store) => [store, Float32Array.from({ length: store.size }, () => random() - 0.5)]),
    );
    const [apart, joined] = [[chain], made].map((steps: readonly Step[]) => {
      const numbers = stores(begun);
      runSteps(steps, numbers);
      return Array.from(numbers(to!));
    });
    for (const [i, number] of apart!.entries()) expect(joined![i]).toBeCloseTo(number, 9);
    compare(kernels, made, { begun, close: 1e-5 });
  });
});
