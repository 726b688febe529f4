// ONNX's own node tests: read, written as they were read and taken apart, run on ONNX Runtime. A sample always; all of them where
// Python has `onnx`.
import { describe, expect, test } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { pythonLacks } from "../support/python.ts";
import { nodeCases } from "./cases.ts";
import { judge, type Verdict } from "./judge.ts";
import { pinned, pinnedOf, sample } from "./pinned.ts";

describe("a node test of each operator gives what is expected", () => {
  test.each(sample().map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const { authored, apart, evaluated } = await judge(one);
    expect({ authored, apart, evaluated }).toEqual({});
  });
});

describeUnless(pythonLacks("onnx"), "of all node tests of ONNX", () => {
  test("no more fail than those that are recorded, and 95 of 100 of those of numbers pass", async () => {
    const { version, cases } = nodeCases();
    const verdicts: Verdict[] = [];
    for (const one of cases) verdicts.push(await judge(one));
    const now = pinnedOf(version, cases, verdicts);
    const before = pinned();
    for (const form of ["authored", "apart"] as const) {
      expect(now.failing[form].length / now.numeric).toBeLessThan(0.05);
      if (before.onnx !== version) continue;
      const known = new Set(before.failing[form]);
      expect(now.failing[form].filter((name) => !known.has(name))).toEqual([]);
    }
    expect(now.cases).toBeGreaterThanOrEqual(before.cases);
  });
});
