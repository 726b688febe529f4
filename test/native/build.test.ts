// Building the kernels: where the file lies, what is said where it cannot be built, and that nothing half made is ever in its place.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildKernels, costsFile, kernelsFile, loadKernels } from "@innerloop/native";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { builtFile, compiler, copying, missing } from "./kernels.ts";

describe("the kernels' file", () => {
  it("is named after the platform and lies in INNERLOOP_HOME", () => {
    const before = process.env.INNERLOOP_HOME;
    process.env.INNERLOOP_HOME = "/somewhere";
    try {
      expect(kernelsFile()).toMatch(
        new RegExp(`^/somewhere/kernels/${process.platform}-${process.arch}-[0-9a-f]{8}-[0-9a-f]{20}\\.node$`),
      );
    } finally {
      if (before === undefined) delete process.env.INNERLOOP_HOME;
      else process.env.INNERLOOP_HOME = before;
    }
    expect(kernelsFile("/a")).toBe(join("/a", kernelsFile("/b").slice(3)));
  });
});

describe("a build", () => {
  it("replaces what is in the file's place, and leaves nothing else in the folder but costs", async ({ skip }) => {
    skip(!builtFile, missing);
    const cc = copying();
    const folder = temporaryFolder("kernels");
    const file = kernelsFile(folder);
    writeFileSync(file, "an earlier one");
    expect(await buildKernels({ folder, cc })).toMatchObject({ file, compiler: cc });
    expect(readdirSync(folder).map((name) => join(folder, name))).toEqual([costsFile(file), file]);
    expect(loadKernels(file).misaligned(new ArrayBuffer(64))).toBeLessThan(64);
  });

  it("without the compiler that was asked for says so, and changes nothing", async () => {
    const folder = join(temporaryFolder("kernels"), "new");
    await expect(buildKernels({ folder, cc: "no-such-cc" })).rejects.toMatchObject({
      name: "InnerloopError",
      code: "compiler-missing",
      message: expect.stringContaining("no-such-cc"),
    });
    expect(existsSync(folder)).toBe(false);
  });

  it("without any compiler names those looked for and how to get one", async () => {
    const before = { PATH: process.env.PATH, CC: process.env.CC };
    process.env.PATH = temporaryFolder("empty");
    delete process.env.CC;
    try {
      await expect(buildKernels({ folder: temporaryFolder("kernels") })).rejects.toMatchObject({
        code: "compiler-missing",
        message: expect.stringMatching(/cc, gcc and clang.*install/),
      });
    } finally {
      process.env.PATH = before.PATH;
      if (before.CC !== undefined) process.env.CC = before.CC;
    }
  });

  it("that fails says what the compiler said first", async () => {
    const folder = temporaryFolder("kernels");
    const cc = compiler("echo 'chain.c:1: error: no vectors here' >&2; exit 1");
    await expect(buildKernels({ folder, cc })).rejects.toMatchObject({
      code: "build-failed",
      message: expect.stringContaining("chain.c:1: error: no vectors here"),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("whose file does not load or compute is never put in place", async () => {
    const folder = temporaryFolder("kernels");
    const cc = compiler('for last; do :; done; case "$last" in *.node) echo no library > "$last";; esac');
    await expect(buildKernels({ folder, cc })).rejects.toMatchObject({ code: "build-failed" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("ends when it is told to", async () => {
    const folder = temporaryFolder("kernels");
    const stop = new AbortController();
    const building = buildKernels({ folder, cc: compiler("exec sleep 30"), signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await expect(building).rejects.toThrow("enough");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("in a folder that is a file says what is in the way", async ({ skip }) => {
    skip(!builtFile, missing);
    const folder = join(temporaryFolder("kernels"), "file");
    writeFileSync(folder, "");
    await expect(buildKernels({ folder })).rejects.toMatchObject({ code: "no-folder" });
  });
});

describe("a file that is no library", () => {
  it("is refused by name, with what to do", () => {
    const file = join(temporaryFolder("kernels"), "broken.node");
    writeFileSync(file, "no library");
    expect(() => loadKernels(file)).toThrow(expect.objectContaining({ code: "kernels-broken" }));
  });
});
