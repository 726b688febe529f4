// Folders of data as cameras, file servers and archives leave them: links, previews, formats that are not read; and archives
// that say more than they hold.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { completeConfig, findImages, Omniglot, openImages, openTasks, runTraining } from "@innerloop/train";
import { encode } from "fast-png";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("folders");

let pictures = 0;

/** A picture that no other is the same as. */
const dotted = (): Uint8Array =>
  encode({ width: 2, height: 2, data: Uint8Array.of(0, pictures++, 160, 255), channels: 1, depth: 8 });
const dots = dotted();

/** Examples of which nothing is left to choose, so that nothing is said of it. */
const fixed = { preprocessing: { width: 28, height: 28, channels: 1, invert: false } } as const;

/** Writes files into a folder of the test, pictures unless said, and returns the folder. */
function data(name: string, files: readonly string[]): string {
  for (const file of files) {
    const path = join(folder, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, dotted());
  }
  return join(folder, name);
}

const shown = (place: string): string[] =>
  findImages(place).classes.map(({ name, files }) => `${name} ${files.length}`);

describe("the classes of a folder", () => {
  test("folders that are links are followed, each folder once, and circles end", () => {
    const outside = data("outside", ["x/1.png", "x/2.png"]);
    const place = data("links", ["a/1.png", "a/2.png"]);
    symlinkSync(join(outside, "x"), join(place, "x"));
    symlinkSync("a", join(place, "Again"));
    symlinkSync("..", join(place, "a", "up"));
    symlinkSync(folder, join(place, "above"));
    symlinkSync("nowhere", join(place, "nothing"));
    symlinkSync(join(outside, "x", "1.png"), join(place, "a", "3.png"));
    expect(shown(place)).toEqual(["a 3", "x 2"]);
    const { notes } = findImages(place);
    expect(notes).toContainEqual(expect.stringMatching(/^Links to folders that are read already .*Again \(as a\)/));
    expect(notes).toContainEqual(expect.stringMatching(/a\/up \(as .*above \(as |above \(as .*a\/up \(as /));
    expect(notes).toContain("Links to nothing are left out: nothing");
  });

  test("pictures beside the folders of classes are of no class, and that is told", () => {
    const place = data("stray", ["cover.png", "a/1.png", "a/2.png", "b/1.png", "b/2.png", "b/more/1.png"]);
    expect(shown(place)).toEqual(["a 2", "b 2", "b/more 1"]);
    expect(findImages(place).notes).toEqual([
      `Images beside the folders of classes are left out: ${join(place, "cover.png")}`,
    ]);
    expect(findImages(place, { everything: true }).classes.flatMap(({ files }) => files)).toHaveLength(6);
    const grouped = data("grouped", ["train/c.png", "train/d.png", "train/g/e.png", "train/g/a/1.png", "test/b/1.png"]);
    expect(shown(grouped)).toEqual(["test/b 1", "train/g/a 1"]);
    expect(findImages(grouped).notes).toEqual([
      expect.stringMatching(/^Images beside .*train.c\.png, .*train.d\.png, .*train.g.e\.png$/),
    ]);
  });

  test("what systems keep beside people's files is no data", () => {
    const systems = ["@eaDir", ".thumbnails", "__MACOSX", "#recycle", "$RECYCLE.BIN", "lost+found"];
    const place = data("systems", [
      ...["a/1.png", "a/._1.png", "a/.1.png", "a/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg"],
      ...systems.map((name) => `${name}/t.png`),
    ]);
    writeFileSync(join(place, "a", "Thumbs.db"), "");
    expect(shown(place)).toEqual(["a 1"]);
    expect(findImages(place).notes).toEqual([]);
  });

  test("classes without a picture that is read are told, and files of other formats", async () => {
    const place = data("unread", ["a/1.png", "a/2.png", "a/3.HEIC", "b/1.heic", "b/2.heic", "b/3.bmp"]);
    mkdirSync(join(place, "c"));
    expect(shown(place)).toEqual(["a 2"]);
    const notes = [
      "No class, since they hold no image that is read: b (2 .heic, 1 .bmp), c",
      "Files of formats that are not read are left out: a (1 .heic)",
    ];
    expect(findImages(place).notes).toEqual(notes);
    expect((await openImages(place, fixed)).notes).toEqual(notes);
    const all = data("all-unread", ["a/1.heic", "b/1.svg"]);
    expect(() => findImages(all)).toThrow(
      /holds no images; .*There is nothing that is read in a \(1 .heic\), b \(1 .svg\)/,
    );
  });

  test("a name is one, however Unicode spells it", () => {
    const place = data("spelling", ["caf\u00e9/1.png", "cafe\u0301/2.png", "z/1.png"]);
    expect(shown(place)).toEqual(["caf\u00e9 2", "z 1"]);
    expect(findImages(place).notes).toEqual([
      "Folders whose names differ in how Unicode spells them are one class: caf\u00e9",
    ]);
  });

  test.skipIf(process.platform === "win32")("what is neither file nor folder is told, not waited for", async () => {
    const place = data("pipe", ["a/1.png", "a/2.png"]);
    execFileSync("mkfifo", [join(place, "a", "3.png")]);
    expect(shown(place)).toEqual(["a 2"]);
    expect((await openImages(place, fixed)).notes).toEqual([
      "Things that are neither files nor folders are left out: a/3.png",
    ]);
  });

  test("pictures of one colour all over are told", async () => {
    const place = data("blank", ["a/1.png", "b/1.png"]);
    const black = encode({ width: 2, height: 2, data: new Uint8Array(4), channels: 1, depth: 8 });
    writeFileSync(join(place, "b", "2.png"), black);
    expect((await openImages(place, fixed)).notes).toEqual([
      `Images of one colour all over, or nearly, from which nothing can be learned, are left out: ${join("b", "2.png")}`,
    ]);
    const mask = encode({ width: 2, height: 2, data: Uint8Array.of(0, 1, 1, 0), channels: 1, depth: 8 });
    writeFileSync(join(place, "a", "3.png"), mask);
    expect((await openImages(place, fixed)).notes).toEqual([
      expect.stringMatching(/^Images of one colour .*a.3\.png, b.2\.png$/),
    ]);
  });

  test("a run tells what was left out, also where too little is left for it", async () => {
    const place = data("run", ["cover.png", "a/1.png", "b/1.png"]);
    const messages: string[] = [];
    const run = runTraining({
      config: completeConfig({
        data: `images:${place}`,
        examples: { size: 28, channels: 1, invert: false },
        model: { kind: "mlp" },
        iterations: 1,
      }),
      onMessage: (message) => messages.push(message),
    });
    await expect(run).rejects.toMatchObject({ code: "too-few-classes" });
    expect(messages).toEqual([expect.stringMatching(/^Images beside the folders of classes .*cover\.png$/)]);
  });

  test("that are splits beside others are told to be none", async () => {
    const place = data("beside", ["train/a/1.png", "test/b/1.png", "more/1.png"]);
    expect((await openImages(place, fixed)).notes).toEqual([
      "Classes are held back by their names, and the folders train, val and test are no splits, since others lie beside them: more",
    ]);
  });

  test("the text of a file: URL is a folder", async () => {
    const place = data("with space", ["a/1.png", "b/1.png"]);
    const tasks = await openTasks(`images:${pathToFileURL(place).href}`, { heldBack: { val: 0, test: 0 } });
    expect([tasks.name, tasks.classCount("train")]).toEqual([`images:${place}`, 2]);
  });
});

describe("an archive of Omniglot", () => {
  const characters = (count: number, bytes = dots): Record<string, Uint8Array> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`images_background/A/c/${i}.png`, bytes]));
  let made = 0;
  const open = (files: Record<string, Uint8Array>, change: (zip: Uint8Array) => void = () => {}): (() => number) => {
    const place = join(folder, `omniglot-${made++}`);
    const zip = zipSync(files);
    change(zip);
    mkdirSync(place);
    writeFileSync(join(place, "images_background.zip"), zip);
    return () => new Omniglot(place).classCount("train");
  };
  const broken = (words: RegExp): object =>
    expect.objectContaining({ code: "data-broken", message: expect.stringMatching(words) });

  test("names a drawing of more pixels than drawings have, before it makes them", () => {
    const header = dots.slice();
    new DataView(header.buffer).setUint32(16, 60_000);
    new DataView(header.buffer).setUint32(20, 60_000);
    expect(open(characters(1, header))).toThrow(broken(/it has 60000×60000 pixels; at most 1048576 were expected/));
  });

  test("that unpacks to more than drawings take is refused by what it says of itself", () => {
    expect(open(characters(1, new Uint8Array(70_000)))).toThrow(broken(/to 70000 bytes; drawings of at most 65536/));
    // The table of contents says that a file of 80 bytes has nearly 4 GB.
    const lie = (zip: Uint8Array): void => {
      const view = new DataView(zip.buffer);
      for (let at = 0; at < zip.length - 46; at++)
        if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 0xfffffff0, true);
    };
    expect(open(characters(1), lie)).toThrow(broken(/to 4294967280 bytes/));
  });

  test("names files that stay in it", () => {
    for (const name of ["../../etc/c/1.png", "/etc/a/1.png", "C:/a/c/1.png", "a\\..\\b/c/1.png"])
      expect(open({ ...characters(1), [name]: dots })).toThrow(broken(/names a file outside of itself/));
  });

  test("is said to be a page or a pointer where it is one", () => {
    const place = join(folder, "pointer");
    mkdirSync(place);
    writeFileSync(
      join(place, "images_background.zip"),
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    );
    expect(() => new Omniglot(place).classCount("train")).toThrow(broken(/git lfs pull/));
  });

  test("unpacked, may have links to its characters, and a system's files beside them", () => {
    const place = data("unpacked-links", ["images_background/A/c1/1.png", "images_background/A/c1/@eaDir/1.png/t.png"]);
    const elsewhere = data("elsewhere", ["c2/1.png"]);
    symlinkSync(join(elsewhere, "c2"), join(place, "images_background", "A", "c2"));
    expect(new Omniglot(place, { rotations: false }).classCount("train")).toBe(2);
    expect(new Omniglot(pathToFileURL(place).href, { rotations: false }).classCount("train")).toBe(2);
  });
});
