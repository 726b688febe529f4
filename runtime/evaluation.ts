// How good a personal model is: on examples that its caller has the truth of, or on its own, each held out in turn.
import { type Manifest, show, takesSteps } from "@innerloop/schemas/bundle";
import {
  type Adaptation,
  type AdaptedState,
  type AdaptOptions,
  mostSteps,
  refuseAborted,
  type Settled,
} from "./adaptation.ts";
import type { ClassPrediction } from "./confidence.ts";
import { type Kept, type LabelledRows, listing, type Task } from "./examples.ts";
import { rest } from "./lifetime.ts";
import type { OpenedBundle } from "./opened.ts";
import { learn, type Prediction, predict, type ValuePrediction } from "./prediction.ts";
import { badInput } from "./refusal.ts";

/** What {@link Personal.evaluate} answers, by task. */
export type Evaluation<T extends Task = "classification"> = T extends "regression" ? ValueEvaluation : ClassEvaluation;

/** How good the values of a regression are. */
export interface ValueEvaluation {
  /** How many examples there were. */
  readonly examples: number;
  /** The mean squared error. */
  readonly loss: number;
}

/** How good the answers of a classification are. */
export interface ClassEvaluation {
  /** How many examples there were. */
  readonly examples: number;
  /** The share of right answers, 0…1. */
  readonly accuracy: number;
  /** The mean cross-entropy, in nats: −log of the probability that the right label got. */
  readonly loss: number;
  /** Of each label, in the order of `labels`. */
  readonly perLabel: readonly LabelEvaluation[];
  /** `confusion[i][j]`: how many examples of label i were taken for label j. */
  readonly confusion: readonly (readonly number[])[];
}

/** How good the answers are of one label. */
export interface LabelEvaluation {
  readonly label: string;
  readonly examples: number;
  /** The share of its examples that were recognised; null when there was none. */
  readonly recall: number | null;
  /** The share of right answers among those that named it; null when none did. */
  readonly precision: number | null;
}

/** What holding examples out in turn tells of an adaptation. */
export interface Check {
  /** How many examples were held out; 0 when no label has a second one. */
  readonly heldOut: number;
  /** The mean loss on them, adapted to the others; null when none was held out. */
  readonly heldOutLoss: number | null;
  /** The same without any step. */
  readonly heldOutLossBefore: number | null;
  /** The share of right answers on them; null for a regression too. */
  readonly accuracy: number | null;
  readonly accuracyBefore: number | null;
  /** The steps make the loss on new examples higher: by a tenth, and by more than chance explains; null: it cannot tell. */
  readonly worse: boolean | null;
  /** All of this in words, and what to do. */
  readonly message: string;
}

/** Examples held out by a check, at most. */
const mostHeldOut = 20;

/**
 * Compares answers with the truth.
 *
 * @throws InnerloopError `bad-input` for no examples, or a label that the state does not tell apart.
 */
export async function evaluate(
  opened: OpenedBundle,
  state: AdaptedState,
  support: LabelledRows,
): Promise<Evaluation<Task>> {
  const { count } = support.x;
  if (count === 0) throw badInput("no examples were given; give at least one");
  const { labels } = state;
  const unknown = support.labels?.find((label) => !labels.includes(label));
  if (unknown !== undefined)
    throw badInput(
      `the label ${show(unknown)} was given; this personal model knows ${listing(labels)}; use one of these`,
    );
  const answers = await predict(opened, state, support.x);
  const size = opened.bundle.manifest.output.size ?? 1;
  const value = new Float32Array(size);
  const losses = answers.map((answer, index) => {
    support.y?.copy(index, value);
    return lossOf(answer, support.labels?.[index], value);
  });
  const loss = mean(losses);
  if (support.labels === undefined) return { examples: count, loss };

  const confusion = labels.map(() => labels.map(() => 0));
  answers.forEach((answer, index) => {
    confusion[labels.indexOf(support.labels![index]!)]![labels.indexOf((answer as ClassPrediction).label)]!++;
  });
  const ratio = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  const perLabel = labels.map((label, index) => {
    const right = confusion[index]![index]!;
    const examples = sum(confusion[index]!);
    const named = sum(confusion.map((row) => row[index]!));
    return { label, examples, recall: ratio(right, examples), precision: ratio(right, named) };
  });
  return {
    examples: count,
    accuracy: sum(labels.map((_, index) => confusion[index]![index]!)) / count,
    loss,
    perLabel,
    confusion,
  };
}

/** What an adaptation answered for an example that was held out of it. */
interface Outcome {
  readonly loss: number;
  /** 1 or 0. */
  readonly right: number;
}

/** The examples that can be held out: of labels that have others. Labels take turns, and there are at most 20. */
function toHoldOut(examples: readonly Kept[]): Kept[] {
  const seen = new Map<string | undefined, number>();
  const ranked = examples.map((example) => {
    const rank = seen.get(example.label) ?? 0;
    seen.set(example.label, rank + 1);
    return { example, rank };
  });
  return ranked
    .filter(({ example }) => seen.get(example.label)! > 1)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, mostHeldOut)
    .map(({ example }) => example);
}

/**
 * Holds examples out in turn and adapts to the others.
 *
 * @param ways how to adapt, one after the other
 * @returns for each example that was held out, what each way answered for it
 */
async function heldOutOutcomes(
  opened: OpenedBundle,
  examples: readonly Kept[],
  ways: readonly Settled[],
  signal: AbortSignal | undefined,
): Promise<Outcome[][]> {
  const outcomes: Outcome[][] = [];
  for (const example of toHoldOut(examples)) {
    const others = examples.filter((other) => other !== example);
    const each: Outcome[] = [];
    for (const { steps, rate } of ways) {
      await rest();
      refuseAborted(signal);
      const state = await learn(opened, others, { steps, ...(rate === undefined ? {} : { rate }) });
      const rows = { count: 1, copy: (_: number, to: Float32Array) => to.set(example.x) };
      const [answer] = await predict(opened, state, rows);
      const loss = lossOf(answer!, example.label, example.y);
      each.push({ loss, right: Number((answer as ClassPrediction).label === example.label) });
    }
    outcomes.push(each);
  }
  return outcomes;
}

/** Holds examples out in turn, adapts to the others with and without steps, and compares the answers. */
export async function leaveOneOut(
  opened: OpenedBundle,
  examples: readonly Kept[],
  { signal, ...wanted }: Settled & Pick<AdaptOptions, "signal">,
): Promise<Check> {
  const outcomes = await heldOutOutcomes(opened, examples, [wanted, { steps: 0 }], signal);
  return summary(opened.bundle.manifest, outcomes);
}

/** Examples that have to be held out before anything is chosen by them. */
const leastToChoose = 4;

/** What multiplies the bundle's own steps and rates when they are chosen. */
const otherPaces = [
  { steps: 0, rate: 1 },
  { steps: 1, rate: 1 / 3 },
  { steps: 1, rate: 3 },
  { steps: 4, rate: 1 },
];

/**
 * Chooses steps and rate by examples that are held out in turn. The bundle's own stay unless others have a lower loss, by
 * more than the standard error of the difference.
 *
 * @throws InnerloopError as adapting does
 */
export async function chooseSteps(
  opened: OpenedBundle,
  examples: readonly Kept[],
  { signal }: Pick<AdaptOptions, "signal">,
): Promise<NonNullable<Adaptation["chosen"]>> {
  const { innerLoop, task } = opened.bundle.manifest;
  const usual = { steps: innerLoop.steps, rate: 1 };
  if (usual.steps === 0 || !takesSteps({ innerLoop }))
    return { ...usual, message: "this bundle's algorithm takes no steps" };
  const tried = [
    usual,
    ...otherPaces.map(({ steps, rate }) => ({ steps: Math.min(mostSteps, steps * usual.steps), rate })),
  ];
  const spare = toHoldOut(examples).length;
  if (spare < leastToChoose) {
    const few = `${spare} of ${examples.length} examples can be held out, ${leastToChoose} were expected`;
    const more = task === "regression" ? "points" : "examples of each label";
    return { ...usual, message: `too few examples to choose by (${few}), so the bundle's own stay; give more ${more}` };
  }
  const outcomes = await heldOutOutcomes(opened, examples, tried, signal);
  const losses = tried.map((_, way) => mean(outcomes.map((each) => each[way]!.loss)));
  const gain = (way: number) => outcomes.map((each) => each[0]!.loss - each[way]!.loss);
  const better = losses.map((_, way) => way > 0 && mean(gain(way)) > standardError(gain(way)));
  const best = losses.reduce((found, loss, way) => (better[way] && loss < losses[found]! ? way : found), 0);
  const { steps, rate } = tried[best]!;
  const said = (way: number) =>
    `${losses[way]!.toPrecision(3)} with ${tried[way]!.steps} steps at ${share(tried[way]!.rate)}`;
  return {
    steps,
    rate,
    message:
      `of ${tried.length} ways, tried on ${outcomes.length} examples that were held out in turn, ` +
      (best === 0
        ? `none has a lower loss than the bundle's own, beyond chance: ${said(0)}`
        : `this one has the least loss: ${said(best)}, against ${said(0)}`),
  };
}

const share = (rate: number): string =>
  rate === 1 ? "the learned rate" : `${rate.toPrecision(2)} times the learned rate`;

/** Of a mean; 0 of a single value. */
function standardError(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const squares = sum(values.map((value) => (value - mean(values)) ** 2));
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

function summary({ task }: Manifest, outcomes: readonly (readonly Outcome[])[]): Check {
  const heldOut = outcomes.length;
  if (heldOut === 0) {
    const none = { heldOutLoss: null, heldOutLossBefore: null, accuracy: null, accuracyBefore: null, worse: null };
    return {
      heldOut,
      ...none,
      message:
        "cannot tell whether adapting helps: no label has a second example that could be held out; give two or more of a label",
    };
  }
  const [after, before] = [0, 1].map((which) => mean(outcomes.map((pair) => pair[which]!.loss))) as [number, number];
  const [accuracy, accuracyBefore] = [0, 1].map((which) =>
    task === "regression" ? null : mean(outcomes.map((pair) => pair[which]!.right)),
  ) as [number | null, number | null];
  const worsening = outcomes.map((pair) => pair[0]!.loss - pair[1]!.loss);
  const worse = mean(worsening) > Math.max(2 * standardError(worsening), 0.1 * before);
  const right = (share: number | null) => (share === null ? "" : `, ${Math.round(100 * share)} % right`);
  const message =
    `on ${heldOut} examples that were held out in turn, the loss is ${after.toPrecision(3)}${right(accuracy)} after the steps ` +
    `and ${before.toPrecision(3)}${right(accuracyBefore)} before them: ` +
    (worse
      ? "adapting makes it worse; take fewer steps, give more examples, or look for wrong labels"
      : "adapting does no harm");
  return { heldOut, heldOutLoss: after, heldOutLossBefore: before, accuracy, accuracyBefore, worse, message };
}

/** The squared error of values, or the cross-entropy of probabilities; one that is rounded to 0 counts as the least above. */
function lossOf(answer: Prediction<Task>, label: string | undefined, value: Float32Array | undefined): number {
  if (label !== undefined)
    return -Math.log(Math.max((answer as ClassPrediction).probabilities[label]!, Number.MIN_VALUE));
  return mean((answer as ValuePrediction).value.map((entry, index) => (entry - value![index]!) ** 2));
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
