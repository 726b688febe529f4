// `innerloop eval`: measures an exported bundle on classes that it was never trained on.
import type { BundleEvaluation, ConfidenceResult } from "@innerloop/measure";
import { defineCommand } from "../call/command.ts";
import { dataSpecs } from "../inputs/data-specs.ts";
import { bundleArgument } from "../inputs/places.ts";
import { providers } from "../shared/providers.ts";
import { showEvaluation } from "../shared/show-evaluation.ts";
import { columns, cut } from "../terminal/layout.ts";
import { cells, percent, percentWithInterval, print, printJson, resultStyle, resultWidth } from "../terminal/output.ts";

export const command = defineCommand({
  name: "eval",
  summary: "adapt a bundle to many episodes of unseen classes, and measure its answers",
  notes: async () => [
    "Of the classes in images:DIR, a fifth (by a hash of their names) is the test split. To measure on all of your own " +
      "classes, put their folders into DIR/test/.",
  ],
  arguments: [bundleArgument],
  options: {
    data: {
      type: "text",
      what: "SPEC of the data",
      completes: { words: dataSpecs },
      otherwise: "those of the training",
    },
    split: { type: "text", what: "the part of the data", choices: ["train", "val", "test"], otherwise: "test" },
    ways: { type: "whole", least: 2, most: 65_536, what: "classes in an episode", otherwise: "as in training" },
    shots: {
      type: "whole",
      least: 1,
      most: 65_536,
      what: "support examples of each class",
      otherwise: "as in training",
    },
    queries: { type: "whole", least: 1, most: 65_536, what: "query examples of each class", otherwise: "15" },
    steps: { type: "whole", least: 0, most: 1000, what: "inner steps", otherwise: "as the bundle says" },
    episodes: { type: "whole", least: 1, what: "episodes", otherwise: "600" },
    seed: { type: "whole", least: 0, what: "seed of the episodes", otherwise: "0" },
    provider: { type: "text", what: "where it runs", choices: providers, otherwise: "auto" },
    shift: {
      type: "text",
      what: "measure as the data of users may be: the ways, as inverted,paper,noise, of which each episode has one to three",
    },
    transductive: {
      type: "switch",
      what: "normalize by the query batch's statistics, as early papers did (batch norm only)",
    },
    json: { type: "switch", what: "the result as JSON on stdout" },
  },
  examples: [
    ["eval runs/quickstart-1/bundle --shots 5", "the same learner with five examples a class"],
    ["eval bundle --data images:photos", "on images of your own"],
  ],
  async run(options, args) {
    const [bundle] = args as [string];
    const { json = false, split, provider, shift, ...rest } = options;
    const evaluation = await showEvaluation(bundle, {
      ...rest,
      ...(split === undefined ? {} : { split: split as "train" | "val" | "test" }),
      ...(shift === undefined ? {} : { shifts: shift.split(",").map((name) => name.trim()) }),
      ...(provider === undefined ? {} : { provider: provider as "auto" }),
    });
    if (json) printJson(evaluation);
    else print(describeEvaluation(evaluation));
  },
});

function confidenceRows(confidence: ConfidenceResult): [string, string][] {
  const { expectedCalibrationError, uncalibratedError, rejection } = confidence;
  const rows: [string, string][] = [
    [
      "expected calibration error",
      expectedCalibrationError === undefined
        ? `${percent(uncalibratedError)}, not calibrated`
        : `${percent(expectedCalibrationError)}, without the temperature ${percent(uncalibratedError)}`,
    ],
  ];
  if (confidence.unlike !== undefined)
    rows.push(["said to be unlike the training", `${percent(confidence.unlike)} of the support sets`]);
  if (!rejection) return rows;
  const { kept, falseAccepts, keptAtStated, stated, outsiders } = rejection;
  return [
    ...rows,
    ['"none of these"', `keeps ${percent(kept)}, accepts ${percent(falseAccepts)} of ${outsiders} unseen examples`],
    [`  at exactly ${percent(stated)} accepted`, `keeps ${percent(keptAtStated)}`],
  ];
}

function describeEvaluation(evaluation: BundleEvaluation): string {
  const { accuracy, recall, f1, loss, meanSquaredError, steps, stepEpisodes, nearestNeighbour, confusion } = evaluation;
  const { confidence, shifts, over, logisticRegression, meanTarget, nearestExample, verdict } = evaluation;
  const { inductive, episodes, ways, shots, queries, innerSteps, seed, provider, data, split, seconds } = evaluation;
  const task = accuracy
    ? `${ways}-way ${shots}-shot, ${queries} queries a class`
    : `${shots} points, ${queries} queries`;
  const lines = [
    `${episodes} episodes of ${data} (${split}${shifts ? `, shifted: ${shifts.join(", ")}` : ""}): ${task}; ${innerSteps} inner steps`,
    `${inductive ? "inductive: each query is answered alone" : "transductive: queries share their batch's statistics"}; provider ${provider}, seed ${seed}, ${seconds.toFixed(1)} s`,
    "",
  ];
  if (accuracy) {
    const rows: [string, string][] = [
      ["accuracy", `${percentWithInterval(accuracy)} over episodes`],
      ...Object.entries(over ?? {}).map(([what, { count, ci95 }]): [string, string] => [
        `  over ${count} ${what === "groups" ? "groups of classes" : what}`,
        `± ${(100 * ci95).toFixed(1)} %`,
      ]),
      ["macro recall", percent(recall!)],
      ["macro F1", percent(f1!)],
      ["loss", loss.toFixed(4)],
      ["nearest neighbour on pixels", percentWithInterval(nearestNeighbour!)],
      ...(logisticRegression
        ? [["logistic regression on pixels", percentWithInterval(logisticRegression)] as [string, string]]
        : []),
      ...(confidence ? confidenceRows(confidence) : []),
    ];
    lines.push(...columns(rows, { right: false, width: resultWidth() }).split("\n"));
    lines[3] = resultStyle("bold", lines[3]!);
  } else {
    const error = meanSquaredError!;
    const shown = ({ mean, ci95 }: typeof error) => `${mean.toFixed(4)} ± ${ci95.toFixed(4)}`;
    lines.push(resultStyle("bold", `  mean squared error   ${shown(error)}`));
    const rows = [
      ["the mean of the examples", meanTarget],
      ["the nearest example", nearestExample],
    ] as const;
    lines.push(columns(rows.flatMap(([name, estimate]) => (estimate ? [[name, shown(estimate)]] : []))));
  }
  lines.push("", resultStyle("bold", verdict.text));
  if (steps.length > 1) {
    const worst = Math.max(...steps.map((result) => result.loss.mean));
    lines.push("", `  after each inner step (the first ${stepEpisodes} episodes)`);
    for (const result of steps)
      lines.push(
        result.accuracy
          ? `  ${String(result.step).padStart(3)}  ${cells(result.accuracy.mean, 24)}  ${percent(result.accuracy.mean)}`
          : `  ${String(result.step).padStart(3)}  ${cells(result.loss.mean / worst, 24)}  ${result.loss.mean.toFixed(4)}`,
      );
  }
  if (confusion) {
    const share = (row: readonly number[]) => row.reduce((a, b) => a + b, 0);
    const rows = confusion.matrix.map((row, i) => [
      confusion.labels[i]!,
      ...row.map((count) => `${Math.round((100 * count) / Math.max(1, share(row)))}`),
    ]);
    lines.push("", "  confusion: rows are true, columns predicted, in % of the row");
    lines.push(columns([["", ...confusion.labels.map((label) => cut(label, 12))], ...rows]));
  }
  return lines.join("\n");
}
