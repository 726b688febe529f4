// One target, fuzzed in a thread of its own, so that the program beside it sees when an input never ends.
import { parentPort, workerData } from "node:worker_threads";
import { type Effort, fuzz } from "./run.ts";
import { targets } from "./targets.ts";

/** What the thread is told: the counter goes up with every input. */
export interface Order extends Pick<Effort, "seed" | "inputs" | "minutes"> {
  readonly target: string;
  readonly counter: Int32Array;
}

const { target, counter, ...effort } = workerData as Order;
const found = targets.find(({ name }) => name === target)!;
const report = await fuzz(found, { ...effort, measured: true, onInput: () => Atomics.add(counter, 0, 1) });
parentPort!.postMessage(report);
