// A run is judged in words, beside guessing and beside what needs no meta-learning, on the same episodes.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";

const cwd = temporaryFolder();
const words = (text: string) => innerloop(text.split(" "), { cwd });
const short = "--iterations 2 --meta-batch 1 --queries 3 --workers 0";

describe("a run", () => {
  it("that learned nothing says so, and does not go on to an export", async () => {
    const { status, stdout } = await words(
      `train --data glyphs --model mlp --hidden 1 --algorithm maml --inner-rate 0.000001 ${short} --validate-episodes 30 --out none`,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/\nNo better than guessing, which is right in 20\.0 % among 5 classes/);
    expect(stdout).toMatch(/\nNext: see that each sub-folder/);
    expect(stdout).not.toContain("innerloop export");
  }, 240_000);

  it("of a regression is compared with the mean of the examples", async () => {
    const { stdout } = await words(`train sinusoid-10shot ${short} --validate-episodes 30 --out wave`);
    expect(stdout).toMatch(/\nNo better than answering with the mean of the examples \(\d/);
    expect(stdout).not.toContain("innerloop export");
  }, 240_000);

  it("that is worse than the nearest neighbour says by how few classes", async () => {
    await writeImages(join(cwd, "few"), 20, 6);
    const { stdout } = await words(
      `train --data images:few --filters 2 --input raw --no-shifts --ways 2 ${short} --validate-episodes 80 --out few-run --json`,
    );
    const { verdict, best } = JSON.parse(stdout);
    expect(best.score).toBeGreaterThan(0);
    expect(verdict).toMatchObject({
      kind: "worse",
      text: expect.stringMatching(/^Worse than the nearest neighbour .*: too few classes, \d+ to train on/),
    });
  }, 240_000);
});
