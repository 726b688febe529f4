// Times the forms of operators on this machine and fits what they cost, for whoever writes graphs that run here.
import { cpus } from "node:os";
import { type Costs, isNative, type MeasuredOperator, measuredForms } from "@innerloop/graph";
import { type FormCost, MACHINE_VERSION, type MachineCosts } from "@innerloop/schemas";
import { onnxRuntimeVersion } from "@innerloop/train";
import { type Case, cases } from "./cases.ts";
import { fit, type Sample } from "./fit.ts";
import { openStand, relativeTimes, type Stand } from "./timing.ts";

/** What was measured of one case, and what the model makes of it. */
export interface TunedCase extends Pick<Case, "name" | "operator" | "work"> {
  /** The time of the native form divided by that of the usual one. */
  readonly ratio: number;
  readonly native: boolean;
}

export interface Tuned {
  readonly machine: MachineCosts;
  readonly cases: readonly TunedCase[];
}

/**
 * Measures this machine: about a minute where it has nothing else to do.
 * @param onProgress how much is done, from 0 to 1
 * @param stand where the cases run; another one for tests
 */
export async function tuneMachine(
  onProgress: (share: number) => void = () => undefined,
  stand: Stand = openStand(),
): Promise<Tuned> {
  const ratios = await relativeTimes(
    cases.map(({ models }) => models),
    onProgress,
    stand,
  );
  const timed = cases.map((each, i) => ({ ...each, ratio: ratios[i]![1]! }));
  const machine: MachineCosts = {
    format: "innerloop-machine",
    version: MACHINE_VERSION,
    processor: cpus()[0]?.model ?? "unknown",
    platform: `${process.platform}-${process.arch}`,
    onnxruntime: onnxRuntimeVersion(),
    // Programs of training run on a thread each, as many at once as there are cores.
    threads: 1,
    forms: formsOf(timed),
  };
  const found = timed.map(({ name, ratio, operator, work }) => ({
    ...{ name, operator, work, ratio },
    native: isNative(machine.forms, operator, work),
  }));
  return { machine, cases: found };
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
export function lossBy(costs: Costs, measured: readonly TunedCase[]): Loss {
  const lost = measured.map(({ name, operator, work, ratio }) => ({
    name,
    factor: (isNative(costs, operator, work) ? ratio : 1) / Math.min(1, ratio),
  }));
  const worst = lost.reduce((a, b) => (b.factor > a.factor ? b : a));
  const mean = Math.expm1(lost.reduce((sum, { factor }) => sum + Math.log(factor), 0) / lost.length);
  return { mean, most: worst.factor - 1, worst: worst.name };
}

function formsOf(timed: readonly (Case & { readonly ratio: number })[]): MachineCosts["forms"] & Costs {
  const costOf = (operator: MeasuredOperator): { native: FormCost } => {
    const samples: Sample[] = timed.filter((each) => each.operator === operator);
    const { cost, error } = fit(samples);
    return { native: { ...cost, error, cases: samples.length } };
  };
  const operators = Object.keys(measuredForms) as MeasuredOperator[];
  return Object.fromEntries(operators.map((operator) => [operator, costOf(operator)])) as MachineCosts["forms"] & Costs;
}
