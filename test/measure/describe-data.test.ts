// Data are described before anyone trains on them, as people have them: what is there is counted, and what is left out is named.
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeData } from "@innerloop/measure";
import { openTasks, type PooledTasks, splits, type TaskSource } from "@innerloop/train";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { writeImages } from "../support/innerloop.ts";
import { refusal } from "../support/refusal.ts";

const cwd = temporaryFolder("describe");

describe("a folder of pictures that nobody described", () => {
  it("is counted as it is opened, with what is left out and where it is split", async () => {
    const folder = join(cwd, "photos");
    await writeImages(folder, 12, 6);
    // One class of one file, three nested levels, links, thumbnails, hidden and other files.
    for (const file of ["1", "2", "3", "4", "5"]) rmSync(join(folder, "symbol-3", `${file}.png`));
    mkdirSync(join(folder, "deep", "er", "still"), { recursive: true });
    cpSync(join(folder, "symbol-1", "1.png"), join(folder, "deep", "er", "still", "one.png"));
    cpSync(join(folder, "symbol-2", "1.png"), join(folder, "deep", "er", "still", "two.png"));
    symlinkSync("nowhere", join(folder, "symbol-0", "broken.png"));
    symlinkSync(folder, join(folder, "symbol-0", "again"));
    mkdirSync(join(folder, "symbol-4", ".thumbnails"));
    cpSync(join(folder, "symbol-1", "2.png"), join(folder, "symbol-4", ".thumbnails", "2.png"));
    writeFileSync(join(folder, "symbol-5", ".hidden.png"), "");
    writeFileSync(join(folder, "symbol-5", "notes.md"), "a note");
    writeFileSync(join(folder, "symbol-6", "empty.png"), "");
    const { report, sheet } = await describeData(folder);
    const tasks = (await openTasks(`images:${folder}`)) as PooledTasks & TaskSource;
    const opened = splits.flatMap((split) => tasks.classes(split, 1000).map((each) => ({ ...each, split })));
    expect(report).toMatchObject({
      spec: `images:${folder}`,
      task: "classification",
      files: { read: 70, found: 70 },
      guessed: { counts: [{ door: "images", count: 70 }], others: 1 },
      shape: tasks.inputShape,
      preprocessing: tasks.preprocessing,
    });
    expect(report.classes.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
      opened.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    );
    expect(report.classes).toHaveLength(13);
    expect(report.classes).toContainEqual(expect.objectContaining({ name: "deep/er/still", examples: 2 }));
    const left = report.leftOut.map(({ why, count }) => `${count} ${why}`).join("; ");
    for (const words of [
      /1 links to nothing/,
      /1 links to folders/,
      /1 files of formats/,
      /1 images that cannot be read/,
    ])
      expect(left).toMatch(words);
    // The copies in the deep folder contradict the classes that they are of.
    expect(report.near).toMatchObject({ pairs: 2, acrossClasses: 2 });
    // One of the two classes to validate on has two examples, so that episodes are as small as it needs.
    expect(report.next).toEqual({
      settings: { ways: 2, queries: 1 },
      tooSmall: [],
      few: expect.stringMatching(/^8 classes/),
    });
    const svg = await sheet();
    expect(svg).toContain("symbol-11");
    expect(svg!.match(/<image /g)!.length).toBeGreaterThan(50);
  });

  it("is sampled where it is large, and counted whole", async () => {
    const folder = join(cwd, "large");
    const dot = await sharp({ create: { width: 4, height: 4, channels: 3, background: "#102030" } })
      .png()
      .toBuffer();
    for (let c = 0; c < 30; c++) {
      mkdirSync(join(folder, `class-${c}`), { recursive: true });
      for (let e = 0; e < 100; e++) writeFileSync(join(folder, `class-${c}`, `${e}.png`), dot);
    }
    const { report } = await describeData(`images:${folder}`);
    expect(report.files).toEqual({ read: 1980, found: 3000 });
    expect(report.classes.map(({ examples }) => examples)).toEqual(Array.from({ length: 30 }, () => 100));
  }, 60_000);

  it("with copies that were saved anew has near-duplicates", async () => {
    const folder = join(cwd, "twice");
    await writeImages(folder, 4, 5);
    await sharp(join(folder, "symbol-1", "0.png"))
      .jpeg({ quality: 90 })
      .toFile(join(folder, "symbol-1", "0-small.jpg"));
    const { report } = await describeData(folder);
    expect(report.near).toMatchObject({ pairs: 1, acrossClasses: 0, compared: 21 });
    expect(report.near!.nearest[0]!.names.toSorted()).toEqual(["symbol-1/0-small.jpg", "symbol-1/0.png"]);
  });
});

describe("what is no data", () => {
  it.each([
    ["one picture", "photo.png", /is one of images .*one example; give a folder/],
    ["an empty folder", "empty", /holds nothing that can be read as data/],
    ["a folder of other files", "others", /holds 2 files, and none that can be read/],
  ])("is refused: %s", async (_, name, words) => {
    const folder = temporaryFolder("none");
    mkdirSync(join(folder, "empty"));
    mkdirSync(join(folder, "others"));
    for (const file of ["a.md", "b.pdf"]) writeFileSync(join(folder, "others", file), "text");
    writeFileSync(join(folder, "photo.png"), "");
    expect(await refusal(() => describeData(join(folder, name)))).toMatchObject({
      code: "data-missing",
      exitStatus: 2,
      message: expect.stringMatching(words),
    });
  });

  it("is told by the door for what else is there", async () => {
    const folder = temporaryFolder("arrays");
    writeFileSync(join(folder, "set.npz"), "");
    expect(await refusal(() => openTasks(`images:${folder}`))).toMatchObject({
      code: "data-missing",
      message: expect.stringMatching(/There are 1 .*set\.npz; they are arrays:.*set\.npz/),
    });
  });
});

describe("data that are made", () => {
  it("have classes without end, and a sheet of some", async () => {
    const { report, sheet } = await describeData("glyphs");
    expect(report).toMatchObject({
      spec: "glyphs",
      classes: [],
      shape: [28, 28, 1],
      next: { settings: {}, tooSmall: [] },
    });
    expect(JSON.stringify(report).length).toBeLessThan(20_000);
    expect(await sheet()).toContain("<image ");
  });

  it("of a regression have no classes", async () => {
    const { report, sheet } = await describeData("sinusoid");
    expect(report).toMatchObject({ task: "regression", classes: [], splits: [] });
    expect(await sheet()).toBeUndefined();
  });
});
