// A plan for what a model meets.
import type { Tensor } from "@innerloop/schemas/bundle";
import type { Kernels } from "../addon.ts";
import type { Graph } from "../read.ts";
import { operators } from "./operators/index.ts";
import type { Origins } from "./origins.ts";
import { Plan, Scope, settles } from "./plan.ts";
import { refused } from "./refusal.ts";

/**
 * A plan for runs of a graph with arrays of these sizes, these whole numbers where they stand alone, and the same
 * {@link Plan.largest}.
 *
 * @param origins gets the node that each store is of
 * @throws InnerloopError `not-native` for what is not computed here
 */
export function planFor(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  kernels: Kernels,
  origins?: Origins,
): Plan {
  const plan = new Plan(kernels, operators, origins);
  const scope = new Scope(1);
  const { inputs, outputs, nodes, initializers } = graph;
  for (const name of inputs) {
    const tensor = feeds[name] ?? initializers.get(name);
    if (!tensor) throw refused(`a run without the input "${name}"`);
    scope.set(name, settles(tensor) ? plan.tensor(tensor) : plan.input(name, tensor));
  }
  const fixed = new Map([...initializers].filter(([name]) => !inputs.includes(name)));
  plan.walk({ inputs, outputs, nodes, initializers: fixed }, scope);
  for (const name of outputs) plan.outputs.set(name, plan.written(scope.get(name)));
  return plan;
}
