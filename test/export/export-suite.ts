// A learner of any kind is exported, verified on episodes of its own, and opened by the runtime.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exportBundle, tolerance, type VerifyOptions } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { Learner as Bundled } from "@innerloop/runtime";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { randomEpisode, randomWeights, unrolled } from "./learners.ts";

/** Three episodes, and what the graphs themselves say of them in float64. */
export function verification(learner: Learner, weights: Record<string, Tensor>): VerifyOptions {
  const ways = learner.task === "regression" ? 1 : 4;
  const episodes = [1, 1, 2].map((shots, seed) => randomEpisode(learner, ways, shots, 1, seed));
  return { episodes, engine: "float64", steps: [0, 2], reference: unrolled(learner, weights) };
}

export function describeExport(name: string, learnerOf: () => Learner): void {
  describe(name, () => {
    it("is exported, verified, and opened by the runtime", async () => {
      const learner = learnerOf();
      const weights = randomWeights(learner);
      const out = join(temporaryFolder(), "bundle");
      const length = learner.inputShape.reduce((product, size) => product * Number(size), 1);
      const preprocessing = { kind: "window", length, channels: 1, rate: 50, mean: 0, std: 1 } as const;
      const manifest = await exportBundle(learner, weights, {
        out,
        name: "mine",
        shots: 2,
        preprocessing,
        training: { data: "random", seed: 1 },
        metrics: { accuracy: 0.5 },
        verify: verification(learner, weights),
      });
      expect(manifest).toEqual(JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")));
      expect(manifest.verification).toMatchObject({ episodes: 3, engine: "float64" });
      expect(manifest.verification.largestDifference).toBeGreaterThan(0);
      expect(manifest.verification.largestDifference).toBeLessThan(tolerance);
      expect(manifest).toMatchObject({ name: "mine", input: { preprocessing }, innerLoop: { shots: 2 } });
      expect(manifest.training).toEqual({
        data: "random",
        seed: 1,
        norm: learner.norm,
        usesBatchStatistics: learner.usesBatchStatistics,
      });
      const files = ["adapt.onnx", "manifest.json", "predict.onnx"];
      if (learner.usesBatchStatistics) files.push("predict-transductive.onnx");
      expect(readdirSync(out).sort()).toEqual(files.sort());
      const bundled = await Bundled.load(out);
      expect(bundled.manifest).toEqual(manifest);
      await bundled.dispose();
    });
  });
}
