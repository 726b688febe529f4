// What an export and an adaptation write is there whole or not at all: after a process that was killed, several at once, and on
// a disk that is full.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { innerloop } from "../support/innerloop.ts";
import { killedAtRename } from "./faults.ts";
import { longRuns } from "./long-runs.ts";

const { cwd, path, words, copied } = longRuns();

describe("an export that is killed", () => {
  const out = path("place", "bundle");
  const beside = () => readdirSync(path("place"));

  it("between its two renames leaves the earlier bundle to whoever loads or exports next", async () => {
    mkdirSync(path("place"));
    expect((await words("export small --out place/bundle")).status).toBe(0);
    const before = readFileSync(join(out, "manifest.json"), "utf8");
    const env = killedAtRename(cwd, /\.earlier$/, "after");
    const killed = async () => {
      expect((await words("export small --out place/bundle", { env })).signal).toBe("SIGKILL");
      expect(existsSync(out)).toBe(false);
    };
    await killed();
    await (await Learner.load(out, { task: "regression", provider: "cpu" })).dispose();
    expect(readFileSync(join(out, "manifest.json"), "utf8")).toBe(before);
    await killed();
    expect((await words("inspect place/bundle --json")).status).toBe(0);
    expect(readFileSync(join(out, "manifest.json"), "utf8")).toBe(before);
    await killed();
    expect((await words("export small --out place/bundle")).status).toBe(0);
    expect(readFileSync(join(out, "manifest.json"), "utf8")).not.toBe(before);
    expect(beside()).toEqual(["bundle"]);
  });

  it("while it writes leaves the earlier bundle, and nothing beside it after the next", async () => {
    const env = killedAtRename(cwd, /\.earlier$/, "before");
    expect((await words("export small --out place/bundle", { env })).signal).toBe("SIGKILL");
    expect(beside().length).toBe(2);
    await (await Learner.load(out, { task: "regression", provider: "cpu" })).dispose();
    expect((await words("export small --out place/bundle")).status).toBe(0);
    expect(beside()).toEqual(["bundle"]);
  });

  it("of several at once into one place leaves one bundle, whole", async () => {
    const outcomes = await Promise.all([1, 2, 3].map(() => words("export small --out place/bundle")));
    expect(outcomes.map(({ status, stderr }) => [status, stderr.match(/error.*/)?.[0]])).toEqual(
      [1, 2, 3].map(() => [0, undefined]),
    );
    await (await Learner.load(out, { task: "regression", provider: "cpu" })).dispose();
    expect(beside()).toEqual(["bundle"]);
  });

  it("through a link replaces what the link leads to", async () => {
    symlinkSync(join("place", "bundle"), path("link"));
    const before = readFileSync(join(out, "manifest.json"), "utf8");
    expect((await words("export small --out link")).status).toBe(0);
    expect(readFileSync(join(out, "manifest.json"), "utf8")).not.toBe(before);
    expect(readFileSync(path("link", "manifest.json"), "utf8")).toBe(readFileSync(join(out, "manifest.json"), "utf8"));
  });
});

describe("a saved user", () => {
  const adapt = (file: string, more = {}) =>
    innerloop(["adapt", "place/bundle", "--support", "points.json", "--out", file], { cwd, ...more });
  const mode = (file: string) => statSync(path(file)).mode & 0o777;

  beforeAll(() => {
    const rows = [0, 1, 2].map((x) => ({ x: [x], y: [x / 2] }));
    writeFileSync(path("points.json"), JSON.stringify(rows));
  });

  it("is its owner's alone, keeps its mode, and stays behind its link", async () => {
    expect((await adapt("mine.safetensors")).status).toBe(0);
    expect(mode("mine.safetensors")).toBe(0o600);
    chmodSync(path("mine.safetensors"), 0o664);
    symlinkSync("mine.safetensors", path("linked.safetensors"));
    symlinkSync("later.safetensors", path("dangling.safetensors"));
    expect((await adapt("linked.safetensors")).status).toBe(0);
    expect((await adapt("dangling.safetensors")).status).toBe(0);
    expect([mode("mine.safetensors"), mode("later.safetensors")]).toEqual([0o664, 0o600]);
    expect(readdirSync(cwd).filter((name) => name.startsWith(".innerloop"))).toEqual([]);
  });

  it("of a process that was killed is the earlier one, and what that process left goes with the next", async () => {
    const before = readFileSync(path("mine.safetensors"));
    const env = killedAtRename(cwd, /mine\.safetensors$/, "before");
    expect((await adapt("mine.safetensors", { env })).signal).toBe("SIGKILL");
    expect(readFileSync(path("mine.safetensors")).equals(before)).toBe(true);
    const left = () => readdirSync(cwd).filter((name) => name.startsWith(".innerloop"));
    expect(left().length).toBe(1);
    expect((await adapt("another.safetensors")).status).toBe(0);
    expect(left()).toEqual([]);
  });

  it("has a place that is tried before the work", async () => {
    execFileSync("mkfifo", [path("pipe")]);
    for (const [file, why] of [
      ["nowhere/mine.safetensors", /cannot be written \(ENOENT/],
      ["points.json/mine.safetensors", /cannot be written \(ENOTDIR/],
      ["pipe", /is no ordinary file/],
      ["place", /is no ordinary file/],
    ] as const) {
      const { status, stderr } = await innerloop(["adapt", "place/bundle", "--support", "absent", "--out", file], {
        cwd,
      });
      expect(status, file).toBe(1);
      expect(stderr, file).toMatch(why);
    }
    const taken = await words("export small --out points.json/bundle --data images:absent");
    expect([taken.status, taken.stderr]).toEqual([1, expect.stringMatching(/the bundle was not written/)]);
  });
});

/** A disk of 64 kB, where this may mount one. */
const disk = path("disk");
const mounted = (() => {
  try {
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
afterAll(() => {
  if (mounted) execFileSync("umount", [disk]);
});

describe("a disk that is full", () => {
  it.skipIf(!mounted)(
    "keeps the earlier checkpoint, bundle and user (needs to mount a small disk)",
    async () => {
      copied(join("disk", "run"));
      const adapt = ["adapt", "place/bundle", "--support", "points.json", "--out", "disk/mine.safetensors"];
      expect((await innerloop(adapt, { cwd })).status).toBe(0);
      const kept = ["run/checkpoint.safetensors", "mine.safetensors"].map((name) => path("disk", name));
      const before = kept.map((file) => readFileSync(file));
      const there = readdirSync(disk, { recursive: true }).sort();
      const run = await words("train --resume --out disk/run --iterations 6");
      expect([run.status, run.stderr]).toEqual([
        1,
        expect.stringMatching(/the disk is full; free some space.*unchanged/s),
      ]);
      const bundle = await words("export small --out disk/bundle");
      expect([bundle.status, bundle.stderr]).toEqual([1, expect.stringMatching(/the bundle was not written \(ENOSPC/)]);
      expect(readdirSync(disk, { recursive: true }).sort()).toEqual(there);
      expect(() => writeFileSync(path("disk", "filler"), Buffer.alloc(65_536))).toThrow("ENOSPC");
      const user = await innerloop(adapt, { cwd });
      expect([user.status, user.stderr]).toEqual([1, expect.stringMatching(/nothing was written \(ENOSPC/)]);
      expect(kept.map((file, i) => readFileSync(file).equals(before[i]!))).toEqual([true, true]);
    },
    120_000,
  );
});
