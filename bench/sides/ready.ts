// A side made ready for a workload: as a process that stays, or, for what is timed from the start of a process, one for each run.
import type { Contender } from "../contender.ts";
import type { Workload } from "../workloads.ts";
import type { Prepared, SideProcess, Task } from "./process.ts";

/** A side that is ready: what it takes turns with, and how it is stopped. */
export interface Ready {
  readonly prepared: Prepared;
  readonly contender: Contender;
  close(): void;
}

/** Starts a process and makes it ready; or, for what is timed from a start, runs a first process for its result. */
export async function makeReady(
  start: () => SideProcess,
  { fresh }: Pick<Workload, "fresh">,
  task: Task,
  limit: number,
): Promise<Ready> {
  if (fresh !== undefined) {
    const whole = async (): Promise<{ prepared: Prepared; milliseconds: number }> => {
      const began = performance.now();
      const child = start();
      try {
        const prepared = await child.once(task, limit);
        return { prepared, milliseconds: performance.now() - began };
      } finally {
        child.kill();
      }
    };
    const { prepared } = await whole();
    const run = async (times: number) => {
      const found: number[] = [];
      for (let i = 0; i < times; i++) found.push((await whole()).milliseconds);
      return found;
    };
    return { prepared, contender: { fresh: true, run }, close: () => {} };
  }
  const child = start();
  try {
    const prepared = await child.prepare(task, limit);
    return { prepared, contender: child, close: () => child.close() };
  } catch (cause) {
    child.close();
    throw cause;
  }
}
