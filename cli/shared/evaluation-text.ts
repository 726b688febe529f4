// An evaluation on episodes in words and columns.
import type { BundleEvaluation, ConfidenceResult } from "@innerloop/measure";
import { columns, cut } from "../terminal/layout.ts";
import { cells, percent, percentWithInterval, resultStyle, resultWidth } from "../terminal/output.ts";

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

/** An evaluation on episodes, as people see it. */
export function describeEvaluation(evaluation: BundleEvaluation): string {
  const { accuracy, recall, f1, loss, meanSquaredError, steps, stepEpisodes, nearestNeighbour, confusion } = evaluation;
  const { confidence, shifts, over, logisticRegression, meanTarget, nearestExample, verdict } = evaluation;
  const { inductive, episodes, ways, shots, queries, innerSteps, seed, provider, data, split, splits, seconds } =
    evaluation;
  const task = accuracy
    ? `${ways}-way ${shots}-shot, ${queries} queries a class`
    : `${shots} points, ${queries} queries`;
  const lines = [
    `${episodes} episodes of ${data} (${splits?.join(" and ") ?? split}${shifts ? `, shifted: ${shifts.join(", ")}` : ""}): ${task}; ${innerSteps} inner steps`,
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
      ["nearest neighbour on raw input", percentWithInterval(nearestNeighbour!)],
      ...(logisticRegression
        ? [["logistic regression on raw input", percentWithInterval(logisticRegression)] as [string, string]]
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
