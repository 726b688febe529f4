// Convolutions whose filters take one place each are views of windows, and others are products.
import { describe, expect, it } from "vitest";
import { type Case, compares, countOf, floats } from "./operator-models.ts";

describe("a convolution whose filters take one place each", () => {
  interface Picking {
    readonly filters: number;
    readonly attributes?: Case["steps"][number]["attributes"];
    /** Numbers of the weights that are others. */
    readonly others?: Readonly<Record<number, number>>;
    readonly bias?: boolean;
  }

  /** Filter f takes place f of its window. */
  function picking({ filters, attributes = {}, others = {}, bias = false }: Picking): Case {
    const data = Float32Array.from(
      { length: filters * 18 },
      (_, i) => others[i] ?? Number(i % 18 === Math.floor(i / 18)),
    );
    return {
      fed: { x: floats([2, 2, 7, 6]) },
      fixed: { w: { dtype: "float32", shape: [filters, 2, 3, 3], data }, b: floats([filters], 3) },
      steps: [
        { operator: "Conv", inputs: bias ? ["x", "w", "b"] : ["x", "w"], outputs: ["y"], attributes },
        { operator: "Tanh", inputs: ["y"], outputs: ["out"] },
      ],
    };
  }

  it("gives these places, and multiplies nothing", async () => {
    const all: readonly Picking[] = [
      { filters: 18 },
      { filters: 18, attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } },
      { filters: 9, attributes: { pads: [0, 2, 1, 0], strides: [3, 1] } },
      { filters: 11, attributes: { pads: [2, 2, 2, 2], dilations: [2, 2], strides: [1, 2] } },
      { filters: 5, attributes: { pads: [0, 0, 0, 0], strides: [3, 3] }, others: { 0: 0, 17: 1 } },
    ];
    for (const each of all) {
      expect(countOf(picking(each), "product")).toBe(0);
      await compares(picking(each));
    }
  });

  it("is multiplied where one takes two places, none, or more than what is there", async () => {
    const all: readonly Picking[] = [
      { filters: 9, others: { 1: 1 } },
      { filters: 9, others: { 0: 0 } },
      { filters: 9, others: { 0: 2 } },
      { filters: 9, others: { 0: 0, 20: 1 } },
      { filters: 9, others: { 3: 0.5 } },
      { filters: 9, bias: true },
    ];
    for (const each of all) {
      expect(countOf(picking(each), "product")).toBeGreaterThan(0);
      await compares(picking(each));
    }
  });
});
