// The node tests of ONNX, differentiated once and twice, beside differences in float64, where Python has `onnx`.
import { readOnnx } from "@innerloop/graph";
import { expect, test } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { pythonLacks } from "../support/python.ts";
import { nodeCases } from "./cases.ts";
import { derivativesWrong, scalarOf } from "./derivatives.ts";
import { byChance, isNumeric } from "./judge.ts";
import { pinned } from "./pinned.ts";

/** What rounds to fewer bits has steps, and is differentiated as if it had none. */
const straightThrough = new Set(["Cast", "CastLike", "QuantizeLinear", "DynamicQuantizeLinear"]);
/** Loops whose second derivative is refused, and rows of scores that are all masked, whose parts have no slope. */
const without = /^test_(loop11|linear_attention_.*_expanded|attention_.*_softmax_precision_expanded)$/;

describeUnless(pythonLacks("onnx"), "the derivatives of ONNX's node tests", () => {
  test("are those of differences, first and second", () => {
    const unread = new Set(pinned().failing.authored);
    const wrong: string[] = [];
    let right = 0;
    for (const one of nodeCases().cases.filter(
      (each) => isNumeric(each) && !unread.has(each.name) && !byChance(each),
    )) {
      const model = readOnnx(one.model, one.name);
      if (straightThrough.has(one.operator) || without.test(one.name) || Object.keys(model.elements).length > 0)
        continue;
      const what = scalarOf(one, model);
      const said = what && derivativesWrong(what);
      if (said) wrong.push(`${one.name}: ${said}`);
      else if (what) right++;
    }
    expect(wrong).toEqual([]);
    expect(right).toBeGreaterThan(1000);
  });
});
