// The tutorial's program does what the page says, in short.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { blocksOf, root } from "./blocks.ts";

const folder = temporaryFolder("tutorial");

interface Scores {
  readonly accuracy: { readonly mean: number };
  readonly recall: number;
  readonly f1: number;
}
interface Length {
  readonly epochs?: number;
  readonly batches?: number;
  readonly episodes?: number;
}
interface Tutorial {
  tutorial(out: string, length: Length): Promise<{ before: Scores; after: Scores }>;
  basics(length: Length): Promise<number>;
  secondOrderShare(innerRate: number): number;
}

describe("examples/tutorial.ts", () => {
  const lines: string[] = [];
  const print = vi.spyOn(console, "log").mockImplementation((line: string) => {
    lines.push(...line.split("\n"));
  });
  afterAll(() => print.mockRestore());
  const losses = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).map(Number);

  let program: Tutorial;
  beforeAll(async () => {
    program = await import(pathToFileURL(join(root, "examples", "dist", "tutorial.js")).href);
  });

  it("trains the plain way: the loss of each of ten epochs is lower than the one before", async () => {
    expect(await program.basics({})).toBeGreaterThan(0.7);
    const all = losses(/^Epoch \d+, Loss: ([\d.]+)$/);
    expect(all).toHaveLength(10);
    expect(all).toEqual([...all].sort((a, b) => b - a));
  });

  it("has a second-order term that grows with the inner rate", () => {
    const [little, more] = [program.secondOrderShare(0.01), program.secondOrderShare(0.1)];
    expect(little).toBeGreaterThan(1e-3);
    expect(more).toBeGreaterThan(5 * little);
  });

  it("learns to learn, exports, and adapts on ONNX Runtime", { timeout: 240_000 }, async () => {
    const { before, after } = await program.tutorial(join(folder, "bundle"), { epochs: 4, batches: 15, episodes: 30 });
    expect(losses(/^Epoch \d+, Batch \d+, Loss: ([\d.]+)$/)).toHaveLength(60);
    expect(lines).toContainEqual(expect.stringMatching(/^Epoch 4, Batch 15, Loss: [\d.]+$/));
    expect(before.accuracy.mean).toBeCloseTo(0.2, 1);
    expect(after.accuracy.mean).toBeGreaterThan(before.accuracy.mean + 0.1);
    expect(after.recall).toBeCloseTo(after.accuracy.mean, 5);
    expect(after.f1).toBeGreaterThan(before.f1);
    expect(lines.at(-1)).toMatch(/^On the device: \d+ of 50 new drawings named rightly$/);
  });

  it("prints what the page shows: the same words, and the same numbers as far as a short run gets", () => {
    const shown = blocksOf("docs/tutorial.md").flatMap(({ language, code }) =>
      language === "text" ? code.split("\n").filter((line) => line !== "" && line !== "…") : [],
    );
    expect(shown.length).toBeGreaterThan(10);
    const number = /\d+(?:\.\d+)?(?:e-?\d+)?/g;
    const words = (line: string) => line.replace(/^\S+(?=: differs)/, "").replaceAll(number, "#");
    for (const line of shown) {
      const alike = lines.filter((printed) => words(printed) === words(line));
      expect(alike, line).not.toEqual([]);
      if (!/^(Epoch \d+, Loss|Accuracy|Inner rate|Epoch 1, Batch)/.test(line)) continue;
      // The last digits depend on the machine's order of adding up.
      const far = alike.map((printed) => {
        const [those, these] = [printed, line].map((each) => [...each.matchAll(number)].map(Number));
        return Math.max(...those!.map((value, i) => Math.abs(value - these![i]!) / Math.max(1, these![i]!)));
      });
      expect(Math.min(...far), line).toBeLessThan(0.005);
    }
  });
});
