// The whole way in one program: meta-train on the embedded characters, export, and measure the bundle as a device would
// run it, on characters that training never saw. Run: node examples/dist/pipeline.js [iterations] [folder]
import { evaluateBundle, exportRun } from "@innerloop/measure";
import { completeConfig, runTraining } from "@innerloop/train";

const [iterations = "300", out = "runs/pipeline"] = process.argv.slice(2);

const run = await runTraining({
  config: completeConfig({
    preset: "quickstart",
    iterations: Number(iterations),
    validation: { every: 100, episodes: 40 },
  }),
  onValidation: ({ iteration, accuracy }) =>
    console.log(`after ${iteration} iterations: ${(100 * accuracy.mean).toFixed(1)} % on held-back characters`),
});

const { verification } = await exportRun(run, out);
console.log(`${out}: differs from training by ${verification.largestDifference.toExponential(1)} at most`);

// Without a SPEC of data, those of the training are opened, and their test split is what nobody has seen.
const { accuracy } = await evaluateBundle(out, { episodes: 50, queries: 5 });
const { mean, ci95 } = accuracy!;
console.log(`unseen characters, 5-way 1-shot: ${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`);
