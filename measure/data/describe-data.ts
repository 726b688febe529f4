// Looks at data before anyone trains on them: what is there, what is left out, how it is split, what an example looks like, and which
// episodes it can carry.
import { InnerloopError, type Preprocessing, sizeOf } from "@innerloop/schemas";
import {
  completeConfig,
  type GuessedDoor,
  guessDoor,
  isSpec,
  type OpenTasksOptions,
  PooledTasks,
  readerOf,
  type Split,
  type SurveyedData,
  splits,
  surveyData,
  type TaskSource,
} from "@innerloop/train";
import { wrongCall } from "../refusal.ts";
import { carriedBy, splitsOf, suggested } from "./carrying.ts";
import { drawDataSheet } from "./data-sheet.ts";
import { type ComparedExample, nearDuplicates } from "./near.ts";
import type { DataReport, ReportedClass, ReportedColumn } from "./report.ts";

/** How data are looked at. */
export interface DescribeOptions extends Pick<OpenTasksOptions, "examples" | "heldBack" | "preprocessing" | "like"> {
  /** Told of each file that was read. */
  onRead?(done: number, all: number): void;
  /** Stops it: its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** What was found, and what can be drawn of it. */
export interface DescribedData {
  readonly report: DataReport;
  /**
   * Examples of each class as a model is given them, as an SVG file.
   * @returns undefined for what has no picture, such as rows of a table
   */
  sheet(): Promise<string | undefined>;
}

/** Enough to know data by, and read in seconds: files, their bytes, and the numbers of their examples. */
const looked = { files: 2000, bytes: 3 * 2 ** 26, numbers: 2 ** 26 };

/**
 * Describes data.
 *
 * @param place a SPEC of data, or a folder or file, whose door is then guessed by the files that are there
 * @throws InnerloopError (status 2) `unknown-data` and `data-missing` for what is no data; what cannot be opened for its files is a
 *   problem in the report
 * @example
 * const { report } = await describeData("photos");
 * report.spec; // images:photos
 */
export async function describeData(place: string, options: DescribeOptions = {}): Promise<DescribedData> {
  const started = performance.now();
  const { spec, guessed } = specOf(place);
  const { onRead, signal, ...opening } = options;
  const bounds = { most: looked, ...(onRead ? { onRead } : {}), ...(signal ? { signal } : {}) };
  const told = { spec, ...(guessed ? { guessed } : {}) };
  let survey: SurveyedData;
  try {
    survey = await surveyData(spec, opening, bounds);
  } catch (cause) {
    const report = await reportOfRefused(spec, cause, options);
    return { report: { ...told, ...report, seconds: since(started) }, sheet: async () => undefined };
  }
  const examples = examplesOf(survey);
  const report = { ...told, ...reportOf(survey, examples), seconds: since(started) };
  return { report, sheet: () => drawDataSheet(report, examples) };
}

const since = (started: number): number => (performance.now() - started) / 1000;

/** What opens a place. @throws InnerloopError (status 2) */
function specOf(place: string): { spec: string; guessed?: GuessedDoor } {
  if (isSpec(place) || readerOf(place)) return { spec: place };
  const guessed = guessDoor(place);
  if (guessed.spec !== undefined) return { spec: guessed.spec, guessed };
  const [most] = guessed.counts;
  // An error that names what there is, and how a place is written.
  if (guessed.is === "nothing") return { spec: place };
  if (most)
    throw wrongCall(
      "data-missing",
      `${place} is one of ${most.what}, and so one example; give a folder with one sub-folder of them a class.`,
    );
  throw wrongCall(
    "data-missing",
    `${place} holds ${guessed.others === 0 ? "nothing" : `${guessed.others} files, and none`} that can be read as data; a folder with one ` +
      "sub-folder a class of images, sounds or recordings, a table, or a file of arrays was expected.",
  );
}

/** A report on data that are there and cannot be opened. @throws what is no error of data that are there */
async function reportOfRefused(
  spec: string,
  cause: unknown,
  { examples: settings = {} }: DescribeOptions,
): Promise<Omit<DataReport, "spec" | "seconds">> {
  const reader = readerOf(spec);
  if (!(cause instanceof InnerloopError) || !reader?.files || cause.code === "data-missing") throw cause;
  const found = await reader.files.find(spec.slice(spec.indexOf(":") + 1), settings).catch(() => {
    throw cause;
  });
  const classes = found.classes.map(
    ({ name, split, items }): ReportedClass => ({
      name,
      ...(split ? { split } : {}),
      examples: items.length,
    }),
  );
  const { code, message, exitStatus } = cause;
  return {
    reader: reader.name,
    things: thingsOf(reader.files.what),
    task: reader.kind,
    classes,
    splits: [],
    files: { read: 0, found: found.classes.reduce((sum, { items }) => sum + items.length, 0) },
    leftOut: found.leftOut,
    notes: found.notes,
    shape: [],
    reasons: [],
    carries: [],
    queries: 0,
    problem: { code, message, exitStatus },
  };
}

const thingsOf = (what: string | undefined): string => what?.replace(/ \(.*$/, "") ?? "examples";

function reportOf(
  { reader, tasks, read }: SurveyedData,
  examples: readonly ComparedExample[],
): Omit<DataReport, "spec" | "seconds"> {
  const usual = completeConfig({ data: tasks.name });
  const pooled = tasks instanceof PooledTasks;
  const endless = pooled && splits.some((split) => tasks.classes(split, 1)[0]?.examples === Number.POSITIVE_INFINITY);
  const foundFiles = read?.found.classes.reduce((sum, { items }) => sum + items.length, 0) ?? 0;
  const partly = read !== undefined && read.files < foundFiles;
  const files = new Map(read?.found.classes.map(({ name, items }) => [name, items.length]));
  const classes =
    !pooled || endless
      ? []
      : splits
          .flatMap((split) =>
            tasks.classes(split, Number.POSITIVE_INFINITY).map(
              ({ name, examples }): ReportedClass => ({
                name,
                split,
                examples: partly ? (files.get(name) ?? examples) : examples,
              }),
            ),
          )
          .sort((a, b) => inOrder(a.name, b.name));
  const counts = endless ? countsOf(tasks) : undefined;
  const reported = pooled ? splitsOf(classes, counts) : [];
  const next = pooled ? suggested(classes, reported, usual) : undefined;
  const problem = read?.problem ?? (pooled && !next ? tooFew(tasks.name, classes) : undefined);
  const near = nearOf(examples, tasks.inputShape, tasks.preprocessing);
  const { preprocessing } = tasks;
  return {
    reader: reader.name,
    things: thingsOf(reader.files?.what),
    task: tasks.kind,
    classes,
    splits: reported,
    ...(read ? { files: { read: read.files, found: foundFiles } } : {}),
    leftOut: read?.leftOut ?? [],
    notes: read?.notes ?? tasks.notes ?? [],
    shape: tasks.inputShape,
    ...(preprocessing ? { preprocessing } : {}),
    reasons: read?.reasons ?? [],
    ...(examples.length > 0 ? { numbers: numbersOf(examples) } : {}),
    ...(preprocessing?.kind === "row" ? { columns: columnsOf(preprocessing) } : {}),
    ...(near ? { near } : {}),
    carries: carriedBy(classes, reported, usual.queries),
    queries: usual.queries,
    ...(problem
      ? { problem: { code: problem.code, message: problem.message, exitStatus: problem.exitStatus } }
      : next
        ? { next }
        : {}),
  };
}

/** What is wrong with data that carry no episode at all. */
function tooFew(name: string, classes: readonly ReportedClass[]): InnerloopError {
  const enough = classes.filter(({ examples = 0 }) => examples > 1).length;
  return wrongCall(
    "too-few-classes",
    `${name} has ${classes.length} ${classes.length === 1 ? "class" : "classes"}, of which ${enough} ${enough === 1 ? "has" : "have"} two examples or more; training tells ` +
      "at least two classes apart, beside two that are held back where there are four. Give more classes, each with several examples",
  );
}

/** As people order names: symbol-2 before symbol-11. */
const inOrder = new Intl.Collator("en", { numeric: true }).compare;

const countsOf = (tasks: TaskSource): Record<Split, number> => {
  const [train, val, test] = splits.map((split) => tasks.classCount(split)) as [number, number, number];
  return { train, val, test };
};

/** Rows of few numbers are near each other by chance. */
function nearOf(examples: readonly ComparedExample[], shape: readonly number[], how: Preprocessing | undefined) {
  return how?.kind === "row" || sizeOf(shape) < 32 ? undefined : nearDuplicates(examples, shape);
}

/** Of data that are no files: examples of each class that are looked at, and of those without end, classes of each split. */
const ofEach = 20;
const classesOfEndless = 8;

/** Examples with their names, of all classes as far as they were read. */
function examplesOf({ tasks, read }: SurveyedData): ComparedExample[] {
  if (!(tasks instanceof PooledTasks)) return [];
  const most = Math.min(looked.files, Math.max(1, Math.floor(looked.numbers / sizeOf(tasks.inputShape))));
  const names = new Map(read?.classes.map(({ name, examples }) => [name, examples]));
  const endless = splits.some((split) => tasks.classes(split, 1)[0]?.examples === Number.POSITIVE_INFINITY);
  const ofSplit = endless ? classesOfEndless : Number.POSITIVE_INFINITY;
  const all = splits.flatMap((split) =>
    tasks.classes(split, ofSplit).map((each, index) => ({ ...each, split, index })),
  );
  const each = read
    ? Number.POSITIVE_INFINITY
    : Math.max(1, Math.min(ofEach, Math.floor(most / Math.max(1, all.length))));
  return all.slice(0, most).flatMap(({ name: label, split, index, examples }) =>
    Array.from(
      { length: Math.min(examples, each, most) },
      (_, i): ComparedExample => ({
        name: names.get(label)?.[i]?.name ?? `${label}#${i + 1}`,
        label,
        split,
        values: () => tasks.example(split, index, i),
      }),
    ),
  );
}

/** Examples that tell the range of all numbers. */
const measured = 200;

function numbersOf(examples: readonly ComparedExample[]): NonNullable<DataReport["numbers"]> {
  let [least, most, sum, squares, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  const step = Math.max(1, Math.floor(examples.length / measured));
  for (let at = 0; at < examples.length; at += step)
    for (const value of examples[at]!.values()) {
      least = Math.min(least, value);
      most = Math.max(most, value);
      sum += value;
      squares += value * value;
      count++;
    }
  const mean = sum / count;
  return { least, most, mean, std: Math.sqrt(Math.max(0, squares / count - mean ** 2)) };
}

const columnsOf = ({ columns }: Extract<Preprocessing, { kind: "row" }>): ReportedColumn[] =>
  columns.map((column) =>
    column.kind === "number"
      ? { name: column.name, kind: "number", mean: column.mean, std: column.std }
      : { name: column.name, kind: "category", values: column.values },
  );
