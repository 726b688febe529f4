// How good a bundle will be with a person's own examples: it is taught some of them, and asked the others.
import { setImmediate } from "node:timers/promises";
import type { ClassPrediction, Learner } from "@innerloop/runtime";
import { type Episode, logisticRegression, metrics, nearestNeighbours } from "@innerloop/train";
import { baselineNames } from "../baselines/verdict.ts";
import { wrongCall } from "../refusal.ts";
import type { OwnBaseline, OwnClass, OwnConfidence, OwnEvaluation, OwnExample } from "./evaluation.ts";
import { type Share, shareOf, signTest } from "./shares.ts";

/** Queries that are run at once. */
const batchSize = 64;

/** Logistic regression is for a few examples; with more, its time would be most of the evaluation's. */
const mostForRegression = 500;

/** How the bundle is taught. What is not given is as the bundle says. */
export interface OwnEvaluationOptions {
  readonly steps?: number;
  /** Told of how many queries are answered. */
  onProgress?(done: number, all: number): void;
  /** Stops it: its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Adapts a learner to examples, and compares its answers to others with what they are, beside what the nearest neighbour and logistic
 * regression make of the same numbers.
 *
 * @param learner for classification
 * @param support what it is taught, of at least two classes
 * @param query what it is asked; those of classes that were not taught count for "none of these" alone
 * @throws InnerloopError `bad-support` (status 2) where no query is of a class that was taught; what `learner.adapt` throws
 * @example
 * const learner = await Learner.load("bundle");
 * const { accuracy, wrong } = await evaluateExamples(learner, support, query);
 */
export async function evaluateExamples(
  learner: Learner,
  support: readonly OwnExample[],
  query: readonly OwnExample[],
  { steps, onProgress, signal }: OwnEvaluationOptions = {},
): Promise<OwnEvaluation> {
  const started = performance.now();
  const personal = await learner.adapt(
    support.map(({ label, data }) => ({ label, data })),
    steps === undefined ? {} : { steps },
  );
  // Those of the examples, or of the bundle where it has a fixed set.
  const labels = [...personal.labels].sort();
  const asked = query.filter(({ label }) => labels.includes(label));
  const others = query.filter(({ label }) => !labels.includes(label));
  if (asked.length === 0)
    throw wrongCall(
      "bad-support",
      `No query is of a class that was taught: taught are ${listed(labels)}, asked ${listed([...new Set(others.map(({ label }) => label))])}. ` +
        "Call the classes alike on both sides.",
    );
  const answersTo = async (examples: readonly OwnExample[], before: number): Promise<ClassPrediction[]> => {
    const answers: ClassPrediction[] = [];
    for (let i = 0; i < examples.length; i += batchSize) {
      signal?.throwIfAborted();
      answers.push(...(await personal.predictBatch(examples.slice(i, i + batchSize).map(({ data }) => data))));
      onProgress?.(before + answers.length, query.length);
      await setImmediate();
    }
    return answers;
  };
  const answers = await answersTo(asked, 0);
  const toOthers = await answersTo(others, asked.length);

  const right = asked.map(({ label }, i) => answers[i]!.label === label);
  const confusion = metrics.confusionMatrix(
    answers.map(({ label }) => labels.indexOf(label)),
    asked.map(({ label }) => labels.indexOf(label)),
    labels.length,
  );
  const classes = labels.map((label, i): OwnClass => {
    const named = confusion.reduce((sum, row) => sum + row[i]!, 0);
    return {
      label,
      support: support.filter((example) => example.label === label).length,
      recall: shareOf(
        confusion[i]![i]!,
        confusion[i]!.reduce((a, b) => a + b, 0),
      ),
      precision: shareOf(confusion[i]![i]!, named),
    };
  });
  const accuracy = shareOf(count(right), asked.length);
  const clusters = classes.flatMap(({ recall: { count, of } }) => (of > 0 ? [{ right: count, of }] : []));
  const overClasses = metrics.clusterInterval(clusters);
  const baselines = baselinesOf(labels, support, asked, right);
  const confidence = confidenceOf(asked, answers, toOthers);
  const { confidence: familiarity, adaptation } = personal;
  return {
    classes,
    support: support.length,
    queries: asked.length,
    notAsked: classes.flatMap(({ label, recall: { of } }) => (of === 0 ? [label] : [])),
    notTaught: [...counted(others)].map(([label, examples]) => ({ label, examples })),
    same: sameExamples(support, query),
    accuracy,
    ...(overClasses === undefined ? {} : { overClasses: { count: clusters.length, ci95: overClasses } }),
    confusion,
    wrong: asked.flatMap(({ name, label }, i) => {
      const { label: predicted, probability, known } = answers[i]!;
      if (predicted === label) return [];
      return [{ name, label, predicted, probability, ...(known === undefined ? {} : { known }) }];
    }),
    baselines,
    ...(confidence ? { confidence } : {}),
    ...(familiarity ? { familiar: { familiar: familiarity.familiar, message: familiarity.message } } : {}),
    verdict: verdictOf(accuracy, Math.max(...classes.map(({ recall }) => recall.of)), baselines),
    innerSteps: adaptation?.steps ?? 0,
    provider: learner.provider.name,
    seconds: (performance.now() - started) / 1000,
  };
}

const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length;

const listed = (names: readonly string[]): string =>
  `${names.slice(0, 8).join(", ")}${names.length > 8 ? ` and ${names.length - 8} more` : ""}`;

function counted(examples: readonly OwnExample[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { label } of examples) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function sameExamples(support: readonly OwnExample[], query: readonly OwnExample[]): OwnEvaluation["same"] {
  const key = ({ data }: OwnExample) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  const known = new Map(support.map((example) => [key(example), example.name]));
  return query.flatMap((example) => {
    const name = known.get(key(example));
    return name === undefined ? [] : [{ support: name, query: example.name }];
  });
}

/** The same examples as arrays, for what is compared on them. */
function episodeOf(labels: readonly string[], support: readonly OwnExample[], query: readonly OwnExample[]): Episode {
  const size = support[0]!.data.length;
  const tensors = (examples: readonly OwnExample[]) => {
    const x = new Float32Array(examples.length * size);
    for (const [i, { data }] of examples.entries()) x.set(data, i * size);
    const y = Int32Array.from(examples, ({ label }) => labels.indexOf(label));
    return {
      x: { dtype: "float32", shape: [examples.length, size], data: x },
      y: { dtype: "int32", shape: [examples.length], data: y },
    } as const;
  };
  return { support: tensors(support), query: tensors(query) };
}

function baselinesOf(
  labels: readonly string[],
  support: readonly OwnExample[],
  asked: readonly OwnExample[],
  right: readonly boolean[],
): OwnBaseline[] {
  const episode = episodeOf(labels, support, asked);
  const truth = episode.query.y.data;
  const compared = (name: string, answers: Int32Array): OwnBaseline => {
    const hits = right.map((_, i) => answers[i] === Number(truth[i]));
    const bundleAlone = count(right.map((hit, i) => hit && !hits[i]));
    const thisAlone = count(right.map((hit, i) => !hit && hits[i]!));
    return {
      name,
      accuracy: shareOf(count(hits), hits.length),
      bundleAlone,
      thisAlone,
      p: signTest(bundleAlone, thisAlone),
    };
  };
  return [
    compared(baselineNames.nearestNeighbour, nearestNeighbours(episode)),
    ...(support.length <= mostForRegression
      ? [compared(baselineNames.logisticRegression, logisticRegression(episode, labels.length))]
      : []),
  ];
}

function confidenceOf(
  asked: readonly OwnExample[],
  answers: readonly ClassPrediction[],
  toOthers: readonly ClassPrediction[],
): OwnConfidence | undefined {
  if (answers.some(({ known }) => known === undefined)) return undefined;
  const kept = answers.flatMap(({ known, label }, i) => (known ? [label === asked[i]!.label] : []));
  return {
    kept: shareOf(kept.length, answers.length),
    rightOfKept: shareOf(count(kept), kept.length),
    ...(toOthers.length > 0
      ? { falseAccepts: shareOf(count(toOthers.map(({ known }) => known === true)), toOthers.length) }
      : {}),
  };
}

/** Below this probability, a difference is taken for more than chance. */
const level = 0.05;

/** @param largest queries of the class that most of them are of */
function verdictOf(accuracy: Share, largest: number, baselines: readonly OwnBaseline[]): OwnEvaluation["verdict"] {
  const { of, low } = accuracy;
  const always = largest / of;
  if (low <= always)
    return {
      kind: "guessing",
      text: `Not clearly better than always naming the most frequent class (${percent(always)}), as far as ${of} queries tell.`,
    };
  const clear = ({ p }: OwnBaseline) => p < level;
  const ahead = baselines.filter((each) => clear(each) && each.thisAlone > each.bundleAlone);
  const undecided = baselines.filter((each) => !clear(each));
  const named = (some: readonly OwnBaseline[], word: string) =>
    some.map(({ name, accuracy: own }) => `${name} (${percent(own.share)})`).join(` ${word} `);
  if (ahead.length > 0)
    return {
      kind: "worse",
      text: `Worse than ${named(ahead, "and")} on the same examples: train on from this bundle with data of this kind, or give more examples.`,
    };
  if (undecided.length > 0)
    return {
      kind: "unclear",
      text: `Not clearly better than ${named(undecided, "or")} on the same examples, as far as ${of} queries tell.`,
    };
  return { kind: "better", text: `Better than ${named(baselines, "and")} on the same examples.` };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
