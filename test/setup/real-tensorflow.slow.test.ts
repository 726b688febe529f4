// The real TensorFlow takes part where INNERLOOP_TENSORFLOW names a wheel or a Python that has it.
import { createRequire } from "node:module";
import { join } from "node:path";
import { installedTensorFlow, type TensorFlowModule } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const cwd = temporaryFolder();
const tensorflow = process.env.INNERLOOP_TENSORFLOW;
describe.skipIf(tensorflow === undefined)("the real TensorFlow, named by INNERLOOP_TENSORFLOW", () => {
  it("is built against, computes, is undone, and is made again", { timeout: 600_000 }, async () => {
    const home = join(cwd, "real");
    const call = (args: readonly string[]) =>
      innerloop(["setup", "tfjs-gpu", ...args], { cwd, env: { INNERLOOP_HOME: home } });
    process.env.INNERLOOP_HOME = home;
    for (const [args, there] of [
      [["--from", tensorflow!], true],
      [["--undo"], false],
      [["--from", tensorflow!], true],
    ] as const) {
      const { status, stderr } = await call(args);
      expect(status, stderr).toBe(0);
      expect(installedTensorFlow() !== undefined).toBe(there);
    }
    const tf = await import("@tensorflow/tfjs-core");
    const { register } = createRequire(import.meta.url)(installedTensorFlow()!.module) as TensorFlowModule;
    expect(register(tf).version).toBe(installedTensorFlow()!.version);
    await tf.setBackend("tensorflow");
    const numbers = tf.tensor1d([0.5, 1, 2]);
    const logarithms = Array.from(await tf.log(numbers).data());
    [0.5, 1, 2].forEach((value, i) => {
      expect(logarithms[i]).toBeCloseTo(Math.log(value), 6);
    });
  });
});
