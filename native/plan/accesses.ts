// Steps with their reads and writes exchanged.
import type { Access, Step, Turns } from "./steps.ts";

type Exchange = <A extends Access>(access: A) => A;

/** A step whose accesses are others; the same one where none is. */
export function withAccesses<S extends Exclude<Step, Turns>>(step: S, to: Exchange): S {
  return exchanged(step, to) as S;
}

function exchanged(step: Exclude<Step, Turns>, to: Exchange): Step {
  switch (step.kind) {
    case "chain": {
      const [reads, writes] = [each(step.reads, to), each(step.writes, to)];
      return reads === step.reads && writes === step.writes ? step : { ...step, reads, writes };
    }
    case "product":
      return own(step, ["left", "right", "added", "out"], to);
    case "norm":
      return own(step, ["from", "gain", "bias", "out", "mean", "inverse"], to);
    case "rowwise":
      return own(step, ["from", "out"], to);
    case "rows":
      return own(step, ["from", "indices", "out"], to);
    case "scatter":
      return own(step, ["base", "from", "indices", "out"], to);
    case "windows":
      return own(step, ["field", "out", "weight", "bias", "where"], to);
    case "points":
      return own(step, ["field", "values", "down", "across"], to);
    case "move":
      return own(step, ["from", "to"], to);
  }
}

/** A list with others in it; the same one where none is. */
function each<A extends Access>(accesses: readonly A[], to: Exchange): readonly A[] {
  let made: A[] | undefined;
  for (let i = 0; i < accesses.length; i++) {
    const access = to(accesses[i]!);
    if (access === accesses[i]) continue;
    made ??= accesses.slice();
    made[i] = access;
  }
  return made ?? accesses;
}

/** A step with others under some names, of which it need not have all. */
function own<Name extends string, S extends { readonly [name in Name]?: Access }>(
  step: S,
  names: readonly Name[],
  to: Exchange,
): S {
  let made: { [name in Name]?: Access } | undefined;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const before = step[name];
    const access = before && to(before);
    if (access === before) continue;
    made ??= { ...step };
    made[name] = access;
  }
  return (made as S | undefined) ?? step;
}
