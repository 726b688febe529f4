// Steps whose results nobody reads.
import type { Step, Store } from "../steps.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";

export const dead: Pass = {
  name: "dead",
  why: "graphs give more than is asked for, and what other passes join is no longer read",
  apply(level) {
    for (let at = level.length - 1; at >= 0; at--) {
      const step = level.at(at);
      if (!step) continue;
      const read = (store: Store) => level.kept(store) || level.readBeside(store, at);
      if (!level.storesAt(at)!.writes.some(read)) level.put(at, undefined);
      else needed(level, at, step, read);
    }
  },
};

/** Leaves out results that a step gives beside others. */
function needed(level: Level, at: number, step: Step, read: (store: Store) => boolean): void {
  if (step.kind === "norm") {
    const { mean, inverse, ...others } = step;
    const kept = { ...(mean && read(mean.store) && { mean }), ...(inverse && read(inverse.store) && { inverse }) };
    if (Object.keys(kept).length < Number(Boolean(mean)) + Number(Boolean(inverse)))
      level.put(at, { ...others, ...kept });
  }
  if (step.kind === "windows" && step.what === "maxima" && step.where && !read(step.where.store)) {
    const { where, ...others } = step;
    level.put(at, others);
  }
  if (step.kind === "chain" && step.writes.length > 1) {
    const writes = step.writes.filter(({ store }) => read(store));
    if (writes.length < step.writes.length) level.put(at, { ...step, writes });
  }
}
