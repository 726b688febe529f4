// The rooms that Node loads as one file: all of a room is in it, once, and whatever is opened beside it is there.
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./support/folders.ts";
import { repository } from "./support/root.ts";

const load = (path: string) => import(pathToFileURL(path).href);
const { bundledRooms, bundleRoom } = (await load(join(repository, "schemas/bundled.mjs"))) as {
  readonly bundledRooms: readonly string[];
  readonly bundleRoom: (room: string, dist?: string) => Promise<void>;
};

/** What some texts have at a place of a pattern. */
const found = (texts: readonly string[], pattern: RegExp): (string | undefined)[][] =>
  texts.flatMap((text) => [...text.matchAll(pattern)].map(([, ...groups]) => groups));

describe.each(bundledRooms)("%s", (room) => {
  const dist = join(repository, room, "dist");
  const folder = join(dist, "bundle");
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));

  it("has the exports of its modules", async () => {
    const [bundle, modules] = await Promise.all([load(join(folder, "index.js")), load(join(dist, "index.js"))]);
    expect(Object.keys(bundle).sort()).toEqual(Object.keys(modules).sort());
  });

  it("is what the door leads to, and leads to no module", () => {
    expect(readFileSync(join(dist, "index.door.js"), "utf8")).toContain('from "./bundle/index.js"');
    const imported = found(texts, /(?:\bfrom|\bimport\()\s*"(\.[^"]*)"/g).map(([name]) => resolve(folder, name!));
    expect(imported.filter((path) => dirname(path) !== folder)).toEqual([]);
  });

  it("has one byte for each letter", () => {
    expect(texts.flatMap((text) => text.match(/[^\0-\x7f]/) ?? [])).toEqual([]);
  });

  it("finds what it opens where the compiler put that", () => {
    const opened = found(texts, /new URL\("([^"]+)", (?:new URL\("([^"]+)", )?import\.meta\.url/g).map(
      ([name, place]) => resolve(folder, place === undefined ? "." : dirname(place), name!),
    );
    expect(opened.filter((path) => !existsSync(path))).toEqual([]);
    expect(opened.length > 0).toBe(["native", "train", "measure"].includes(room));
  });
});

it("a bundle is written when a module is newer, and what it no longer has goes", async () => {
  const dist = temporaryFolder("dist");
  const index = join(dist, "bundle/index.js");
  const write = (name: string, text: string, seconds: number) => {
    writeFileSync(join(dist, name), text);
    utimesSync(join(dist, name), seconds, seconds);
  };
  write(
    "index.js",
    `export { where } from "./one.js"; export const late = () => import("./late.js");
    export const said = ["a ≤ 𝛼", \`\${1}…\`, "…".replace(/…|𝛼/u, "é")];`,
    1,
  );
  write("one.js", "export const where = import.meta.url;", 1);
  write("late.js", "export const two = 2;", 1);
  await bundleRoom("", dist);
  const { where, late, said } = await load(index);
  expect(said).toEqual(["a ≤ 𝛼", "1…", "é"]);
  expect(where).toBe(pathToFileURL(join(dist, "one.js")).href);
  expect((await late()).two).toBe(2);
  expect(readdirSync(dirname(index))).toHaveLength(2);

  const before = readFileSync(index, "utf8");
  write("index.js", "export const other = 1;", 1);
  await bundleRoom("", dist);
  expect(readFileSync(index, "utf8")).toBe(before);
  write("index.js", "export const other = 1;", Date.now() / 1000 + 10);
  await bundleRoom("", dist);
  expect(readFileSync(index, "utf8")).toContain("other = 1");
  expect(readdirSync(dirname(index))).toEqual(["index.js"]);
});
