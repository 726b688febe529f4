// How fast an engine trains, measured for a moment in a process of its own, so that a crash is an answer too.
import { runInChild } from "../engines/index.ts";

/** What is measured, in words. */
export const measuredTraining =
  "an engine's are iterations of second-order MAML on conv4 (64 filters, 5 ways, 1 shot, 25 queries, 1 inner step, 4 tasks)";

/** How long one measurement may take at most, in seconds, loading and the first iteration included. */
const patience = 60;

/**
 * What a module measures in a process of its own: how often a second something is done.
 * @param name what it is measured on
 * @param seconds how long it is counted, after the first time
 * @throws InnerloopError `child-failed` with what is said there or how the process ended; `child-late`
 */
export const measureInChild = (module: URL, name: string, seconds: number): Promise<number> =>
  runInChild<number>(module, [name, String(seconds)], { seconds: patience });

/**
 * Meta-iterations a second on an engine.
 * @param seconds how long iterations are counted after the first, which loads and compiles
 * @throws InnerloopError `child-failed` with what the engine says or how its process ended; `child-late`
 */
export const measureEngine = (name: string, seconds = 2): Promise<number> =>
  measureInChild(new URL("./measure-child.js", import.meta.url), name, seconds);
