// `innerloop quickstart`: the whole road on embedded data. Trains, exports, adapts and evaluates the bundle on characters
// never seen in training, and draws an episode.
import { join } from "node:path";
import type { BundleEvaluation } from "@innerloop/measure";
import { defineCommand } from "../call/command.ts";
import { runFolder } from "../inputs/run-folder.ts";
import { showEvaluation } from "../shared/show-evaluation.ts";
import { confidenceText, showExport } from "../shared/show-export.ts";
import { lengthOf, trainToTheEnd } from "../shared/training.ts";
import {
  cells,
  commandLine,
  duration,
  kilobytes,
  percentWithInterval,
  print,
  printJson,
  resultStyle,
  say,
  startProgress,
  style,
  tiny,
} from "../terminal/output.ts";

export const command = defineCommand({
  name: "quickstart",
  summary: "train on embedded data, export, adapt and evaluate; tells how good it is, and what to try next",
  arguments: [],
  options: {
    out: {
      type: "text",
      what: "folder for the run, the bundle and a picture",
      completes: "paths",
      otherwise: "runs/quickstart-<n>",
    },
    minutes: { type: "number", least: 0.01, what: "minutes of training", otherwise: "2" },
    episodes: { type: "whole", least: 1, what: "episodes of the evaluation", otherwise: "600" },
    seed: { type: "whole", least: 0, what: "seed of weights and episodes", otherwise: "0" },
    json: { type: "switch", what: "the result as JSON on stdout" },
  },
  examples: [["quickstart --minutes 5", "better, by training for longer"]],
  async run(options) {
    const [{ completeConfig }, { drawEpisode, unadaptedAccuracy, untrainedAccuracy }] = await Promise.all([
      import("@innerloop/train"),
      import("@innerloop/measure"),
    ]);
    const { seed = 0, episodes = 600, minutes } = options;
    const config = completeConfig({ preset: "quickstart", seed, ...(minutes === undefined ? {} : { minutes }) });
    const folder = await runFolder(options.out, "quickstart");
    const out = folder.path;
    const bundle = join(out, "bundle");
    const picture = join(out, "episode.svg");
    const started = performance.now();

    say(style("bold", "Innerloop quickstart"));
    say("A net learns to learn: after training it tells new characters apart from one example each.");

    heading(1, `Train for ${lengthOf(config)}`, "many small tasks, each of 5 characters with one example");
    const run = await folder.during(trainToTheEnd({ config, out }));

    heading(2, "Export", "two files of plain ONNX, run and compared with what trained them");
    const manifest = await showExport(run, bundle);
    const sizes = Object.entries(manifest.files).map(([name, { bytes }]) => `${name} ${kilobytes(bytes)}`);
    say(`   ${sizes.join(", ")}; largest difference ${tiny(manifest.verification.largestDifference)}`);
    if (manifest.confidence) say(`   ${confidenceText(manifest.confidence)}`);

    heading(3, "Adapt and evaluate", `the bundle, on ${episodes} tasks of characters that it never saw`);
    const evaluation = await showEvaluation(bundle, { episodes, seed });
    const comparing = await startProgress("   comparing");
    let before: Before;
    try {
      comparing.update(0, "with the untrained net");
      const training = await untrainedAccuracy(run.learner, config, evaluation, run.tasks);
      comparing.update(0.5, "with the net before adaptation");
      before = { training, adaptation: await unadaptedAccuracy(bundle, run.tasks, evaluation) };
    } finally {
      comparing.stop();
    }
    await drawEpisode(bundle, picture, run.tasks, evaluation, "characters");

    const seconds = (performance.now() - started) / 1000;
    if (options.json) printJson(resultOf(evaluation, before, { run: out, bundle, picture, seconds }));
    else printResult(evaluation, before, { bundle, picture, seconds });
  },
});

const heading = (number: number, title: string, what: string): void => {
  say();
  say(`${style("cyan", `${number}`)}  ${style("bold", title)}  ${style("dim", what)}`);
};

type Accuracy = NonNullable<BundleEvaluation["accuracy"]>;

/** What the same net reaches without one of its two ways of learning. */
interface Before {
  readonly training: Accuracy;
  readonly adaptation: Accuracy;
}

function resultOf(
  { accuracy, nearestNeighbour, ...rest }: BundleEvaluation,
  before: Before,
  where: Readonly<Record<string, string | number>>,
) {
  return {
    accuracy,
    baselines: { nearestNeighbour, beforeTraining: before.training, beforeAdaptation: before.adaptation },
    ...rest,
    ...where,
  };
}

function printResult(
  { accuracy, nearestNeighbour, logisticRegression, verdict, ways, shots, episodes }: BundleEvaluation,
  before: Before,
  at: { bundle: string; picture: string; seconds: number },
): void {
  const line = (name: string, estimate: Accuracy) =>
    `   ${name.padEnd(37)}${resultStyle("cyan", cells(estimate.mean, 20).replaceAll(" ", "░"))}  ${percentWithInterval(estimate)}`;
  print();
  print(resultStyle("bold", line("this bundle, adapted", accuracy!)));
  print(line("nearest neighbour on pixels", nearestNeighbour!));
  if (logisticRegression) print(line("logistic regression on pixels", logisticRegression));
  print(line("the same net, adapted but untrained", before.training));
  print(line("the same net, before adaptation", before.adaptation));
  print();
  print(`   ${ways}-way ${shots}-shot on unseen classes, inductive: each query is answered alone; ${episodes} tasks.`);
  print("   Before adaptation: still adapted to the task before, whose characters are others.");
  print(`   ${verdict.text}`);
  print(`   All of it took ${duration(at.seconds)}.`);
  print();
  for (const [file, what] of [
    [at.bundle, "the bundle: adapt.onnx, predict.onnx, manifest.json"],
    [at.picture, "one of the tasks, as it was answered"],
  ] as const)
    print(`   ${resultStyle("bold", file.padEnd(at.picture.length))}   ${what}`);
  print();
  print(resultStyle("bold", "Next"));
  const next = [
    [
      "your own images: one sub-folder of examples a class",
      commandLine`adapt ${at.bundle} --support DIR --out mine.safetensors`,
    ],
    ["then name others", commandLine`predict ${at.bundle} --params mine.safetensors IMAGE…`],
    ["five examples of each class", commandLine`eval ${at.bundle} --shots 5`],
    [
      "in your own program, with @innerloop/runtime alone",
      `const learner = await Learner.load(${JSON.stringify(at.bundle)});`,
    ],
  ];
  for (const [what, command] of next) print(`   ${resultStyle("dim", `# ${what}`)}\n   ${command}`);
}
