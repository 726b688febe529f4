// Times the forms of operators on this machine and fits what they cost, for whoever writes graphs that run here.
import { cpus } from "node:os";
import { type Costs, isNative, type MeasuredOperator, measuredForms } from "@innerloop/graph";
import { type FormCost, MACHINE_VERSION, type MachineCosts } from "@innerloop/schemas";
import { onnxRuntimeVersion } from "@innerloop/train";
import { type Case, cases } from "./cases.ts";
import { fit, type Sample } from "./fit.ts";
import { relativeTimes } from "./timing.ts";

/** What was measured of one case, and what the model makes of it. */
export interface TunedCase {
  readonly name: string;
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
 * @param timing what times the cases; for tests
 */
export async function tuneMachine(
  onProgress: (share: number) => void = () => undefined,
  timing: typeof relativeTimes = relativeTimes,
): Promise<Tuned> {
  const ratios = await timing(
    cases.map(({ models }) => models),
    1,
    onProgress,
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
    name,
    ratio,
    native: isNative(machine.forms, operator, work),
  }));
  return { machine, cases: found };
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
