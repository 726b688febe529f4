// Two steps of training on every engine that comes along.
import { completeConfig, runTraining } from "@innerloop/train";

const short = { preset: "quickstart", iterations: 2, metaBatch: 2, validation: { every: 100, episodes: 2 } };
for (const engine of ["onnxruntime:cpu", "tfjs:wasm"]) {
  const losses = [];
  const config = completeConfig({ ...short, engine });
  await runTraining({ config, onProgress: ({ loss }) => losses.push(loss) });
  if (losses.length === 0 || !losses.every(Number.isFinite)) throw new Error(`${engine}: ${losses}`);
}
console.log("used");
