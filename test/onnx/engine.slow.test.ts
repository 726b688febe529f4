// The node tests of ONNX on TensorFlow.js, as far as it can hold their numbers, where Python has `onnx`.
import { openEngine } from "@innerloop/train";
import { expect, test } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { pythonLacks } from "../support/python.ts";
import { nodeCases } from "./cases.ts";
import { canHold, onEngine } from "./engine.ts";
import { isNumeric } from "./judge.ts";

describeUnless(pythonLacks("onnx"), "ONNX's node tests on TensorFlow.js", () => {
  test("nine of ten give what is expected", async () => {
    const { engine } = await openEngine("tfjs:cpu");
    const chosen = nodeCases().cases.filter((one) => isNumeric(one) && canHold(one));
    expect(chosen.length).toBeGreaterThan(1000);
    const wrong: string[] = [];
    for (const one of chosen) {
      const said = await onEngine(engine, one);
      if (said) wrong.push(`${one.name}: ${said}`);
    }
    await engine.dispose();
    expect(wrong.length / chosen.length, wrong.join("\n")).toBeLessThanOrEqual(0.1);
  });
});
