// Folders of pictures as people have them: what is counted, what is left out and told, and what no folder should be taken for.
import { cpSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openTasks, readers, type Split } from "@innerloop/train";
import sharp, { type FormatEnum } from "sharp";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";

const folder = temporaryFolder("as-people-have-them");
const { files } = readers.named("images");

/** A picture of noise that no other number has. */
const noise = (seed: number, format: keyof FormatEnum = "png"): Promise<Buffer> => {
  const pixels = Uint8Array.from(
    { length: 900 },
    (_, i) => (Math.imul(i + 1, 2654435761) ^ Math.imul(seed + 1, 40503)) >>> 11,
  );
  return sharp(pixels, { raw: { width: 30, height: 30, channels: 1 } })
    .toFormat(format)
    .toBuffer();
};

function write(file: string, bytes: Uint8Array | string): string {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

let pictures = 0;

/** Writes pictures, each another one, and says where. */
async function data(name: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const ending = /\w+$/.exec(path)![0].toLowerCase().replace("jpg", "jpeg").replace(/^tif$/, "tiff");
    write(`${name}/${path}`, await noise(pictures++, ending as keyof FormatEnum));
  }
  return join(folder, name);
}

/** So many pictures in each of some classes. */
const classesOf = (classes: readonly string[], count: number): string[] =>
  classes.flatMap((name) => Array.from({ length: count }, (_, i) => `${name}/${i}.png`));

/** What training opens: the examples of each class, and what is told but for the choice of preprocessing. */
async function opened(place: string): Promise<{ classes: Record<string, number>; notes: readonly string[] }> {
  const tasks = await openTasks(`images:${place}`, { heldBack: { val: 0, test: 0 } });
  const ways = tasks.classCount("train");
  const names = ways === 0 ? [] : tasks.episode("train", 0, 0, { ways, shots: 1, queries: 1 }).classes!;
  const most = (shots: number): number => {
    try {
      tasks.episode("train", 0, 0, { ways, shots, queries: 1 });
      return most(shots + 1);
    } catch {
      return shots;
    }
  };
  const notes = (tasks.notes ?? []).filter((note) => !note.startsWith("Examples are "));
  return { classes: Object.fromEntries([...names].sort().map((name) => [name, most(1)])), notes };
}

/** The counts of what is found, before anything is read. */
async function found(place: string) {
  const { classes, leftOut, notes } = await files!.find(place, {});
  return {
    classes: Object.fromEntries(classes.map(({ name, items }) => [name, items.length])),
    leftOut: leftOut.map(({ why, count }) => `${count} ${why}`),
    notes,
  };
}

describe("what is found", () => {
  test("mixed formats, in any case of their endings", async () => {
    const place = await data("mixed", [
      "a/1.png",
      "a/2.JPG",
      "a/3.jpeg",
      "a/4.webp",
      "b/1.gif",
      "b/2.tif",
      "b/3.TIFF",
      "b/4.avif",
    ]);
    for (const other of ["a/5.heic", "a/6.HEIC", "b/labels.csv", "readme.md"]) write(`mixed/${other}`, "x");
    expect(await found(place)).toEqual({
      classes: { a: 4, b: 4 },
      leftOut: ["4 files of formats that are not read"],
      notes: [],
    });
    expect((await opened(place)).notes).toEqual([
      "Files of formats that are not read are left out (4): mixed (1 .md), a (2 .heic), b (1 .csv)",
    ]);
  });

  test("links: to files, to folders, in a circle, to nothing, to what is there already; and hard ones", async () => {
    const outside = await data("elsewhere", classesOf(["c"], 2));
    const place = await data("links", classesOf(["a", "b"], 2));
    symlinkSync(join(outside, "c"), join(place, "c"));
    symlinkSync("..", join(place, "a", "up"));
    symlinkSync("b", join(place, "again"));
    symlinkSync("nowhere.png", join(place, "a", "gone.png"));
    symlinkSync("itself.png", join(place, "a", "itself.png"));
    symlinkSync(join(outside, "c", "1.png"), join(place, "a", "linked.png"));
    linkSync(join(place, "b", "1.png"), join(place, "b", "hard.png"));
    expect(await found(place)).toEqual({
      classes: { a: 3, b: 3, c: 2 },
      leftOut: ["2 links to folders that are read already", "2 links to nothing"],
      notes: [],
    });
    const { notes } = await opened(place);
    expect(notes.slice(2)).toEqual([
      `Images that are in their class already are left out: ${join("b", "hard.png")} (as ${join("b", "1.png")})`,
      `The same images are in several classes, which contradict each other (1): ${join("c", "1.png")} (as ${join("a", "linked.png")})`,
    ]);
  });

  test("thumbnails, and hidden files and folders", async () => {
    const place = await data("systems", [
      ...classesOf(["a", "b"], 2),
      ...["a/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg", ".thumbnails/1.png", "a/._0.png", ".git/x.png", "__MACOSX/a/._1.png"],
    ]);
    for (const name of ["Thumbs.db", ".DS_Store", "desktop.ini"]) write(`systems/a/${name}`, "x");
    expect(await found(place)).toEqual({ classes: { a: 2, b: 2 }, leftOut: [], notes: [] });
  });

  test("three levels of folders, files beside them, one class of one file, and an empty one", async () => {
    const place = await data("levels", [
      ...classesOf(["animals/cats/tabby", "animals/cats/persian", "animals/dogs/pug", "plants/oak"], 2),
      ...["cover.png", "animals/poster.png", "alone/1.png"],
    ]);
    mkdirSync(join(place, "plants", "elm"));
    expect(await found(place)).toEqual({
      classes: {
        alone: 1,
        "animals/cats/persian": 2,
        "animals/cats/tabby": 2,
        "animals/dogs/pug": 2,
        "plants/oak": 2,
      },
      leftOut: ["2 images beside the folders of classes"],
      notes: ["No class, since they hold no image that is read: plants/elm"],
    });
  });

  test("names of classes: digits, spaces, any script, one spelling of Unicode", async () => {
    const place = await data(
      "names",
      classesOf(["007", "two words", " ゆき ", "caf\u00e9", "cafe\u0301", "größe/1"], 1),
    );
    expect((await found(place)).classes).toEqual({ " ゆき ": 1, "007": 1, café: 2, "größe/1": 1, "two words": 1 });
  });
});

describe("folders train, val and test", () => {
  const counts = async (place: string) => {
    const tasks = await openTasks(`images:${place}`);
    return [(["train", "val", "test"] as const).map((split: Split) => tasks.classCount(split)), tasks.notes!.slice(1)];
  };

  test.each<[string, string[], number[]]>([
    ["all three", ["train/a", "train/b", "train/c", "val/d", "val/e", "test/f", "test/g"], [3, 2, 2]],
    ["train and test", ["train/a", "train/b", "train/c", "test/f", "test/g"], [3, 0, 2]],
    ["other names of them", ["Training/a", "Training/b", "Validation/d", "dev/e", "TEST/f"], [2, 2, 1]],
    ["test alone", ["test/f", "test/g"], [0, 0, 2]],
  ])("%s are the splits", async (name, classes, expected) => {
    expect(await counts(await data(name, classesOf(classes, 2)))).toEqual([expected, []]);
  });

  test("that hold the same classes divide examples, and each class is put together", async () => {
    const place = await data("common", classesOf(["train/cat", "train/dog", "test/cat", "test/dog", "test/elk"], 2));
    expect(await found(place)).toEqual({
      classes: { cat: 4, dog: 4, elk: 2 },
      leftOut: [],
      notes: [expect.stringMatching(/^The folders train, val and test have classes in common, .*: cat, dog$/)],
    });
  });
});

describe("what is read", () => {
  const torn = async (): Promise<Uint8Array> => (await noise(pictures++)).subarray(0, 200);

  test("a few broken files are left out, with their reason", async () => {
    const place = await data("broken", classesOf(["a", "b"], 5));
    write("broken/a/torn.png", await torn());
    write("broken/b/empty.jpg", "");
    const { classes, notes } = await opened(place);
    expect(classes).toEqual({ a: 5, b: 5 });
    expect(notes).toEqual([
      expect.stringMatching(
        /^Images that cannot be read are left out: a.torn\.png \(cannot be read .*\), b.empty\.jpg \(it is empty/,
      ),
    ]);
  });

  test("a fifth of them, or a whole class, is an error that names them", async () => {
    const place = await data("torn", classesOf(["a", "b"], 4));
    for (const name of ["a/x.png", "b/x.png"]) write(`torn/${name}`, await torn());
    const error = await refusal(() => openTasks(`images:${place}`));
    expect(error).toMatchObject({ code: "image-broken", exitStatus: 1 });
    expect(error.message).toMatch(
      /^2 of the 10 images in images:.*torn cannot be read: .*a.x\.png: cannot be read as an image/,
    );
    const whole = await data("whole", classesOf(["a", "b"], 9));
    write("whole/c/x.png", await torn());
    expect((await refusal(() => openTasks(`images:${whole}`))).message).toMatch(
      /^1 of the 19 images .*, and nothing else is in "c": /,
    );
  });

  test("pointers of Git LFS are said to be that", async () => {
    for (const name of ["a", "b", "c", "d"])
      write(`pointers/${name}/1.png`, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    const error = await refusal(() => openTasks(`images:${join(folder, "pointers")}`));
    expect(error.message).toMatch(/^4 of the 4 images .*git lfs pull.*\. And 1 more$/s);
  });

  test("copies are left out within a class, and told between classes", async () => {
    const place = await data("copies", classesOf(["a", "b"], 3));
    cpSync(join(place, "a", "0.png"), join(place, "a", "copy of 0.png"));
    cpSync(join(place, "a", "1.png"), join(place, "b", "also.png"));
    const { classes, notes } = await opened(place);
    expect(classes).toEqual({ a: 3, b: 3 });
    expect(notes).toEqual([
      `Images that are in their class already are left out: ${join("a", "copy of 0.png")} (as ${join("a", "0.png")})`,
      `The same images are in several classes, which contradict each other (1): ${join("b", "also.png")} (as ${join("a", "1.png")})`,
    ]);
  });

  test("pictures of one colour are left out, unless a class has nothing else", async () => {
    const plain = (grey: number) =>
      sharp({ create: { width: 30, height: 30, channels: 3, background: { r: grey, g: grey, b: grey } } })
        .png()
        .toBuffer();
    const place = await data("constant", classesOf(["a", "b"], 3));
    write("constant/a/black.png", await plain(0));
    for (let i = 0; i < 3; i++) write(`constant/swatch/${i}.png`, await plain(50 + i));
    const { classes, notes } = await opened(place);
    expect(classes).toEqual({ a: 3, b: 3, swatch: 3 });
    expect(notes).toEqual([
      `Images of one colour all over, or nearly, from which nothing can be learned, are left out: ${join("a", "black.png")}`,
      expect.stringMatching(
        /^Images of one colour .* are kept, since their classes hold nothing else: swatch.0\.png, /,
      ),
    ]);
  });
});
