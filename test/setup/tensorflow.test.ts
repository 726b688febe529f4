// `innerloop setup tfjs-gpu`: what is made, tried and put to use, one stack after the other, and taken away again.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { brokenTensorFlow } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import {
  library,
  nativeFolder,
  wheelTag as tag,
  tensorFlowFiles,
  wheel,
  write,
  writeStockNpm,
  writeStockNpmWithoutDownload,
  writeTensorFlow,
} from "./fixtures.ts";
import { here, tensorFlowSetup } from "./tensorflow-setup.ts";

const { call, installed, place, root } = tensorFlowSetup();

// The stand-ins are programs with a #! line, and libraries of this system.
describe.skipIf(here !== "linux-x64")("setup tfjs-gpu", () => {
  it("makes a stack that computes, has the one after it take its place, and goes back one by one", async () => {
    expect(installed()).toBeUndefined();
    const first = await call(["--from", "site", "--json"]);
    expect(first, first.stderr).toMatchObject({ status: 0 });
    const made = JSON.parse(first.stdout);
    expect(made).toMatchObject({ stack: "tfjs-gpu", version: "2.99.0", gpu: false, engine: "tfjs:tfjs-node" });
    expect(installed()).toMatchObject({ folder: made.folder, version: "2.99.0", gpu: false });
    expect(brokenTensorFlow(installed()!)).toBeUndefined();

    const second = await call(["--from", "site", "--json"]);
    expect(second, second.stderr).toMatchObject({ status: 0 });
    expect(installed()!.folder).toBe(JSON.parse(second.stdout).folder);
    expect(installed()!.folder).not.toBe(made.folder);

    const back = await call(["--undo"]);
    expect(back).toMatchObject({ status: 0 });
    expect(back.stdout).toContain("Back to TensorFlow 2.99.0");
    expect(installed()!.folder).toBe(made.folder);
    expect((await call(["--undo", "--json"])).stdout).toContain('"current": null');
    expect(installed()).toBeUndefined();
    expect(readdirSync(root())).toEqual(["current.json"]);
    expect(await call(["--undo"])).toMatchObject({ status: 2, stderr: expect.stringContaining("nothing to undo") });
  });

  it("registers its kernels in the tfjs-core that is handed over, and says so once", async () => {
    await call(["--from", "site"]);
    const script = `
      const tf = require(${JSON.stringify(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core"))});
      const { register } = require(${JSON.stringify(installed()!.module)});
      const facts = [register(tf), register(tf)];
      let other = "taken";
      try { register({}); } catch (error) { other = error.message; }
      console.log(JSON.stringify({ facts, other, backend: tf.findBackend("tensorflow") !== null }));`;
    const env = { ...process.env, LD_LIBRARY_PATH: nativeFolder };
    expect(JSON.parse(execFileSync(process.execPath, ["-e", script], { encoding: "utf8", env }))).toEqual({
      facts: [
        { version: "2.99.0", gpu: false },
        { version: "2.99.0", gpu: false },
      ],
      other: "the kernels are registered in another copy of tfjs-core",
      backend: true,
    });
  });

  it("takes the libraries out of a wheel, and needs nothing else then", async () => {
    const file = write(place(`tensorflow_cpu-2.99.0-${tag}`), wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles));
    const { status, stderr } = await call(["--from", file]);
    expect(status, stderr).toBe(0);
    const { folder, needs } = installed()!;
    expect(needs).toEqual([]);
    expect(readFileSync(join(folder, "tensorflow", "libtensorflow_cc.so.2")).equals(library)).toBe(true);
    expect(readdirSync(join(folder, "tensorflow")).sort()).toEqual([
      "libtensorflow_cc.so.2",
      "libtensorflow_framework.so.2",
    ]);
  });

  it("links to a Python's libraries, and says what to run when they are gone", async () => {
    const site = writeTensorFlow(place("passing"));
    await call(["--from", "passing"]);
    rmSync(site, { recursive: true });
    expect(brokenTensorFlow(installed()!)).toMatch(
      /passing\/tensorflow\/libtensorflow_cc\.so\.2, .* no longer there; .* run innerloop setup tfjs-gpu --from .*passing$/,
    );
  });

  it("installs the stock package without a TensorFlow.js of its own", async () => {
    writeStockNpm(place("stock"));
    const { status, stdout, stderr } = await call(["--from", "stock", "--json"], { programs: place("stock") });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: "2.99.0", gpu: false, engine: "tfjs:tfjs-node" });
    expect(installed()).toMatchObject({ gpu: true, remedy: "innerloop setup tfjs-gpu --from stock" });
  });

  it("says what else there is where the stock package cannot download", async () => {
    writeStockNpmWithoutDownload(place("stuck"));
    const { status, stderr } = await call(["--from", "stock"], { programs: place("stuck") });
    expect(stderr).toMatch(/storage\.googleapis\.com, which cannot be reached .*HTTPS_PROXY.*pip install 'tensorflow/s);
    expect(status).toBe(1);
    expect(installed()).toBeUndefined();
  });

  it("says so where its folder cannot be made", async () => {
    write(place("file"), "");
    const outcome = await call(["--from", "site"], { env: { INNERLOOP_HOME: place("file") } });
    expect(outcome.stderr).toMatch(/cannot be made, a file is in its way; .*INNERLOOP_HOME/);
    expect(outcome.status).toBe(1);
  });
});
