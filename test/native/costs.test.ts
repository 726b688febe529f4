// What moving numbers takes on kernels: measured when they are built, found beside them, and what forms are chosen by.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildKernels, costsFile, type Kernels, kernelsFile, loadKernels, NativeModel } from "@innerloop/native";
import { layoutOf, planFor, readGraph, type Step } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { builtFile, copying, testKernels } from "./kernels.ts";
import { modelOf, numbers, usual } from "./models.ts";

const kernels = testKernels();

describe("costs of kernels", () => {
  it("are measured when these are built, and found beside them", async () => {
    const folder = temporaryFolder("costs");
    const { file, costs } = await buildKernels({ folder, cc: copying() });
    for (const cost of [costs.number, costs.weight]) {
      expect(cost).toBeGreaterThan(1);
      expect(cost).toBeLessThan(200);
    }
    expect(JSON.parse(readFileSync(costsFile(file), "utf8"))).toEqual(costs);
    expect(loadKernels(file).costs).toEqual(costs);
  });

  it("stay where they are measured again as about the same, and else do not", async () => {
    const folder = temporaryFolder("costs");
    const file = costsFile(kernelsFile(folder));
    const put = (number: number, weight: number) => writeFileSync(file, JSON.stringify({ number, weight }));
    put(1e4, 1e-4);
    const { costs } = await buildKernels({ folder, cc: copying() });
    for (const cost of [costs.number, costs.weight]) {
      // A power of the square root of two, in three digits.
      const power = 2 * Math.log2(cost);
      expect(Math.abs(power - Math.round(power))).toBeLessThan(0.02);
      expect(cost).toBeGreaterThan(1);
      expect(cost).toBeLessThan(200);
    }
    const near = { number: 1.01 * costs.number, weight: costs.weight / 1.01 };
    put(near.number, near.weight);
    expect((await buildKernels({ folder, cc: copying() })).costs).toEqual(near);
    expect(loadKernels(kernelsFile(folder)).costs).toEqual(near);
  });

  it("are the usual ones where none were measured", () => {
    const file = join(temporaryFolder("costs"), "some.node");
    copyFileSync(builtFile!, file);
    const { costs } = loadKernels(file);
    expect([
      { number: 36, weight: 10 },
      { number: 10, weight: 7 },
    ]).toContainEqual(costs);
    for (const wrong of ["", "null", "{}", '{"number":0,"weight":1}', '{"number":"3","weight":1}', '{"number":3}']) {
      writeFileSync(costsFile(file), wrong);
      expect(loadKernels(file).costs).toEqual(costs);
    }
    writeFileSync(costsFile(file), '{"number":3,"weight":1}');
    expect(loadKernels(file).costs).toEqual({ number: 3, weight: 1 });
  });

  it("go with kernels that are put in place, and are left out where these are not", async () => {
    const folder = temporaryFolder("costs");
    await expect(buildKernels({ folder, cc: "false" })).rejects.toThrow();
    expect(existsSync(costsFile(kernelsFile(folder)))).toBe(false);
  });
});

describe("forms", () => {
  const bytes = modelOf({
    inputs: { x: ["float32", 15, 64, 4, 4], w: ["float32", 64, 64, 3, 3] },
    outputs: ["y"],
    nodes: [["Conv", ["x", "w"], ["y"], { pads: [1, 1, 1, 1] }]],
  });
  const feeds = { x: numbers([15, 64, 4, 4], 3), w: numbers([64, 64, 3, 3], 5) };
  const kernelsOf = (number: number, weight: number): Kernels => ({ ...kernels, costs: { number, weight } });

  it("are chosen by the costs of the kernels, and give the same", async () => {
    const wanted = (await usual(bytes, feeds)).y!.data as Float32Array;
    const most = Math.max(...wanted.map(Math.abs));
    const counts = [kernelsOf(36, 10), kernelsOf(1e6, 10), kernelsOf(36, 1e6)].map((each) => {
      const instructions: Step[] = [];
      layoutOf(planFor(readGraph(bytes), feeds, each), { instructions });
      const given = new NativeModel(bytes, each).run(feeds)!.y!.data as Float32Array;
      given.forEach((number, i) => {
        expect(Math.abs(number - wanted[i]!) / most).toBeLessThan(5e-6);
      });
      return instructions.filter(({ kind }) => kind === "points").length;
    });
    expect(counts).toEqual([3, 0, 0]);
  });

  it("are kept for these costs alone", () => {
    const kept = new Map<string, Uint8Array>();
    const found: boolean[] = [];
    const store = {
      find: (key: string) => {
        found.push(kept.has(key));
        return kept.get(key);
      },
      keep: (key: string, program: Uint8Array) => void kept.set(key, program),
    };
    for (const each of [kernelsOf(36, 10), kernelsOf(36, 10), kernelsOf(1e6, 10), kernelsOf(36, 11)])
      new NativeModel(bytes, each, { kept: store }).run(feeds);
    expect(found).toEqual([false, true, false, false]);
  });
});
