// Examples of every kind are what numpy makes of the same input by docs/bundle.md alone (record_preprocessing.py).
import { preprocess } from "@innerloop/runtime/input";
import { checkPreprocessing, preprocessedShape, sizeOf } from "@innerloop/schemas";
import { expect, it } from "vitest";
import { distance } from "../support/numbers.ts";
import { recorded } from "./raw-inputs.ts";

it.each(recorded)("$name", ({ how, input, example }) => {
  const shape = preprocessedShape(how);
  expect(checkPreprocessing({ shape, dtype: "float32", preprocessing: how })).toBe(how);
  expect(example.length).toBe(sizeOf(shape));
  expect(distance(preprocess(how, input), example)).toBeLessThan(1e-6);
});
