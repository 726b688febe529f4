// The node tests of ONNX, differentiated once and twice, beside differences in float64, where Python has `onnx`.
import { readOnnx } from "@innerloop/graph";
import { expect, test } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { pythonLacks } from "../support/python.ts";
import { nodeCases } from "./cases.ts";
import { derivativesWrong, scalarOf } from "./derivatives.ts";
import { byChance, isNumeric } from "./judge.ts";
import { pinned } from "./pinned.ts";

describeUnless(pythonLacks("onnx"), "the derivatives of ONNX's node tests", () => {
  test("are those of differences, first and second", () => {
    const unread = new Set(pinned().failing.authored);
    const wrong: string[] = [];
    let right = 0;
    for (const one of nodeCases().cases.filter(
      (each) => isNumeric(each) && !unread.has(each.name) && !byChance(each),
    )) {
      const what = scalarOf(one, readOnnx(one.model, one.name));
      const said = what && derivativesWrong(what);
      if (said) wrong.push(`${one.name}: ${said}`);
      else if (what) right++;
    }
    expect(wrong).toEqual([]);
    expect(right).toBeGreaterThan(1000);
  });
});
