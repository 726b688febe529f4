// A run of two steps becomes a bundle, which is measured.
import { evaluateBundle, exportRun, measureBundle } from "@innerloop/measure";
import { completeConfig, runTraining } from "@innerloop/train";

const short = { iterations: 2, metaBatch: 2, validation: { every: 100, episodes: 2 } };
const run = await runTraining({ config: completeConfig({ preset: "quickstart", ...short }) });
await exportRun(run, "bundle", { calibrate: false });
const { accuracy, verdict } = await evaluateBundle("bundle", { episodes: 3, queries: 2 });
const { coldStart } = await measureBundle("bundle", { provider: "cpu", starts: 1, runs: 2 });
if (accuracy.mean >= 0 && verdict.kind === "unclear" && coldStart.median > 0) console.log("used");
