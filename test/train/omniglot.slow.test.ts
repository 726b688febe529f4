// omniglot:DIR on Omniglot itself, where it is present.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadImage, nearestNeighbourAccuracy, Omniglot } from "@innerloop/train";
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { describeUnless } from "../support/absent.ts";

const values = (tensor: { data: ArrayLike<unknown> }): number[] => Array.from(tensor.data as ArrayLike<number>);

const OMNIGLOT = fileURLToPath(new URL("../../../shared/data/omniglot", import.meta.url));

describeUnless(existsSync(OMNIGLOT) ? undefined : "../shared/data/omniglot", "Omniglot itself", () => {
  test("has its characters, and is as hard for pixels as it is known to be", () => {
    const tasks = new Omniglot(OMNIGLOT);
    expect(tasks.classCount("train") / 4 + tasks.classCount("val")).toBe(964);
    expect(tasks.classCount("test")).toBe(331);
    // Nearest neighbour on pixels, 5-way: 43.8 ± 0.8 % at one shot, 64.0 ± 0.7 % at five, measured with other code.
    const oneShot = nearestNeighbourAccuracy(tasks, { ways: 5, shots: 1, queries: 15 }, { episodes: 300 });
    expect(Math.abs(oneShot.mean - 0.438)).toBeLessThan(0.02);
    const fiveShots = nearestNeighbourAccuracy(tasks, { ways: 5, shots: 5, queries: 15 }, { episodes: 200 });
    expect(Math.abs(fiveShots.mean - 0.64)).toBeLessThan(0.025);
  });

  test("a file read on its own is the example that the data set has", async () => {
    const tasks = new Omniglot(OMNIGLOT);
    const wanted = /\/Balinese\/character01\/.*png$/;
    const archive = readFileSync(join(OMNIGLOT, "images_background.zip"));
    const files = Object.values(unzipSync(archive, { filter: ({ name }) => wanted.test(name) }));
    expect(files).toHaveLength(20);
    const alone = await Promise.all(files.map((file) => loadImage(file, tasks.preprocessing)));
    const keys = alone.map((pixels) => Array.from(pixels, (p) => Math.round(p * 255)).join());
    const found = new Set<string>();
    for (let index = 0; found.size === 0 && index < 3000; index++) {
      const { support, classes } = tasks.episode("val", 0, index, { ways: 5, shots: 5, queries: 1 });
      const label = classes!.indexOf("Balinese/character01");
      values(support.y).forEach((y, row) => {
        if (y !== label) return;
        const pixels = values(support.x).slice(row * 784, (row + 1) * 784);
        found.add(pixels.map((p) => Math.round(p * 255)).join());
      });
    }
    expect(found.size).toBe(5);
    for (const key of found) expect(keys).toContain(key);
  });
});
