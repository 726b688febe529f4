// Other sizes for what there is, beside ONNX Runtime.
import { planFor, readGraph } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { type Attribute, all, type Case, compares, floats, leaves, list, modelOf } from "./operator-models.ts";
import { plainKernels } from "./words.ts";

describe("sizes", () => {
  const nearest = {
    mode: { text: "nearest" },
    coordinate_transformation_mode: { text: "asymmetric" },
    nearest_mode: { text: "floor" },
  };
  it("Resize to the nearest place before", () =>
    all(
      [
        [2, 5, 6, 8],
        [2, 5, 7, 3],
      ].map((sizes) => ({
        fed: { x: floats([2, 5, 3, 4]) },
        fixed: { sizes: list(...sizes) },
        steps: [{ operator: "Resize", inputs: ["x", "", "", "sizes"], outputs: ["out"], attributes: nearest }],
      })),
    ));

  /** By sizes and by scales, larger and smaller. */
  const resized = (attributes: Readonly<Record<string, Attribute>>) =>
    all([
      ...[
        [2, 5, 6, 8],
        [2, 5, 7, 3],
        [2, 5, 1, 9],
      ].map((sizes) => ({
        ...{ fed: { x: floats([2, 5, 3, 4]) }, fixed: { sizes: list(...sizes) } },
        steps: [{ operator: "Resize", inputs: ["x", "", "", "sizes"], outputs: ["out"], attributes }],
      })),
      ...[
        [1, 1, 2, 2],
        [1, 1, 1.7, 0.6],
      ].map((scales) => ({
        fed: { x: floats([2, 5, 3, 7]) },
        fixed: { scales: { dtype: "float32" as const, shape: [4], data: Float32Array.from(scales) } },
        steps: [{ operator: "Resize", inputs: ["x", "", "scales"], outputs: ["out"], attributes }],
      })),
    ]);

  it("Resize where nothing is said", () => resized({}));

  it.each(["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])(
    "Resize to nearest places and between places, by %s",
    async (text) => {
      const way = { coordinate_transformation_mode: { text } };
      for (const near of ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
        await resized({ ...way, nearest_mode: { text: near } });
      await resized({ ...way, mode: { text: "linear" } });
      await resized({ ...way, mode: { text: "cubic" } });
      await resized({ ...way, mode: { text: "cubic" }, cubic_coeff_a: { float: -0.5 }, exclude_outside: 1 });
    },
  );

  it.each(["nearest", "linear"])("Resize of a layer's channels, which are looked up together, %s", async (mode) => {
    const given: Case = {
      fed: { x: floats([2, 4, 5, 6]) },
      fixed: { w: floats([8, 4, 1, 1], 2), sizes: list(2, 8, 9, 7) },
      steps: [
        { operator: "Conv", inputs: ["x", "w"], outputs: ["c"] },
        { operator: "Resize", inputs: ["c", "", "", "sizes"], outputs: ["out"], attributes: { mode: { text: mode } } },
      ],
    };
    await compares(given);
    const { steps } = planFor(readGraph(modelOf(given)), given.fed, plainKernels);
    const looked = steps.flatMap((step) => (step.kind === "rows" ? [step.inner] : []));
    expect(looked.length).toBeGreaterThan(0);
    expect(Math.min(...looked)).toBeGreaterThanOrEqual(8);
  });

  it("Resize of some axes", () =>
    all([
      {
        ...{ fed: { x: floats([2, 4, 3, 4]) }, fixed: { sizes: list(8, 6) } },
        steps: [
          {
            ...{ operator: "Resize", inputs: ["x", "", "", "sizes"], outputs: ["out"] },
            attributes: { axes: [3, 2], mode: { text: "linear" } },
          },
        ],
      },
    ]));

  it("Resize that makes less of more by smoothing is left", () =>
    expect(
      leaves({
        ...{ fed: { x: floats([2, 4, 6, 4]) }, fixed: { sizes: list(2, 4, 3, 2) } },
        steps: [
          {
            ...{ operator: "Resize", inputs: ["x", "", "", "sizes"], outputs: ["out"] },
            attributes: { antialias: 1, mode: { text: "linear" } },
          },
        ],
      }),
    ).toBe(true));
});
