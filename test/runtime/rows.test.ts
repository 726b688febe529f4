// Rows of tables as examples, and what is said of those that do not fit.
import { preprocess, type RawInput } from "@innerloop/runtime/input";
import type { RowPreprocessing } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { refusalOf } from "../support/refusal.ts";

const how: RowPreprocessing = {
  kind: "row",
  columns: [
    { name: "width", kind: "number", mean: 10, std: 4 },
    { name: "colour", kind: "category", values: ["red", "blue"] },
    { name: "age", kind: "number", mean: 0, std: 2, missing: 3 },
  ],
};

describe("a row", () => {
  it.each<[RawInput, number[]]>([
    [{ width: 12, colour: "blue", age: 1 }, [0.5, 0, 1, 0.5]],
    [{ id: 7, age: 1, colour: "blue", width: 12, label: "x" }, [0.5, 0, 1, 0.5]],
    [
      [12, "red", 1],
      [0.5, 1, 0, 0.5],
    ],
    [{ width: " 1.2e1 ", colour: "green", age: "-.5" }, [0.5, 0, 0, -0.25]],
    [{ width: true, colour: null, age: null }, [-2.25, 0, 0, 1.5]],
    [{ width: 10, age: Number.NaN }, [0, 0, 0, 1.5]],
    [{ width: 10, age: " " }, [0, 0, 0, 1.5]],
    [
      [10, undefined, undefined],
      [0, 0, 0, 1.5],
    ],
  ])("is its numbers, and its categories one-hot: %#", (input, expected) => {
    expect(Array.from(preprocess(how, input))).toEqual(expected);
  });

  it("has categories that are numbers, truth values or missing by their texts", () => {
    const values = ["7", "true", "", "1.50"];
    const one = (cell: string | number | boolean | null) =>
      Array.from(preprocess({ kind: "row", columns: [{ name: "c", kind: "category", values }] }, { c: cell })).indexOf(
        1,
      );
    expect([7, true, null, "", "1.50", 1.5, "7.0"].map(one)).toEqual([0, 1, 2, 2, 3, -1, -1]);
  });

  it("has columns of any name", () => {
    const columns = ["__proto__", "constructor", "Größe (cm)"].map(
      (name) => ({ name, kind: "number", mean: 0, std: 1, missing: -1 }) as const,
    );
    expect(Array.from(preprocess({ kind: "row", columns }, { "Größe (cm)": 5 }))).toEqual([-1, -1, 5]);
    expect(Array.from(preprocess({ kind: "row", columns }, JSON.parse('{ "__proto__": 4 }')))).toEqual([4, -1, -1]);
  });

  it.each<[unknown, RegExp]>([
    [{ colour: "red" }, /^"width" is missing, and this bundle has nothing that stands for it; give a number/],
    [{ width: "" }, /^"width" is missing/],
    [{ width: "1,5" }, /^"width" is "1,5"; a number was expected, with a decimal point/],
    [{ width: "0x10" }, /^"width" is "0x10"/],
    [{ width: Infinity }, /^"width" is Infinity, too far from what the bundle was trained on; check its unit/],
    [{ width: 1e300 }, /too far/],
    [{ width: [1] }, /^"width" is \[1\]; a number, a text, true, false or null was expected/],
    [{ width: 1, colour: {} }, /^"colour" is \{\}/],
    [{ width: 1, Age: 4 }, /^the row has "Age", and the bundle's column is "age"; name it so/],
    [{ Breite: 1 }, /^the row has none of this bundle's columns; it takes "width", "colour", "age"/],
    [[1, "red"], /^the row has 2 cells; this bundle takes 3, "width", "colour", "age"/],
    [new Float32Array(3), /was given; a row was expected, as an object by column or a list in the order "width"/],
    ["1,red,2", /^"1,red,2" was given; a row was expected/],
    [undefined, /^undefined was given; a row was expected/],
  ])("that does not fit is refused: %#", (input, message) => {
    expect(refusalOf(() => preprocess(how, input as RawInput))).toMatchObject({
      code: "bad-input",
      message: expect.stringMatching(message),
    });
  });
});
