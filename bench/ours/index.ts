// Our side of a workload, made ready.
import { rm } from "node:fs/promises";
import type { Runnable } from "../peers/serve.ts";
import { type Case, dataOf } from "../workloads.ts";
import { openAdapt } from "./adapt.ts";
import { writeWorkloadBundle } from "./bundle.ts";
import type { OurEngine } from "./engines.ts";
import { prepareGradient } from "./gradient.ts";
import { prepareTraining } from "./training.ts";

async function prepareBundle(workload: Case, threads: number, engine: OurEngine): Promise<Runnable> {
  const folder = await writeWorkloadBundle(workload);
  // An earlier commit that is measured beside this one may evaluate in no such way.
  const open = workload.kind === "adapt" ? openAdapt : (await import("./evaluate.ts")).openEvaluate;
  const { close, ...opened } = await open(folder, threads, dataOf(workload), engine, workload);
  return {
    ...opened,
    async close() {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Makes the data, compiles, and opens what a workload needs. The losses of a meta workload are one, the mean over the tasks.
 */
export async function prepareOurs(workload: Case, threads: number, engine: OurEngine): Promise<Runnable> {
  if (workload.kind === "meta") return prepareGradient(workload, threads, engine);
  return workload.kind === "train"
    ? prepareTraining(workload, threads, engine)
    : prepareBundle(workload, threads, engine);
}
