// Times the forms of operators on this machine and fits what they cost, for whoever writes graphs that run here.
import { cpus } from "node:os";
import { type ConvolutionWork, type Costs, isNative, type MeasuredOperator } from "@innerloop/graph";
import { type FormCost, MACHINE_VERSION, type MachineCosts } from "@innerloop/schemas";
import { type TunedEngine, timedWith } from "@innerloop/train";
import { type Case, cases } from "./cases.ts";
import { fit } from "./fit.ts";
import { leastTimes, openStand, type Stand } from "./timing.ts";

/** What was measured of one case, and what the costs make of it. */
export interface TunedCase extends Pick<Case, "name" | "operator" | "work"> {
  /** The time of the native form divided by that of the usual one. */
  readonly ratio: number;
  readonly native: boolean;
}

/** With the least time of each form. */
interface Timed extends Omit<TunedCase, "native"> {
  readonly milliseconds: Readonly<Record<keyof ConvolutionWork, number>>;
}

export interface Tuned {
  readonly machine: MachineCosts;
  readonly cases: readonly TunedCase[];
  /** Whether costs that were known before choose about as well, and so stay. */
  readonly kept: boolean;
}

export interface TuneOptions {
  /** What computes; ONNX Runtime unless given. */
  readonly engine?: TunedEngine;
  /** How much is done, from 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Costs that are known, the best first: they stay unless what is measured now is clearly better. */
  readonly known?: readonly MachineCosts["forms"][];
  /** Where the cases run; another one for tests. */
  readonly stand?: Stand;
}

/** What costs that are known may lose more than those that are fitted now, in the mean and at most: by so much two measurements differ. */
const near = { mean: 0.01, most: 0.05 };

/** Measures this machine: about a minute where it has little else to do. */
export async function tuneMachine({
  engine = "onnxruntime:cpu",
  onProgress = () => undefined,
  known = [],
  stand = openStand(engine),
}: TuneOptions = {}): Promise<Tuned> {
  const times = await leastTimes(
    cases.map(({ graph }) => graph),
    onProgress,
    stand,
  );
  const timed = cases.map(({ name, operator, work }, i): Timed => {
    const [columns, native] = times[i] as [number, number];
    return { name, operator, work, milliseconds: { columns, native }, ratio: native / columns };
  });
  const measured = costsOf(timed);
  const least = lossBy(measured, timed);
  const before = known.find((costs) => {
    const { mean, most } = lossBy(costs, timed);
    return mean <= least.mean + near.mean && most <= least.most + near.most;
  });
  const forms = before ?? measured;
  const machine: MachineCosts = {
    format: "innerloop-machine",
    version: MACHINE_VERSION,
    processor: cpus()[0]?.model ?? "unknown",
    platform: `${process.platform}-${process.arch}`,
    ...timedWith(engine),
    // Programs of training run on a thread each, as many at once as there are cores.
    threads: 1,
    forms,
  };
  const found = timed.map(({ name, operator, work, ratio }) => ({
    ...{ name, operator, work, ratio },
    native: isNative(forms, operator, work),
  }));
  return { machine, cases: found, kept: before !== undefined };
}

/** What choices cost: time beside that of the quicker form of each case, less one. */
export interface Loss {
  /** Over all cases, by their logarithms. */
  readonly mean: number;
  readonly most: number;
  /** The case that loses the most. */
  readonly worst: string;
}

/** What is lost where forms are chosen by costs. @param measured here and now */
export function lossBy(costs: Costs, measured: readonly Omit<TunedCase, "native">[]): Loss {
  const lost = measured.map(({ name, operator, work, ratio }) => ({
    name,
    factor: (isNative(costs, operator, work) ? ratio : 1) / Math.min(1, ratio),
  }));
  const worst = lost.reduce((a, b) => (b.factor > a.factor ? b : a));
  const mean = Math.expm1(lost.reduce((sum, { factor }) => sum + Math.log(factor), 0) / lost.length);
  return { mean, most: worst.factor - 1, worst: worst.name };
}

/** Fits are made so often: cases that the last one chose wrongly count for more in the next. */
const fits = 12;

/** A choice that loses more than this is wrong. */
const wrong = 0.02;

/** The costs by which the worst choice loses least, and all together no more than by a fit to all alike. */
function costsOf(timed: readonly Timed[]): MachineCosts["forms"] {
  let weights = timed.map(() => 1);
  let costs = fitted(timed, weights);
  let best = { costs, loss: lossBy(costs, timed) };
  for (let i = 1; i < fits && best.loss.most > wrong; i++) {
    weights = timed.map((each, j) => weights[j]! * (lossBy(costs, [each]).most > wrong ? 2 : 1));
    costs = fitted(timed, weights);
    const loss = lossBy(costs, timed);
    if (loss.most < best.loss.most && loss.mean <= best.loss.mean) best = { costs, loss };
  }
  return best.costs;
}

function fitted(timed: readonly Timed[], weights: readonly number[]): MachineCosts["forms"] {
  const costOf = (operator: MeasuredOperator, form: keyof ConvolutionWork): FormCost => {
    const samples = timed.flatMap(({ operator: own, work, milliseconds }, i) =>
      own === operator ? [{ work: work[form], milliseconds: milliseconds[form], weight: weights[i]! }] : [],
    );
    const { rates, error } = fit(samples);
    return { ...rates, error, cases: samples.length };
  };
  const both = (operator: MeasuredOperator) => ({
    columns: costOf(operator, "columns"),
    native: costOf(operator, "native"),
  });
  return {
    convolution: both("convolution"),
    "convolution-input-gradient": both("convolution-input-gradient"),
  };
}
