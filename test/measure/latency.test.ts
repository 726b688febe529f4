// How long a bundle takes, measured from a program.
import { measureBundle } from "@innerloop/measure";
import { expect, it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";

it.each(["linear", "line"] as const)(
  "a start, an adaptation and a prediction of %s take some milliseconds",
  async (name) => {
    const fractions: number[] = [];
    const times = await measureBundle(writeBundle(name), {
      provider: "cpu",
      starts: 2,
      runs: 20,
      onProgress: (fraction) => fractions.push(fraction),
    });
    expect(times.provider).toBe("cpu");
    for (const { median, p99 } of [times.coldStart, times.adapt, times.predict]) {
      expect(median).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(median);
    }
    // Node itself takes longer to start than the bundle to answer.
    expect(times.coldStart.median).toBeGreaterThan(times.predict.median);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  },
  120_000,
);

it("of a folder without a bundle is an error", async () => {
  await expect(measureBundle("nowhere")).rejects.toMatchObject({ name: "InnerloopError" });
});
