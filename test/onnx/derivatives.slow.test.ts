// The node tests of ONNX, differentiated once and twice, beside differences in float64, where Python has `onnx`.
import { readOnnx } from "@innerloop/graph";
import { expect, test } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { pythonLacks } from "../support/python.ts";
import { readRecorded } from "../support/recorded.ts";
import { nodeCases } from "./cases.ts";
import { derivativesWrong } from "./derivatives.ts";
import { isNumeric } from "./judge.ts";
import { pinned } from "./pinned.ts";
import { scalarOf } from "./scalar.ts";

/** What the package onnx-ad differentiates once, recorded by taken.py. */
const taken = readRecorded<{ readonly onnx: string; readonly takes: readonly string[] }>("onnx/recorded/onnx-ad.json");

/** Cases that differences say nothing of, and why. */
const without = new Map([
  ["test_loop11", "a size that is another in every turn"],
  ["test_cast_e8m0_FLOAT_to_FLOAT8E8M0", "powers of two, rounded up: no line is near them"],
  ["test_cast_e8m0_FLOAT16_to_FLOAT8E8M0", "the same"],
]);

describeUnless(pythonLacks("onnx"), "the derivatives of ONNX's node tests", () => {
  test("are those of differences, first and second, of every case that onnx-ad takes and of the others", () => {
    const unread = new Set(pinned().failing.authored);
    const [known, right] = [new Set(taken.takes), new Set<string>()];
    const wrong: string[] = [];
    const { version, cases } = nodeCases();
    for (const one of cases) {
      if (without.has(one.name) || unread.has(one.name) || !(isNumeric(one) || known.has(one.name))) continue;
      const what = scalarOf(one, readOnnx(one.model, one.name));
      const said = what && derivativesWrong(what);
      if (said) wrong.push(`${one.name}: ${said}`);
      else if (what) right.add(one.name);
    }
    expect(wrong).toEqual([]);
    expect(right.size).toBeGreaterThanOrEqual(1390);
    expect(taken.takes).toHaveLength(893);
    if (version === taken.onnx) expect(taken.takes.filter((name) => !right.has(name))).toEqual([]);
  }, 900_000);
});
