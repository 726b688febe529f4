// Whether an engine of native code works, tried in a process of its own before this one loads it: a broken addon then costs
// a line of explanation and not the process.
import { runInChild } from "./child.ts";

/** What the trial found. `failure`: why the engine does not work. */
export type Probe =
  | { readonly works: true; readonly version?: string; readonly device?: string; readonly software?: boolean }
  | { readonly works: false; readonly failure: string };

/** Loading TensorFlow from a cold disk takes a good part of this. */
const patience = 60;

const known = new Map<string, Promise<Probe>>();

/** Tries an engine; asked again, it gives what it found the first time in this process. */
export function probe(name: string): Promise<Probe> {
  const earlier = known.get(name);
  if (earlier !== undefined) return earlier;
  const trial = runInChild<Probe>(new URL("./probe-child.js", import.meta.url), [name], { seconds: patience }).catch(
    (cause: Error): Probe => ({ works: false, failure: cause.message }),
  );
  known.set(name, trial);
  return trial;
}
