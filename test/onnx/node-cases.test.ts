// ONNX's own node tests, where Python has `onnx`: read, written as they were read and taken apart, run on ONNX Runtime.
import { expect, test } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { pythonLacks } from "../support/python.ts";
import { nodeCases } from "./cases.ts";
import { judge, passes, type Verdict } from "./judge.ts";

describeUnless(pythonLacks("onnx"), "the node tests of ONNX", () => {
  test("give what is expected", async () => {
    const verdicts: Verdict[] = [];
    for (const one of nodeCases().cases) verdicts.push(await judge(one));
    expect(verdicts.length).toBeGreaterThanOrEqual(1884);
    expect(verdicts.filter((verdict) => passes(verdict, "authored")).length).toBeGreaterThanOrEqual(503);
    expect(verdicts.filter((verdict) => passes(verdict, "apart")).length).toBeGreaterThanOrEqual(503);
  });
});
