// A report on data in words and columns.
import type { DataReport, ReportedClass } from "@innerloop/measure";
import { shellWord } from "@innerloop/runtime/files";
import { preprocessingText } from "@innerloop/schemas";
import { columns, cut } from "../terminal/layout.ts";
import { cells, commandLine, percent, resultStyle, resultWidth } from "../terminal/output.ts";

/** Classes that are named one by one; of more, how many there are of each size is shown. */
const namedAtMost = 24;
/** Columns of a table, and pairs of near-duplicates, that are shown; all of them are in the JSON. */
const shownAtMost = { columns: 30, pairs: 5 };

/** What the commands say that a report ends with. */
interface NextCommand {
  /** The name of a bundle that training on few classes may start from. */
  readonly starter: string | undefined;
  /** Flags that the data were looked at with. */
  readonly given: readonly string[];
}

/** What a report says, for people. */
export function describeReport(report: DataReport, next: NextCommand): string {
  return [
    ...overview(report),
    ...section("left out", leftOutLines(report)),
    ...section(
      "notes",
      report.notes.map((note) => `  ${note}.`),
    ),
    ...section(classTitle(report), classLines(report)),
    ...section("split", splitLines(report)),
    ...section("columns", columnLines(report)),
    ...section("episodes", episodeLines(report)),
    ...section("near-duplicates", nearLines(report)),
    ...section("next", nextLines(report, next)),
  ].join("\n");
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ["", resultStyle("bold", title), ...lines];

const number = (value: number): string => value.toLocaleString("en");
const count = (n: number, one: string, several = `${one}s`): string => `${number(n)} ${n === 1 ? one : several}`;
const listed = (names: readonly string[]): string =>
  names.slice(0, 6).join(", ") + (names.length > 6 ? ` and ${number(names.length - 6)} more` : "");
const short = (value: number): string => String(Number(value.toPrecision(3)));

function overview(report: DataReport): string[] {
  const { spec, classes, things, task, guessed, files, shape, preprocessing, reasons, numbers, seconds } = report;
  const total = classes.reduce((sum, { examples = 0 }) => sum + examples, 0);
  const size =
    task === "regression"
      ? ": a regression"
      : classes.length === 0
        ? ": examples without end"
        : `: ${count(classes.length, "class", "classes")}${total > 0 ? `, ${number(total)} ${things}` : ""}`;
  const rows = [
    ...(guessed ? [["guessed", guessText(guessed)]] : []),
    ...(shape.length > 0
      ? [
          [
            "example",
            `[${shape.join(", ")}]${preprocessing ? `: ${preprocessingText(preprocessing)}` : ""}` +
              (numbers
                ? `; numbers from ${short(numbers.least)} to ${short(numbers.most)}, mean ${short(numbers.mean)}, deviation ${short(numbers.std)}`
                : ""),
          ],
        ]
      : []),
    ...reasons.map((reason, i) => [i === 0 ? "chosen" : "", reason]),
    ...(files
      ? [
          [
            "read",
            `${files.read < files.found ? `${number(files.read)} of ${number(files.found)}` : `all ${number(files.found)}`} ${things}, in ${seconds.toFixed(1)} s`,
          ],
        ]
      : []),
  ];
  return [
    resultStyle("bold", spec) + size,
    ...(rows.length > 0 ? [columns(rows, { right: false, width: resultWidth() })] : []),
  ];
}

/** By what a door was guessed, and what it leaves out. */
function guessText({ is, counts, others, more }: NonNullable<DataReport["guessed"]>): string {
  if (is === "file") return "by the name of the file";
  const [most, ...less] = counts.map(({ what, count: files }) => `${number(files)} ${what}`);
  const left = [...less, ...(others > 0 ? [count(others, "other file")] : [])];
  return `by the files there: ${more ? "at least " : ""}${most}${left.length > 0 ? `; beside them are ${left.join(", ")}` : ""}`;
}

function leftOutLines({ leftOut }: DataReport): string[] {
  if (leftOut.length === 0) return [];
  const rows = leftOut.map(({ why, count, names }) => {
    const shown = names.slice(0, 6);
    const more = count > shown.length ? ` and ${number(count - shown.length)} more` : "";
    return [number(count), `${why.replace(/,$/, "")}: ${shown.join(", ")}${more}`];
  });
  return [columns(rows, { right: false, width: resultWidth() })];
}

function classTitle({ classes }: DataReport): string {
  return classes.length <= namedAtMost ? "classes" : "classes by their size";
}

function classLines({ classes }: DataReport): string[] {
  const counted = classes.filter((each): each is ReportedClass & { examples: number } => each.examples !== undefined);
  if (counted.length === 0) return [];
  const most = Math.max(1, ...counted.map(({ examples }) => examples));
  if (counted.length <= namedAtMost)
    return [
      columns(
        counted.map(({ name, examples, split = "" }) => [
          cut(name, 40),
          number(examples).padStart(number(most).length),
          split.padEnd(5),
          cells(examples / most, 20).trimEnd(),
        ]),
        { right: false },
      ),
    ];
  const bySize = [...counted].sort((a, b) => a.examples - b.examples);
  const named = (some: readonly (typeof counted)[number][]) =>
    some.map(({ name, examples }) => `${cut(name, 30)} (${number(examples)})`).join(", ");
  const bins = histogram(counted.map(({ examples }) => examples));
  const largest = Math.max(...bins.map(({ classes }) => classes));
  return [
    columns(
      bins.map(({ from, to, classes }) => [
        from === to ? count(from, "example") : `${number(from)} to ${number(to)}`,
        count(classes, "class", "classes"),
        cells(classes / largest, 20).trimEnd(),
      ]),
      { right: false },
    ),
    `  smallest: ${named(bySize.slice(0, 4))}`,
    `  largest: ${named(bySize.slice(-4).reverse())}`,
  ];
}

/** How many classes there are of each size: 1, 2 to 4, 5 to 9, 10 to 19, 20 to 49 and so on. */
function histogram(sizes: readonly number[]): { from: number; to: number; classes: number }[] {
  const edges = [0, 1, 2, 5];
  for (let ten = 10; edges.at(-1)! <= Math.max(...sizes); ten *= 10) edges.push(ten, 2 * ten, 5 * ten);
  return edges.flatMap((from, i) => {
    const to = (edges[i + 1] ?? from + 1) - 1;
    const classes = sizes.filter((size) => size >= from && size <= to).length;
    return classes === 0 ? [] : [{ from, to, classes }];
  });
}

function splitLines({ splits }: DataReport): string[] {
  const rows = splits.flatMap(({ split, classes, examples, smallest }) =>
    classes === undefined
      ? [[split, "no end", "", ""]]
      : [
          [
            split,
            number(classes),
            examples === undefined ? "no end" : number(examples),
            smallest ? `${cut(smallest.name, 30)} (${number(smallest.examples)})` : "",
          ],
        ],
  );
  if (rows.length === 0) return [];
  const val = splits.find(({ split }) => split === "val");
  return [
    columns([["", "classes", "examples", "smallest class"], ...rows]),
    ...(val?.classes === 0
      ? ["  without val, validation draws other episodes of the classes that are trained on"]
      : []),
  ];
}

function columnLines({ columns: all = [] }: DataReport): string[] {
  if (all.length === 0) return [];
  const rows = all
    .slice(0, shownAtMost.columns)
    .map(({ name, kind, mean, std, values }) => [
      cut(name, 30),
      kind,
      values
        ? `${count(values.length, "value")}: ${cut(values.join(", "), 50)}`
        : `mean ${short(mean ?? 0)}, deviation ${short(std ?? 1)}`,
    ]);
  return [
    columns(rows, { right: false }),
    ...(all.length > rows.length ? [`  and ${count(all.length - rows.length, "column")} more`] : []),
  ];
}

function episodeLines({ carries, splits, classes, queries }: DataReport): string[] {
  if (carries.length === 0 || classes.length === 0) return [];
  const shots = [...new Set(carries.map((each) => each.shots))];
  const cell = (split: string, shot: number): string => {
    const { classes: enough = 0 } = carries.find((each) => each.split === split && each.shots === shot) ?? {};
    return enough < 2 ? "–" : `up to ${number(enough)}`;
  };
  const small = classes
    .filter(({ examples = 0 }) => examples < 1 + queries)
    .map(({ name, examples = 0 }) => `${cut(name, 30)} (${examples})`);
  return [
    columns([
      ["ways with", ...shots.map((each) => count(each, "shot"))],
      ...splits.map(({ split }) => [split, ...shots.map((each) => cell(split, each))]),
    ]),
    `  beside the shots, ${count(queries, "query", "queries")} of each class`,
    ...(small.length > 0 ? [`  too small for ${count(queries, "query", "queries")}: ${listed(small)}`] : []),
  ];
}

function nearLines({ near, things }: DataReport): string[] {
  if (!near || near.pairs === 0) return [];
  const { compared, pairs, acrossClasses, acrossSplits, nearest, more } = near;
  const across = [
    ...(acrossClasses > 0 ? [`${number(acrossClasses)} of two classes, of which one may be wrong`] : []),
    ...(acrossSplits > 0 ? [`${number(acrossSplits)} of two splits, so that something held back is known`] : []),
  ];
  const shown = nearest.slice(0, shownAtMost.pairs);
  return [
    `  ${more ? "at least " : ""}${count(pairs, "pair")} among ${number(compared)} ${things} hardly differ${across.length > 0 ? `: ${across.join(", and ")}` : ""}`,
    columns(
      shown.map(({ names, distance }) => [cut(names[0], 48), cut(names[1], 48), percent(distance, 0)]),
      { right: false },
    ),
    ...(pairs > shown.length ? [`  and ${number(pairs - shown.length)} more`] : []),
  ];
}

/** With fewer classes, what is held back of them says little by itself. */
const enoughClasses = 20;

function nextLines({ next, spec, queries, classes }: DataReport, { starter, given }: NextCommand): string[] {
  if (!next) return [];
  const { settings, few, tooSmall } = next;
  const flags = [...given, ...Object.entries(settings).map(([name, value]) => `--${name} ${value}`)]
    .map((flag) => ` ${flag}`)
    .join("");
  const needed = count(1 + (settings.queries ?? queries), "example");
  const repair = `leave out, or add examples to ${listed(tooSmall)}: too small for ${needed} of each class; then`;
  const data = `--data ${shellWord(spec)}`;
  const folds = Math.min(5, Math.floor(classes.length / 2));
  return [
    ...(tooSmall.length > 0 ? [`  ${repair}`] : []),
    `  ${commandLine`train`} ${data}${flags} --minutes 2`,
    ...(few === undefined || starter === undefined ? [] : [`  ${few}:`]),
    ...(few === undefined || starter === undefined
      ? []
      : [`  ${commandLine`train`} --from ${starter} ${data}${flags} --minutes 2`]),
    ...(classes.length > 0 && classes.length < enoughClasses && folds > 1
      ? [`  --folds ${folds} beside either tells how good it is on new classes, by holding back others in turn.`]
      : []),
  ];
}
