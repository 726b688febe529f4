// `innerloop quickstart`: the whole road on embedded data. Trains, exports, adapts and evaluates the bundle on characters,
// gestures or sounds never seen in training, and draws an episode of characters.
import { join } from "node:path";
import type { BundleEvaluation } from "@innerloop/measure";
import { defineCommand, didYouMean, short, wrongCall } from "../call/command.ts";
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

/** What can be learned, by the name of the bundle that is there from the start. */
const kinds = {
  drawings: {
    preset: "quickstart",
    things: "characters",
    raw: "pixels",
    own: ["your own images: one sub-folder of examples a class", "IMAGE…"],
  },
  motions: {
    preset: "motions-5way-1shot",
    things: "gestures",
    raw: "samples",
    own: ["your own recordings (CSV): one sub-folder of examples a class", "RECORDING…"],
  },
  sounds: {
    preset: "tones-5way-1shot",
    things: "sounds",
    raw: "their bands",
    own: ["your own sounds (wav): one sub-folder of examples a class", "SOUND…"],
  },
} as const;
type Kind = (typeof kinds)[keyof typeof kinds];

function kindOf(name: string): Kind {
  if (Object.hasOwn(kinds, name)) return kinds[name as keyof typeof kinds];
  const names = Object.keys(kinds);
  throw wrongCall(
    "bad-call",
    `"${short(name)}" was given; one of ${names.join(", ")} was expected${didYouMean(name, names) || "."}`,
  );
}

export const command = defineCommand({
  name: "quickstart",
  summary: "train on embedded data, export, adapt and evaluate; tells how good it is, and what to try next",
  arguments: [
    {
      name: "KIND",
      what: "drawings, motions or sounds; drawings when left out",
      optional: true,
      completes: { words: Object.keys(kinds) },
    },
  ],
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
  examples: [
    ["quickstart --minutes 5", "better, by training for longer"],
    ["quickstart motions", "gestures of a device in a hand in place of drawings"],
  ],
  async run(options, [name = "drawings"]) {
    const kind = kindOf(name);
    const [{ completeConfig }, { drawEpisode, unadaptedAccuracy, untrainedAccuracy }] = await Promise.all([
      import("@innerloop/train"),
      import("@innerloop/measure"),
    ]);
    const { seed = 0, episodes = 600, minutes } = options;
    const config = completeConfig({ preset: kind.preset, seed, minutes: minutes ?? 2 });
    const folder = await runFolder(options.out, "quickstart");
    const out = folder.path;
    const bundle = join(out, "bundle");
    const picture = kind === kinds.drawings ? join(out, "episode.svg") : undefined;
    const started = performance.now();

    say(style("bold", "Innerloop quickstart"));
    say(`A net learns to learn: after training it tells new ${kind.things} apart from one example each.`);

    heading(1, `Train for ${lengthOf(config)}`, `many small tasks, each of 5 ${kind.things} with one example`);
    const run = await folder.during(trainToTheEnd({ config, out }));

    heading(2, "Export", "two files of plain ONNX, run and compared with what trained them");
    const manifest = await showExport(run, bundle);
    const sizes = Object.entries(manifest.files).map(([name, { bytes }]) => `${name} ${kilobytes(bytes)}`);
    say(`   ${sizes.join(", ")}; largest difference ${tiny(manifest.verification.largestDifference)}`);
    if (manifest.confidence) say(`   ${confidenceText(manifest.confidence)}`);

    heading(3, "Adapt and evaluate", `the bundle, on ${episodes} tasks of ${kind.things} that it never saw`);
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
    if (picture) await drawEpisode(bundle, picture, run.tasks, evaluation, kind.things);

    const seconds = (performance.now() - started) / 1000;
    const files = { bundle, ...(picture ? { picture } : {}) };
    if (options.json) printJson(resultOf(evaluation, before, { run: out, ...files, seconds }));
    else printResult(evaluation, before, { ...files, seconds }, kind);
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
  at: { readonly bundle: string; readonly picture?: string; readonly seconds: number },
  { things, raw, own }: Kind,
): void {
  const line = (name: string, estimate: Accuracy) =>
    `   ${name.padEnd(37)}${resultStyle("cyan", cells(estimate.mean, 20).replaceAll(" ", "░"))}  ${percentWithInterval(estimate)}`;
  print();
  print(resultStyle("bold", line("this bundle, adapted", accuracy!)));
  print(line(`nearest neighbour on ${raw}`, nearestNeighbour!));
  if (logisticRegression) print(line(`logistic regression on ${raw}`, logisticRegression));
  print(line("the same net, adapted but untrained", before.training));
  print(line("the same net, before adaptation", before.adaptation));
  print();
  print(`   ${ways}-way ${shots}-shot on unseen classes, inductive: each query is answered alone; ${episodes} tasks.`);
  print(`   Before adaptation: still adapted to the task before, whose ${things} are others.`);
  print(`   ${verdict.text}`);
  print(`   All of it took ${duration(at.seconds)}.`);
  print();
  const files: [string, string][] = [[at.bundle, "the bundle: adapt.onnx, predict.onnx, manifest.json"]];
  if (at.picture) files.push([at.picture, "one of the tasks, as it was answered"]);
  const width = Math.max(...files.map(([file]) => file.length));
  for (const [file, what] of files) print(`   ${resultStyle("bold", file.padEnd(width))}   ${what}`);
  print();
  print(resultStyle("bold", "Next"));
  const next = [
    [own[0], commandLine`adapt ${at.bundle} --support DIR --out mine.safetensors`],
    ["then name others", `${commandLine`predict ${at.bundle} --params mine.safetensors`} ${own[1]}`],
    ["five examples of each class", commandLine`eval ${at.bundle} --shots 5`],
    [
      "in your own program, with @innerloop/runtime alone",
      `const learner = await Learner.load(${JSON.stringify(at.bundle)});`,
    ],
  ];
  for (const [what, command] of next) print(`   ${resultStyle("dim", `# ${what}`)}\n   ${command}`);
}
