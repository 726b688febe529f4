// The compiler: the passes in their order, from a graph as it was built to one of a target's operators.
import { InnerloopError } from "@innerloop/schemas";
import type { Subgraph, Value } from "../core/value.ts";
import type { Target } from "../lowering/lower.ts";
import { pointsName } from "../lowering/points.ts";
import { orderName } from "./order.ts";
import type { Pass, PassContext } from "./pass.ts";
import { earlyPasses, passes } from "./passes/index.ts";
import { leftOut } from "./switches.ts";

/** What a pass made of a graph. */
export interface PassReport {
  readonly pass: Pass;
  readonly before: readonly Value[];
  readonly after: readonly Value[];
}

export interface CompileOptions {
  /**
   * Names of passes that are left out, to see what they do. In Node the variable `INNERLOOP_WITHOUT` names more, with commas
   * between them.
   */
  readonly without?: readonly string[];
  /** Told after each pass over the outer graph; what is inside of nodes has passes of its own. */
  onPass?(report: PassReport): void;
}

/**
 * The same values out of operators that a target has.
 * @throws InnerloopError naming an operator that neither the target nor its parts know; `unknown-pass` (status 2)
 */
export function lower(outputs: readonly Value[], target: Target, options: CompileOptions = {}): Value[] {
  const without = [...(options.without ?? []), ...leftOut()];
  const chosen = passesFor(target, without);
  const seen = new WeakMap<Subgraph, Subgraph>();
  const inside = (graph: Subgraph): Subgraph => {
    const known = seen.get(graph);
    if (known) return known;
    const result = { takes: graph.takes, gives: run(graph.gives) };
    seen.set(graph, result);
    return result;
  };
  const context: PassContext = { target, inside, without };
  const run = (values: readonly Value[], told?: CompileOptions["onPass"]): readonly Value[] =>
    chosen.reduce<readonly Value[]>((before, pass) => {
      const after = pass.run(before, context);
      told?.({ pass, before, after });
      return after;
    }, values);
  return [...run(outputs, options.onPass)];
}

/** The passes that a target gets, in order. */
export function passesFor({ suits = [] }: Target, without: readonly string[] = []): Pass[] {
  for (const name of without)
    if (!switches().includes(name))
      throw new InnerloopError(
        "unknown-pass",
        `The pass "${name}" is to be left out; those that can be are ${switches().join(", ")}.`,
        { exitStatus: 2 },
      );
  return passes.filter(({ name, everywhere }) => (everywhere || suits.includes(name)) && !without.includes(name));
}

/** The names of what can be left out: passes, ways of `forms`, and the order of a file. */
export const switches = (): string[] => [
  ...new Set([...earlyPasses, ...passes.filter(({ needed }) => !needed)].map(({ name }) => name)),
  pointsName,
  orderName,
];
