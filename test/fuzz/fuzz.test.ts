// A short run of every target with a fixed seed, and what longer ones found.
import { describe, expect, test } from "vitest";
import { fuzz } from "./run.ts";
import { targets } from "./targets.ts";

describe("nothing but coded errors", () => {
  test.each(targets.map((target) => [target.name, target] as const))("%s", async (_, target) => {
    const { findings, inputs, accepted } = await fuzz(target, { seed: 20, inputs: 400 });
    expect(findings).toEqual([]);
    expect(inputs).toBeGreaterThanOrEqual(400);
    expect(accepted).toBeLessThan(inputs);
  });
});
