// A small model, read once, and planned for the sizes that it meets.
import { InnerloopError, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import { type Graph, notSmall, readGraph, refused } from "./file.ts";
import { Machine } from "./machine.ts";
import { operators } from "./operators.ts";
import { largest, mostBytes, Plan, Scope, type Value } from "./plan.ts";

/** Plans that are kept. */
const mostPlans = 8;

/**
 * Multiplications of products for each call up to which a run is quicker here: ONNX Runtime's own code for a processor has wider vectors,
 * and takes longer for what lies around its nodes.
 */
const mostDensity = 8000;

const whole = {
  bool: (numbers: Float32Array) => Uint8Array.from(numbers),
  int32: (numbers: Float32Array) => Int32Array.from(numbers),
  int64: (numbers: Float32Array) => BigInt64Array.from(Array.from(numbers, BigInt)),
};
type WholeType = keyof typeof whole;

interface Planned {
  readonly key: string;
  readonly plan: Plan;
  readonly inputs: readonly (readonly [name: string, value: Value])[];
  readonly outputs: readonly (readonly [name: string, value: Value])[];
}

/** Computes the nodes of a graph. */
function walk(plan: Plan, graph: Graph, scope: Scope): void {
  for (const [name, tensor] of Object.entries(graph.initializers)) scope.set(name, plan.tensor(tensor, 0));
  for (const node of graph.nodes) {
    const compute = operators[node.operator];
    if (!compute) throw refused(`the operator ${node.operator}`);
    const inputs = node.inputs.flatMap((name) => (name === "" ? [] : [scope.get(name)]));
    const results = compute(plan, inputs, node, scope);
    node.outputs.forEach((name, i) => {
      if (results[i]) scope.set(name, results[i]);
      else if (name !== "") throw refused(`the output ${i} of ${node.operator}`);
    });
  }
}

export class SmallModel {
  readonly #graph: Graph;
  readonly #machine = new Machine();
  #plans: Planned[] = [];
  /** Those of runs that are not made here. */
  readonly #refused = new Set<string>();

  constructor(model: Uint8Array) {
    this.#graph = readGraph(model);
  }

  get inputs(): readonly string[] {
    return this.#graph.inputs;
  }

  get outputs(): readonly string[] {
    return this.#graph.outputs;
  }

  /** What a run gives; nothing where it is not computed here, as what gives some of the outputs alone. */
  run(feeds: Readonly<Record<string, Tensor>>, fetches = this.outputs): Record<string, Tensor> | undefined {
    const planned = fetches.length < this.outputs.length ? undefined : this.#planned(feeds);
    if (!planned) return undefined;
    const { plan, inputs, outputs } = planned;
    const { initializers } = this.#graph;
    for (const [name, { at }] of inputs) this.#machine.write(at, (feeds[name] ?? initializers[name]!).data);
    for (const step of plan.steps) step();
    const { floats } = this.#machine;
    return Object.fromEntries(
      outputs.map(([name, { at, shape, dtype }]) => {
        const data = floats.slice(at / 4, at / 4 + sizeOf(shape));
        return [name, { dtype, shape, data: dtype === "float32" ? data : whole[dtype as WholeType](data) }];
      }),
    ) as Record<string, Tensor>;
  }

  get #end(): number {
    return this.#plans.at(-1)?.plan.end ?? 0;
  }

  /** By the sizes of what is fed, by whole numbers alone, such as how many steps are taken, and by how many classes there are. */
  #planned(feeds: Readonly<Record<string, Tensor>>): Planned | undefined {
    const key = this.#graph.inputs
      .map((name) => {
        const feed = feeds[name];
        return feed ? `${name} ${feed.shape} ${settles(feed) ? feed.data[0] : ""}` : "";
      })
      .join();
    const suits = (each: Planned): boolean => {
      if (each.key !== key) return false;
      for (const [name, most] of each.plan.largest) if (largest(feeds[name]!.data) !== most) return false;
      return true;
    };
    const known = this.#plans.find(suits);
    if (known) return known;
    if (this.#refused.has(key)) return undefined;
    if (this.#plans.length === mostPlans || this.#end > mostBytes) this.#plans = [];
    try {
      const made = this.#make(key, feeds, this.#end);
      this.#plans.push(made);
      return made;
    } catch (cause) {
      if (!(cause instanceof InnerloopError && cause.code === notSmall)) throw cause;
      this.#refused.add(key);
      return undefined;
    }
  }

  #make(key: string, feeds: Readonly<Record<string, Tensor>>, from: number): Planned {
    const plan = new Plan(this.#machine, from, walk);
    const scope = new Scope(1);
    const { inputs, outputs, nodes, initializers } = this.#graph;
    const open = inputs.map((name): [string, Value] => {
      const tensor = feeds[name] ?? initializers[name];
      if (!tensor) throw refused(`a run without the input "${name}"`);
      const value = plan.input(name, tensor, settles(tensor) ? 0 : 1);
      scope.set(name, value);
      return [name, value];
    });
    const fixed = Object.fromEntries(Object.entries(initializers).filter(([name]) => !inputs.includes(name)));
    walk(plan, { inputs, outputs, nodes, initializers: fixed }, scope);
    if (plan.density > mostDensity) throw refused(`a run of ${Math.round(plan.density)} multiplications a call`);
    const results = outputs.map((name): [string, Value] => [name, plan.written(scope.get(name))]);
    return { key, plan, inputs: open.filter(([, { depth }]) => depth > 0), outputs: results };
  }
}

/** Whether a plan is for this very number. */
const settles = ({ dtype, shape }: Tensor): boolean => dtype === "int64" && shape.length === 0;
