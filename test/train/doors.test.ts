// All doors that take folders keep the same rules: what is found, left out, told, refused and split, whatever a file holds.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openTasks, readers } from "@innerloop/train";
import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { wav } from "../support/wav.ts";

const folder = temporaryFolder("doors");

/** A file that a door takes, another one for each number, and one that is cut short. */
interface Door {
  readonly ending: string;
  make(seed: number): Uint8Array | string;
  readonly torn: Uint8Array | string;
  /** What several are called. */
  readonly several: RegExp;
}

const doors: Readonly<Record<string, Door>> = {
  images: {
    ending: "png",
    make: (seed) =>
      encode({
        width: 30,
        height: 30,
        data: Uint8Array.from({ length: 900 }, (_, i) => 128 + 120 * Math.sin((i * (seed + 1)) / 7)),
        channels: 1,
        depth: 8,
      }),
    torn: "no picture",
    several: /images/i,
  },
  windows: {
    ending: "csv",
    make: (seed) => {
      const lines = Array.from(
        { length: 32 },
        (_, i) => `${i / 50},${Math.sin(seed + i / 3)},${Math.cos(i / (seed + 2))}`,
      );
      return `t,x,y\n${lines.join("\n")}\n`;
    },
    torn: "t,x,y\n0,1,here\n0.02,there,2\n",
    several: /recordings/i,
  },
  sound: {
    ending: "wav",
    make: (seed) =>
      wav(
        Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * (0.05 + 0.013 * seed)) / 2),
        8000,
      ),
    torn: "RIFF",
    several: /sounds|recordings/i,
  },
};

let places = 0;

/** Six classes of five files, each another one. */
function data({ ending, make }: Door, prefix = ""): { place: string; file(path: string): string } {
  const place = join(folder, String(places++));
  const file = (path: string): string => {
    const whole = join(place, `${path}.${ending}`);
    mkdirSync(dirname(whole), { recursive: true });
    return whole;
  };
  for (let c = 0; c < 6; c++)
    for (let i = 0; i < 5; i++) writeFileSync(file(`${prefix}group/class ${c}/${i}`), make(5 * c + i));
  return { place, file };
}

describe.each(Object.entries(doors))("%s", (name, door) => {
  const open = (place: string) => openTasks(`${name}:${place}`, { heldBack: { val: 0, test: 0 } });

  test("tells what is broken, there twice, a contradiction, and no file of its kind", async () => {
    const { place, file } = data(door);
    writeFileSync(file("group/class 0/torn"), door.torn);
    cpSync(file("group/class 1/0"), file("group/class 1/copy"));
    cpSync(file("group/class 2/0"), file("group/class 3/also"));
    writeFileSync(join(place, "group", "class 4", "notes.doc"), "x");
    mkdirSync(join(place, "group", "class 4", "@eaDir"));
    cpSync(file("group/class 4/0"), file("group/class 4/@eaDir/0"));
    mkdirSync(join(place, "group", "class 7"));
    const tasks = await open(place);
    expect(tasks.classCount("train")).toBe(6);
    const notes = tasks.notes!.join("\n");
    for (const told of [
      /^Examples are ./m,
      /^No class, since they hold no \w+ that is read: group\/class 7$/m,
      /^Files of formats that are not read are left out: group\/class 4 \(1 \.doc\)$/m,
      /^\w+ that cannot be read are left out: group.class 0.torn\.\w+ \(./m,
      /^\w+ that are in their class already are left out: group.class 1.copy\.\w+ \(as group.class 1.0\.\w+\)$/m,
      /^The same \w+ are in several classes, which contradict each other \(1\): group.class 3.also\.\w+ \(as group.class 2.0\.\w+\)$/m,
    ])
      expect(notes).toMatch(told);
    expect(notes.match(/^\w+(?= that cannot be read)/m)![0]).toMatch(door.several);
    // What is left has five examples in each class.
    expect(() => tasks.episode("train", 0, 0, { ways: 6, shots: 1, queries: 4 })).not.toThrow();
    const { message } = await refusal(async () => tasks.episode("train", 0, 0, { ways: 6, shots: 1, queries: 5 }));
    expect(message).toMatch(/has 5 examples; 1 shots \+ 5 queries need 6/);
  });

  test("refuses a class of which nothing can be read, and names what is wrong", async () => {
    const { place, file } = data(door);
    writeFileSync(file("group/class 6/torn"), door.torn);
    const error = await refusal(() => open(place));
    expect(error.exitStatus).toBe(1);
    expect(error.message).toMatch(
      /^1 of the 31 \w+ in .* cannot be read, and nothing else is in "group\/class 6": .*torn\.\w+/s,
    );
  });

  test("has the folders train and test as splits, and the same episodes each time", async () => {
    const { place, file } = data(door, "train/");
    for (let i = 0; i < 5; i++)
      for (const other of ["new", "newer"])
        writeFileSync(file(`test/${other}/${i}`), door.make(40 + i + 10 * other.length));
    const [tasks, again] = [await openTasks(`${name}:${place}`), await openTasks(`${name}:${place}`)];
    expect([tasks.classCount("train"), tasks.classCount("test")]).toEqual([6, 2]);
    const shape = { ways: 2, shots: 1, queries: 2 };
    expect(tasks.episode("test", 1, 2, shape)).toEqual(again.episode("test", 1, 2, shape));
    expect([...tasks.episode("test", 1, 2, shape).classes!].sort()).toEqual(["test/new", "test/newer"]);
    expect(tasks.preprocessing!.kind).toBe(readers.named(name).files!.kind);
  });

  test("says which door takes what it does not", async () => {
    const other = data(doors[name === "images" ? "sound" : "images"]!);
    const error = await refusal(() => open(other.place));
    expect(error).toMatchObject({ code: "data-missing", exitStatus: 2 });
    expect(error.message).toContain(`${name === "images" ? "sound" : "images"}:${other.place}`);
  });
});
