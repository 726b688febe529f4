// `innerloop setup tfjs-gpu` where something is wrong: what is given, what is missing, a disk that is full, a signal. What
// worked before works after it.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { library, wheelTag as tag, tensorFlowFiles, wheel, write, writeCompiler, writeLostNpm } from "./fixtures.ts";
import { here, tensorFlowSetup } from "./tensorflow-setup.ts";

const { call, installed, place, root, state, number } = tensorFlowSetup();

describe.skipIf(here !== "linux-x64")("setup tfjs-gpu that fails or is stopped", () => {
  let before: string[];
  beforeEach(async () => {
    await call(["--from", "site"]);
    before = state();
    expect(before.length).toBeGreaterThan(4);
  });
  const unchanged = () => {
    expect(state()).toEqual(before);
    expect(installed()!.version).toBe("2.99.0");
  };

  /** An archive with another name of the same length for one of its files. */
  const renamed = (zip: Uint8Array, from: string, to: string): Uint8Array =>
    Buffer.from(Buffer.from(zip).toString("latin1").replaceAll(from, to), "latin1");
  /** An archive whose table of contents says that each of its files has so many bytes. */
  const saying = (zip: Uint8Array, size: number): Uint8Array => {
    const view = new DataView(zip.buffer, zip.byteOffset, zip.length);
    for (let at = 0; at < zip.length - 46; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, size, true);
    return zip;
  };

  const altered = { ...tensorFlowFiles, "tensorflow/libtensorflow_cc.so.2": Buffer.from("altered") };
  const files: Record<string, Uint8Array> = {
    "tensorflow_cpu-2.99.0-cp311-cp311-manylinux_2_27_aarch64.whl": wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles),
    [`altered-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", altered, tensorFlowFiles),
    [`numpy-2.0.0-${tag}`]: wheel("numpy", "2.0.0", { "numpy/__init__.py": Buffer.from("") }),
    [`cut-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles).subarray(0, 9000),
    [`text-2.99.0-${tag}`]: Buffer.from("hello"),
    [`outside-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", {
      ...tensorFlowFiles,
      "tensorflow/include/tensorflow/c/../../../../../../outside.h": Buffer.from("// outside"),
    }),
    [`absolute-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", {
      ...tensorFlowFiles,
      "/outside.h": Buffer.from(""),
    }),
    [`twice-2.99.0-${tag}`]: renamed(
      wheel("tensorflow_cpu", "2.99.0", { ...tensorFlowFiles, "tensorflow/a.h": library, "tensorflow/b.h": library }),
      "tensorflow/b.h",
      "tensorflow/a.h",
    ),
    [`bomb-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", { "tensorflow/zeros": new Uint8Array(2 ** 28) }),
    [`lie-2.99.0-${tag}`]: saying(wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles), 10),
    [`pointer-2.99.0-${tag}`]: Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
    [`page-2.99.0-${tag}`]: Buffer.from("<!doctype html>\n"),
  };
  it.each([
    [
      `tensorflow_cpu-2.99.0-cp311-cp311-manylinux_2_27_aarch64.whl`,
      2,
      /is for manylinux_2_27_aarch64, and this is linux-x64/,
    ],
    [`altered-2.99.0-${tag}`, 1, /libtensorflow_cc.so.2 is not what its package records/],
    [`numpy-2.0.0-${tag}`, 2, /holds numpy 2.0.0 and no libtensorflow_cc.so.2; give a wheel of tensorflow-cpu/],
    [`cut-2.99.0-${tag}`, 2, /is not a whole .whl file/],
    [`text-2.99.0-${tag}`, 2, /is not a whole .whl file/],
    [`outside-2.99.0-${tag}`, 2, /invalid relative path: tensorflow\/include\/tensorflow\/c\/\.\.\//],
    [`absolute-2.99.0-${tag}`, 2, /absolute path: \/outside\.h/],
    [`twice-2.99.0-${tag}`, 2, /it holds tensorflow\/a\.h twice/],
    [`bomb-2.99.0-${tag}`, 2, /its \d+ bytes unpack to more than 100 times as many/],
    [`lie-2.99.0-${tag}`, 2, /is damaged \(too many bytes in the stream/],
    [`pointer-2.99.0-${tag}`, 2, /it is a Git LFS pointer/],
    [`page-2.99.0-${tag}`, 2, /it is a web page/],
    ["nowhere", 2, /nowhere does not exist; check the path/],
    ["programs", 2, /programs holds no libtensorflow_cc.so.2; give a Python environment/],
  ])("refuses %s", async (from, status, message) => {
    if (files[from]) write(place(from), files[from]);
    const outcome = await call(["--from", from]);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.status).toBe(status);
    unchanged();
  });

  it("names what is missing: a Python, its TensorFlow, a compiler, the network", async () => {
    expect(await call(["--python", "nowhere/python"])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/nowhere\/python is no Python that runs/),
    });
    const python = write(place("empty", "bin", "python"), "#!/bin/sh\necho '[\"/nowhere/site-packages\"]'\n", 0o755);
    expect(await call(["--python", python])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/has no TensorFlow; install one with pip install tensorflow-cpu/),
    });
    expect(await call(["--from", "site"], { env: { CXX: "nowhere/c++" } })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/nowhere\/c\+\+, which CXX names, does not run/),
    });
    writeLostNpm(place("lost"));
    expect(await call(["--from", "site"], { programs: place("lost") })).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/npm cannot reach .*check the network/),
    });
    unchanged();
  });

  it.each([
    [
      "does not compile",
      'console.error("error: TF_NewTensor was not declared"); process.exit(1);',
      /could not be built .*TF_NewTensor was not declared/s,
    ],
    ["does not load", 'require("node:fs").writeFileSync(target, "no library");', /built but does not work/],
    [
      "fills the disk",
      'console.error("fatal error: No space left on device"); process.exit(1);',
      /The disk is full; make room/,
    ],
  ])("keeps what works when the addon %s", async (_, code, message) => {
    const folder = place(`compiler${number()}`);
    writeCompiler(folder, code);
    const outcome = await call(["--from", "site"], { programs: folder });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.status).toBe(1);
    unchanged();
    expect(readdirSync(root()).some((name) => name.startsWith("staging-"))).toBe(false);
  });

  it("keeps what works when the disk fills up", async () => {
    const file = write(place(`full-2.99.0-${tag}`), wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles));
    const outcome = await call(["--from", file], { blocks: 200 });
    expect(outcome.stderr).toMatch(/The disk of .* is full; make room/);
    expect(outcome.status).toBe(1);
    unchanged();
  });

  it.each(["SIGINT", "SIGKILL"] as const)("keeps what works at %s, and the next call clears up", async (signal) => {
    const folder = place(`slow${number()}`);
    writeCompiler(folder, "setTimeout(() => {}, 60_000);");
    let sent = false;
    const stopped = await call(["--from", "site"], {
      programs: folder,
      onStderr: (child, said) => {
        if (!sent && said.includes("Building")) sent = child.kill(signal);
      },
    });
    expect(stopped.status).toBe(signal === "SIGINT" ? 130 : null);
    unchanged();
    const next = await call(["--from", "site"]);
    expect(next.status, next.stderr).toBe(0);
    expect(readdirSync(root()).filter((name) => /^staging-|^lock$/.test(name))).toEqual([]);
  });

  it("waits for nobody: a second setup at the same time is refused", async () => {
    writeFileSync(join(root(), "lock"), String(process.pid));
    const outcome = await call(["--from", "site"]);
    expect(outcome.stderr).toContain(`Another setup (process ${process.pid}) is at work`);
    expect(outcome.status).toBe(1);
    unchanged();
  });
});
