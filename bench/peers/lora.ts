// Ours of lora.py on native kernels, as a process: five steps of a bundle on the examples that it is handed, and what they took.
//
//     lora.js BUNDLE THREADS STEPS REPEATS < {"shape": […], "ids": […], "labels": […]}
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { native } from "@innerloop/native";
import type { Tensor } from "@innerloop/schemas";
import { median, processorTime } from "../contender.ts";
import { mebibytesAtMost } from "./peak.ts";

const [folder = "", threads, steps = "0", repeats] = process.argv.slice(2);

interface Examples {
  readonly shape: readonly number[];
  readonly ids: readonly number[];
  readonly labels: readonly number[];
}

const { shape, ids, labels }: Examples = JSON.parse(readFileSync(0, "utf8"));

const beside = { "weights.bin": join(folder, "weights.bin") };
const model = native.open(readFileSync(join(folder, "adapt.onnx")), { threads: Number(threads), beside });

const feeds: Record<string, Tensor> = {
  support_x: { dtype: "float32", shape, data: Float32Array.from(ids) },
  support_y: { dtype: "int64", shape: [labels.length], data: BigInt64Array.from(labels, BigInt) },
  steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
};

function run(): readonly number[] {
  const results = model?.run(feeds, ["support_loss"]);
  if (!results) throw new Error("native kernels do not run this bundle");
  return Array.from(results.support_loss!.data, Number);
}

const [loaded, before] = [process.memoryUsage.rss() / 2 ** 20, mebibytesAtMost()];
// The most so far is forgotten, so that growth is that of steps and not of loading.
writeFileSync("/proc/self/clear_refs", "5");
const losses = run();
const times = Array.from({ length: Number(repeats) }, () => {
  const start = processorTime();
  run();
  return (processorTime() - start) / 1e3;
});
const peak = mebibytesAtMost();
process.stdout.write(
  `${JSON.stringify({ seconds: median(times), peak: Math.max(before, peak), loaded, growth: peak - loaded, losses })}\n`,
);
