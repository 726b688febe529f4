// Bundles that are there from the start: by their names wherever the command line takes a bundle, unless a bundle here is
// called so; and whole, as their manifests say.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { starterBundle, starterBundles } from "@innerloop/bundles";
import type { Manifest } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const cwd = temporaryFolder("names");
const nameOf = async (bundle: string): Promise<string> =>
  JSON.parse((await innerloop(["inspect", bundle, "--json"], { cwd })).stdout).manifest.name;
const manifestIn = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));

describe.each(starterBundles)("$name", ({ name, folder }) => {
  it("has the files that its manifest tells of, and is small", () => {
    const manifest = manifestIn(folder);
    for (const [file, { bytes, sha256 }] of Object.entries(manifest.files)) {
      const found = readFileSync(join(folder, file));
      expect(found.length).toBe(bytes);
      expect(createHash("sha256").update(found).digest("hex")).toBe(sha256);
      expect(bytes).toBeLessThan(1_000_000);
    }
    expect(manifest.confidence?.rejection).toBeDefined();
    expect(manifest.output.ways).toBeNull();
  });

  it("is found by its name", async () => {
    expect(starterBundle(name)).toBe(folder);
    expect(await nameOf(name)).toBe(manifestIn(folder).name);
  });
});

describe("a name", () => {
  it("is that of a bundle here, where one is called so, and not that of another folder", async () => {
    mkdirSync(join(cwd, "drawings"));
    expect(await nameOf("drawings")).toBe(manifestIn(starterBundle("drawings")).name);
    cpSync(starterBundle("drawings"), join(cwd, "drawings"), { recursive: true });
    const own = { ...manifestIn(starterBundle("drawings")), name: "mine" };
    writeFileSync(join(cwd, "drawings", "manifest.json"), JSON.stringify(own));
    expect(await nameOf("drawings")).toBe("mine");
    rmSync(join(cwd, "drawings"), { recursive: true });
  });

  it("that nothing is called is answered with those there are", async () => {
    const { status, stderr } = await innerloop(["eval", "drawing"], { cwd });
    expect(status).toBe(2);
    expect(stderr).toContain("drawing does not exist");
    for (const { name } of starterBundles) expect(stderr).toContain(name);
    expect(() => starterBundle("drawing")).toThrow(/"drawing" .* there are drawings/);
  });
});
