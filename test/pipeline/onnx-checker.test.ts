// Every exported file from outside: ONNX's own checker with full shape inference, and Python's onnxruntime giving what
// our runtime gives. It runs where Python has both packages: INNERLOOP_PYTHON, or else python3.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@innerloop/export";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { expect, it } from "vitest";
import { learners, randomEpisode, randomWeights } from "../export/learners.ts";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { python, pythonLacks } from "../support/python.ts";

const checker = fileURLToPath(new URL("../oracle/check_onnx.py", import.meta.url));

const described = ({ dtype, shape, data }: Tensor) => ({ dtype, shape, data: Array.from(data, Number) });
const named = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, described(tensor)]));

/** What our runtime makes of a bundle's files, as cases for the checker; of variants, what the portable file gives. */
async function casesOf(files: Readonly<Record<string, Uint8Array>>, episode: ReturnType<typeof randomEpisode>) {
  const cases = [];
  const { support, query } = episode;
  const y: Tensor =
    support.y.dtype === "float32"
      ? support.y
      : { dtype: "int64", shape: support.y.shape, data: BigInt64Array.from(Array.from(support.y.data, BigInt)) };
  const { "adapt.onnx": bytes, ...others } = files;
  const variants = Object.keys(others).filter((file) => file.startsWith("adapt."));
  const predictors = Object.entries(others).filter(([file]) => !variants.includes(file));
  const adapt = await openSession(bytes!, { provider: "cpu" });
  for (const steps of [0, 3]) {
    const inputs = {
      support_x: support.x,
      support_y: y,
      steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) } as const,
    };
    const outputs = await adapt.run(inputs);
    cases.push({ file: "adapt.onnx", inputs: named(inputs), outputs: named(outputs), tolerance: 1e-5 });
    for (const file of variants) cases.push({ file, inputs: named(inputs), outputs: named(outputs), tolerance: 5e-5 });
    for (const [file, model] of predictors) {
      const predict = await openSession(model, { provider: "cpu" });
      const state = Object.entries(outputs).map(([name, value]): [string, Tensor] => [
        name.replace("adapted/", ""),
        value,
      ]);
      const feeds = {
        query_x: query.x,
        ...Object.fromEntries(state.filter(([name]) => predict.inputs.includes(name))),
      };
      cases.push({ file, inputs: named(feeds), outputs: named(await predict.run(feeds)), tolerance: 1e-5 });
      await predict.dispose();
    }
  }
  await adapt.dispose();
  return cases;
}

describeUnless(pythonLacks("onnx", "onnxruntime", "numpy"), "exported files, in Python", () => {
  it.each(Object.entries(learners))("%s", { timeout: 60_000 }, async (_, make) => {
    const learner = make();
    for (const opset of [17, 18, 21]) {
      const { files } = buildBundle(learner, randomWeights(learner), { opset, variants: ["cuda", "webgpu"] });
      const bundle = join(temporaryFolder(), "bundle");
      mkdirSync(bundle);
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(bundle, file), bytes);
      const ways = learner.task === "regression" ? 1 : learner.outputs === undefined ? 7 : 4;
      const cases = opset === 18 ? await casesOf(files, randomEpisode(learner, ways, 2, 2)) : [];
      const request = JSON.stringify({ bundle, cases });
      const { stdout, stderr, status } = spawnSync(python, [checker, "-"], { input: request, encoding: "utf8" });
      expect(stdout.split("\n").filter((line) => line.startsWith("FAILED"))).toEqual([]);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout.trim().split("\n").length).toBe(Object.keys(files).length + cases.length);
    }
  });
});
