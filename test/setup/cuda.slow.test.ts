// `innerloop setup cuda`: the provider's files are tried, put in place and taken away; what does not fit is refused.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { type Call, innerloop } from "../support/innerloop.ts";
import { library, nativeFolder, record, wheelTag as tag, wheel, write, writeInstallation } from "./fixtures.ts";

const here = `${process.platform}-${process.arch}`;
const cwd = temporaryFolder();
const place = (...parts: string[]) => join(cwd, ...parts);

describe.skipIf(here !== "linux-x64")("setup cuda", () => {
  const version = JSON.parse(readFileSync(join(nativeFolder, "../../../../package.json"), "utf8")).version as string;
  const provider = "libonnxruntime_providers_cuda.so";
  const shared = "libonnxruntime_providers_shared.so";
  let main: string;
  let native: string;
  const call = (args: readonly string[], more: Partial<Call> = {}) =>
    innerloop(["setup", "cuda", ...args], {
      cwd,
      main,
      env: { NODE_OPTIONS: "--preserve-symlinks --preserve-symlinks-main" },
      ...more,
    });
  const found = () => [provider, shared].filter((file) => existsSync(join(native, file)));
  /** Files that load and are no provider: a machine without a GPU gets no further with real ones. */
  const providerFiles = (bytes: Uint8Array = library) => ({
    [`onnxruntime/capi/${provider}`]: bytes,
    [`onnxruntime/capi/${shared}`]: bytes,
  });
  const wheelFile = (name: string, of: string, files = providerFiles(), recorded = files) =>
    write(place(`${name}-${of}-${tag}`), wheel(name, of, files, recorded));

  beforeAll(() => {
    ({ main, native } = writeInstallation(place("installation")));
  });

  it("refuses files that do not start a GPU, puts them in place if asked to, and takes them away", async () => {
    const file = wheelFile("onnxruntime_gpu", version);
    const refused = await call(["--from", file]);
    expect(refused.stderr).toMatch(/The files are right, but .*add --anyway/);
    expect(refused.status).toBe(1);
    expect(found()).toEqual([]);

    for (const repeated of [false, true]) {
      const placed = await call(["--from", file, "--anyway", "--json"]);
      expect(placed.status, placed.stderr).toBe(0);
      expect(JSON.parse(placed.stdout), String(repeated)).toMatchObject({ stack: "cuda", version, works: false });
      expect(readFileSync(join(native, provider)).equals(library)).toBe(true);
      expect(found()).toEqual([provider, shared]);
    }
    const undone = await call(["--undo"]);
    expect(undone).toMatchObject({ status: 0, stdout: `Taken away: ${shared}, ${provider}.\n` });
    expect(found()).toEqual([]);
    expect(await call(["--undo"])).toMatchObject({ status: 2, stderr: expect.stringContaining("nothing to undo") });
  });

  it("puts back what was there before", async () => {
    write(join(native, provider), "an older one");
    expect(await call(["--from", wheelFile("onnxruntime_gpu", version), "--anyway"])).toMatchObject({ status: 0 });
    expect(await call(["--undo"])).toMatchObject({ status: 0, stdout: `Put back: ${provider}.\n` });
    expect(readFileSync(join(native, provider), "utf8")).toBe("an older one");
    expect(found()).toEqual([provider]);
    rmSync(join(native, provider));
  });

  it("names the libraries that a machine lacks, here those of a CUDA that nobody has", async () => {
    // The library's own dependency by another name of the same length.
    const bytes = Buffer.from(library);
    bytes.write("libcudart.so.999999\0", bytes.indexOf("libonnxruntime.so.1\0"), "latin1");
    const outcome = await call(["--from", wheelFile("onnxruntime_gpu", version, providerFiles(bytes))]);
    expect(outcome.stderr).toMatch(/lacks libraries that they need: libcudart\.so\.999999 \(CUDA 999999\)/);
    expect(outcome.stderr).toMatch(/Install .*CUDA 999999/);
    expect(outcome.status).toBe(1);
    expect(found()).toEqual([]);
  });

  it("is not stopped half way", async () => {
    const file = wheelFile("onnxruntime_gpu", version);
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      await call(["--from", file, "--anyway"], {
        onStderr: (child, said) => {
          if (said.includes("Trying")) child.kill(signal);
        },
      });
      expect(found(), signal).toEqual([]);
    }
    expect(await call(["--from", file, "--anyway"])).toMatchObject({ status: 0 });
    expect(readdirSync(join(native, "../../../../.innerloop")).filter((it) => /^staging-|^lock/.test(it))).toEqual([]);
    await call(["--undo"]);
  });

  it.each<[what: string, file: () => string, status: number, message: RegExp]>([
    [
      "another version",
      () => wheelFile("onnxruntime_gpu", "1.2.3"),
      2,
      new RegExp(`does not fit onnxruntime-node ${version}.*pip install onnxruntime-gpu==${version}`),
    ],
    ["another package", () => wheelFile("onnxruntime", version), 2, /has no CUDA provider; onnxruntime-gpu has/],
    [
      "an altered file",
      () => wheelFile("onnxruntime_gpu", version, providerFiles(Buffer.from("altered")), providerFiles()),
      1,
      /is not what its package records/,
    ],
    [
      "a file that is no library",
      () => wheelFile("onnxruntime_gpu", version, providerFiles(Buffer.from("text"))),
      2,
      /is no library of Linux/,
    ],
    [
      "a package without the provider",
      () => wheelFile("onnxruntime_gpu", version, { a: library } as never),
      2,
      /has no onnxruntime\/capi/,
    ],
    [
      "an empty folder",
      () => {
        mkdirSync(place("nothing"), { recursive: true });
        return place("nothing");
      },
      2,
      /holds neither .* nor onnxruntime-gpu/,
    ],
    [
      "a folder of another version",
      () => {
        for (const file of [provider, shared]) write(place("older", file), "\0" + "1.2.3\0");
        return place("older");
      },
      2,
      /is not of ONNX Runtime/,
    ],
  ])("refuses %s", async (_, file, status, message) => {
    const outcome = await call(["--from", file(), "--anyway"]);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.status).toBe(status);
    expect(found()).toEqual([]);
  });

  it("takes a package that is installed, and a plain folder of the same version", async () => {
    const site = place("venv", "lib", "site-packages");
    for (const [path, bytes] of Object.entries(providerFiles())) write(join(site, path), bytes);
    write(join(site, `onnxruntime_gpu-${version}.dist-info`, "RECORD"), record(providerFiles()));
    const python = write(place("venv", "bin", "python"), `#!/bin/sh\necho '[${JSON.stringify(site)}]'\n`, 0o755);
    const folder = place("plain");
    for (const file of [provider, shared])
      write(join(folder, file), Buffer.concat([library, Buffer.from(`\0${version}\0`)]));
    for (const from of [site, python, place("venv"), folder]) {
      const outcome = await call(["--from", from, "--anyway"]);
      expect(outcome.status, `${from}: ${outcome.stderr}`).toBe(0);
      expect(found()).toEqual([provider, shared]);
      await call(["--undo"]);
    }
  });
});
