// An evaluation on a person's own examples in words and columns.
import type { OwnEvaluation, Share } from "@innerloop/measure";
import { columns, cut, textWidth } from "../terminal/layout.ts";
import { percent, resultStyle, resultWidth } from "../terminal/output.ts";

/** Wrong answers, and classes, that are shown; all of them are in the JSON. */
const shownAtMost = { wrong: 20, classes: 24, confusion: 12 };

/** An evaluation on one's own examples, as people see it. */
export function describeOwnEvaluation(evaluation: OwnEvaluation): string {
  const { classes, support, queries, innerSteps, provider, seconds, verdict } = evaluation;
  return [
    `${queries} queries of ${classes.length} classes, taught by ${support} examples; ${innerSteps} inner steps; provider ${provider}, ${seconds.toFixed(1)} s`,
    "",
    ...scores(evaluation),
    "",
    resultStyle("bold", verdict.text),
    ...(evaluation.familiar?.familiar === false
      ? [`${resultStyle("bold", "careful")}: ${evaluation.familiar.message}`]
      : []),
    ...notes(evaluation).map((note) => `${resultStyle("yellow", "note")} ${note}.`),
    "",
    ...classTable(evaluation),
    ...confusionTable(evaluation),
    ...wrongAnswers(evaluation),
  ].join("\n");
}

/** A share with its interval: "92.0 % (74 to 98)". */
const range = ({ low, high }: Share): string => `${Math.round(100 * low)} to ${Math.round(100 * high)} %`;

function scores({ accuracy, overClasses, baselines, confidence }: OwnEvaluation): string[] {
  const rows: [string, string, string][] = [
    [
      "accuracy",
      percent(accuracy.share),
      `${accuracy.count} of ${accuracy.of}; ${range(accuracy)} with other queries of these classes`,
    ],
    ...(overClasses
      ? [
          [
            `  over ${overClasses.count} classes`,
            `± ${percent(overClasses.ci95)}`,
            "with other classes of the kind",
          ] as [string, string, string],
        ]
      : []),
    ...baselines.map(({ name, accuracy: own, bundleAlone, thisAlone, p }): [string, string, string] => [
      name.replace(/^the /, ""),
      percent(own.share),
      `right where the bundle is wrong: ${thisAlone}, and the other way round: ${bundleAlone} (p = ${p.toPrecision(2)})`,
    ]),
    ...(confidence
      ? [
          [
            '"none of these"',
            percent(1 - confidence.kept.share),
            `is said to ${confidence.kept.of - confidence.kept.count}; of the other answers ${percent(confidence.rightOfKept.share)} are right`,
          ] as [string, string, string],
        ]
      : []),
    ...(confidence?.falseAccepts
      ? [
          [
            "  to other classes",
            percent(1 - confidence.falseAccepts.share),
            `of ${confidence.falseAccepts.of} examples that were not taught`,
          ] as [string, string, string],
        ]
      : []),
  ];
  const lines = columns(rows, { right: false, width: resultWidth() }).split("\n");
  lines[0] = resultStyle("bold", lines[0]!);
  return lines;
}

function notes({ notAsked, notTaught, same }: OwnEvaluation): string[] {
  const others = notTaught.map(({ label, examples }) => `${label} (${examples})`);
  return [
    ...(notAsked.length > 0 ? [`No query is of ${listed(notAsked)}, which were taught`] : []),
    ...(others.length > 0
      ? [`Queries of classes that were not taught count for "none of these" alone: ${listed(others)}`]
      : []),
    ...(same.length > 0
      ? [
          `${same.length} queries equal examples that were taught, and say nothing of new ones: ${listed(same.map(({ query }) => query))}`,
        ]
      : []),
  ];
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, 6).join(", ")}${names.length > 6 ? ` and ${names.length - 6} more` : ""}`;

function classTable({ classes }: OwnEvaluation): string[] {
  const worst = [...classes]
    .sort((a, b) => (a.recall.share || 0) - (b.recall.share || 0))
    .slice(0, shownAtMost.classes);
  const shown = classes.filter((each) => worst.includes(each));
  const title =
    shown.length < classes.length ? `  the ${shown.length} classes with the fewest right answers` : "  classes";
  const shares = ({ count, of, share }: Share) => (of === 0 ? "–" : `${count} of ${of} (${percent(share, 0)})`);
  return [
    title,
    columns([
      ["", "taught by", "right", "right of those so named"],
      ...shown.map(({ label, support, recall, precision }) => [
        cut(label, 40),
        String(support),
        shares(recall),
        shares(precision),
      ]),
    ]),
  ];
}

function confusionTable({ classes, confusion }: OwnEvaluation): string[] {
  if (classes.length > shownAtMost.confusion) return [];
  const labels = classes.map(({ label }) => label);
  const width = resultWidth();
  const room = Math.max(4, Math.floor((Math.min(width, 110) - 24) / labels.length) - 3);
  return [
    "",
    "  confusion: rows are true, columns predicted",
    columns([
      ["", ...labels.map((label) => cut(label, room))],
      ...confusion.map((row, i) => [cut(labels[i]!, 24), ...row.map((count) => (count === 0 ? "·" : String(count)))]),
    ]),
  ];
}

function wrongAnswers({ wrong }: OwnEvaluation): string[] {
  if (wrong.length === 0) return [];
  const surest = [...wrong].sort((a, b) => b.probability - a.probability).slice(0, shownAtMost.wrong);
  const width = Math.max(...surest.map(({ name }) => textWidth(name)));
  return [
    "",
    `  wrong answers${wrong.length > surest.length ? `, the ${surest.length} surest of ${wrong.length}` : ", the surest first"}`,
    columns(
      surest.map(({ name, label, predicted, probability, known }) => [
        cut(name, Math.min(width, 60)),
        `${label} taken for ${predicted}`,
        `${percent(probability)}${known === false ? ", said to be none of these" : ""}`,
      ]),
      { right: false },
    ),
  ];
}
