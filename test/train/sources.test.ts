// Pieces of one recording are never asked about by pieces of the same one, where a class has several recordings.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTasks } from "@innerloop/train";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

/** Recordings of two channels; the second says which recording it is, so that windows tell where they are from. */
function recordings(name: string, ofClass: readonly number[]): string {
  const folder = temporaryFolder(name);
  ofClass.forEach((count, label) => {
    mkdirSync(join(folder, `class${label}`), { recursive: true });
    for (let each = 0; each < count; each++) {
      const lines = Array.from({ length: 400 }, (_, i) => `${Math.sin(i * (1 + label) * 0.01 + i * i)},${each + 1}`);
      writeFileSync(join(folder, `class${label}`, `r${each}.csv`), `a,b\n${lines.join("\n")}\n`);
    }
  });
  return `windows:${folder}`;
}

const settings = { examples: { length: 100, hop: 50 }, split: { parts: ["train"] } } as never;

it("support and query of an episode are of other recordings of a class", async () => {
  const tasks = await openTasks(recordings("sources", [4, 3, 2, 5, 4]), settings);
  for (let index = 0; index < 40; index++) {
    const { support, query } = tasks.episode("train", 1, index, { ways: 3, shots: 2, queries: 3 });
    // Windows are as they were recorded but for a scale of each channel, so the second channel tells the recording.
    const seen = ({ x, y }: typeof support) =>
      Array.from(y.data as Int32Array, (label, i) => `${label}:${(x.data as Float32Array)[i * 200 + 1]!.toFixed(4)}`);
    const shown = new Set(seen(support));
    expect(seen(query).filter((each) => shown.has(each))).toEqual([]);
  }
});

it("a class of a single recording is kept, and told", async () => {
  const tasks = await openTasks(recordings("single", [1, 3, 3]), settings);
  expect(tasks.classCount("train")).toBe(3);
  expect(tasks.notes?.join("\n")).toMatch(/Classes of a single recording are kept.*: class0/);
  expect(tasks.episode("train", 0, 0, { ways: 3, shots: 2, queries: 2 }).query.y.data).toHaveLength(6);
});
