// Steps with their reads and writes exchanged.
import type { Access, Step, Turns } from "./steps.ts";

/** A step whose accesses are others. */
export function withAccesses<S extends Exclude<Step, Turns>>(step: S, to: <A extends Access>(access: A) => A): S {
  return exchanged(step, to) as S;
}

function exchanged(step: Exclude<Step, Turns>, to: <A extends Access>(access: A) => A): Step {
  const maybe = <Name extends string>(name: Name, access: Access | undefined) =>
    (access ? { [name]: to(access) } : {}) as { [Key in Name]?: Access };
  switch (step.kind) {
    case "chain":
      return { ...step, reads: step.reads.map(to), writes: step.writes.map(to) };
    case "product": {
      const factors = { left: to(step.left), right: to(step.right) };
      return { ...step, ...factors, ...maybe("added", step.added), out: to(step.out) };
    }
    case "norm": {
      const given = { from: to(step.from), ...maybe("gain", step.gain), ...maybe("bias", step.bias) };
      return { ...step, ...given, out: to(step.out), ...maybe("mean", step.mean), ...maybe("inverse", step.inverse) };
    }
    case "rowwise":
      return { ...step, from: to(step.from), out: to(step.out) };
    case "rows":
      return { ...step, from: to(step.from), ...maybe("indices", step.indices), out: to(step.out) };
    case "scatter": {
      const given = { ...maybe("base", step.base), from: to(step.from), ...maybe("indices", step.indices) };
      return { ...step, ...given, out: to(step.out) };
    }
    case "windows": {
      const given = { field: to(step.field), out: to(step.out), ...maybe("weight", step.weight) };
      return { ...step, ...given, ...maybe("bias", step.bias), ...maybe("where", step.where) };
    }
    case "points": {
      const given = { field: to(step.field), values: to(step.values) };
      return { ...step, ...given, down: to(step.down), across: to(step.across) };
    }
    case "move":
      return { ...step, from: to(step.from), to: to(step.to) };
  }
}
