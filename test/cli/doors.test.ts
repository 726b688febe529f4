// What a bundle is given by adapt, predict and eval is, to the bit, what training was given: each door is opened both ways.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { starterBundle } from "@innerloop/bundles";
import type { Manifest } from "@innerloop/schemas";
import { openTasks, type PooledTasks, splits, type TaskSource } from "@innerloop/train";
import { readInputs, readSupport } from "innerloop";
import { describe, expect, it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";
import { refusal } from "../support/refusal.ts";
import { wav } from "../support/wav.ts";

const cwd = temporaryFolder("doors");
const at = (...names: string[]) => join(cwd, ...names);
const classes = ["one", "two words", "3", "四", "five", "six"];

/** A bundle's manifest that takes examples as data have them. */
function manifestOf({ inputShape, preprocessing }: Pick<TaskSource, "inputShape" | "preprocessing">): Manifest {
  const drawings = JSON.parse(readFileSync(join(starterBundle("drawings"), "manifest.json"), "utf8")) as Manifest;
  return { ...drawings, input: { dtype: "float32", shape: [...inputShape], preprocessing: preprocessing! } };
}

/** Files of each door: where they are, and a SPEC. */
const doors: Readonly<Record<string, () => Promise<string>>> = {
  async images() {
    await writeImages(at("images"), 6, 4);
    return `images:${at("images")}`;
  },
  async windows() {
    for (const [c, name] of classes.entries()) {
      mkdirSync(at("windows", name), { recursive: true });
      for (let e = 0; e < 4; e++) {
        const lines = Array.from({ length: 50 + 3 * e }, (_, i) =>
          [i / 50, Math.sin(0.1 * (c + 1) * i + e), Math.cos(0.2 * (c + 1) * i), 9.81 + 0.01 * i * e].join(","),
        );
        writeFileSync(at("windows", name, `${e}.csv`), `t,x,y,z\n${lines.join("\n")}\n`);
      }
    }
    return `windows:${at("windows")}`;
  },
  async sound() {
    for (const [c, name] of classes.entries()) {
      mkdirSync(at("sound", name), { recursive: true });
      for (let e = 0; e < 4; e++) {
        const tone = Float32Array.from({ length: 6000 + 500 * e }, (_, i) => Math.sin(i * (0.1 + 0.05 * c)) / (2 + e));
        writeFileSync(at("sound", name, `${e}.wav`), wav(tone, 16_000));
      }
    }
    return `sound:${at("sound")}`;
  },
  async rows() {
    const rows = classes.flatMap((name, c) =>
      Array.from({ length: 4 }, (_, e) => `${1000 * c + 7 * e},${c / 7 + e / 100},${e % 2 ? "red" : "blue"},${name}`),
    );
    writeFileSync(at("rows.csv"), `weight,height,colour,label\n${rows.join("\n")}\n`);
    return `rows:${at("rows.csv")}`;
  },
};

describe.each(Object.keys(doors))("%s", (door) => {
  it("gives a bundle the numbers that training was given", async () => {
    const spec = await doors[door]!();
    const place = spec.slice(door.length + 1);
    const tasks = (await openTasks(spec)) as PooledTasks & TaskSource;
    const trained = splits.flatMap((split) =>
      tasks
        .classes(split, 100)
        .flatMap(({ name, examples }, c) =>
          Array.from({ length: examples }, (_, e) => ({ label: name, data: tasks.example(split, c, e) })),
        ),
    );
    const manifest = manifestOf(tasks);
    const byLabel = <T extends { readonly label?: string }>(examples: readonly T[]) =>
      examples.toSorted((a, b) => (a.label! < b.label! ? -1 : 1));
    const adapted = byLabel(await readSupport(place, manifest));
    expect(adapted.map(({ label, data }) => ({ label, data }))).toEqual(byLabel(trained));
    const asked = await readInputs([place], manifest);
    expect(asked).toHaveLength(24);
    for (const { data } of asked) expect(adapted.map((each) => each.data)).toContainEqual(data);
    if (door === "rows") expect(asked[2]!.input).toBe(`${place}:3`);
    else
      expect(await readInputs([adapted[0]!.input], manifest)).toEqual([
        { input: adapted[0]!.input, data: adapted[0]!.data },
      ]);
  });
});

describe("what is for another bundle", () => {
  it("is told by what it is, and what the bundle takes", async () => {
    const spec = await doors.sound!();
    const { preprocessing } = await openTasks(await doors.images!());
    const pictures: Manifest = manifestOf({ inputShape: [28, 28, 1], ...(preprocessing ? { preprocessing } : {}) });
    const sounds = spec.slice("sound:".length);
    for (const read of [() => readSupport(sounds, pictures), () => readInputs([sounds], pictures)])
      expect(await refusal(read)).toMatchObject({
        code: "wrong-data",
        exitStatus: 2,
        message: expect.stringMatching(/holds 24 sounds \(.*takes images \(PNG.*a bundle that was trained on sounds/),
      });
    expect(await refusal(() => readInputs([join(sounds, "one", "0.wav")], pictures))).toMatchObject({
      message: expect.stringMatching(/0\.wav was given, a file of sounds, but/),
    });
  });
});

describe("a table whose classes are in a column of another name", () => {
  it("is adapted to by that name, and refused where none is", async () => {
    const columns = ["a", "b", "c", "d"].map((name) => ({ name, kind: "number" as const, mean: 1, std: 2 }));
    const bundle = writeBundle("linear", (manifest) => {
      Object.assign(manifest.input, { preprocessing: { kind: "row", columns } });
    });
    writeFileSync(at("mine.csv"), "a,b,c,d,note,animal\n1,2,3,4,x,cat\n5,6,7,8,y,dog\n1,2,3,5,z,cat\n5,6,7,9,x,dog\n");
    const call = ["adapt", bundle, "--support", at("mine.csv"), "--out", at("mine.safetensors"), "--json"];
    const adapted = await innerloop([...call, "--label", "animal"], { cwd });
    expect(adapted.status, adapted.stderr).toBe(0);
    expect(JSON.parse(adapted.stdout)).toMatchObject({ examples: 4, labels: ["cat", "dog"] });
    const other = await innerloop(
      ["adapt", "motions", "--support", at("windows"), "--out", at("x.safetensors"), "--label", "a"],
      { cwd },
    );
    expect(other).toMatchObject({ status: 2, stderr: expect.stringMatching(/--label has no effect here/) });
  });
});
