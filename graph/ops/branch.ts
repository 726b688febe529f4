// A choice between two graphs, of which one is computed. What they read from outside is an input of the node.
import { apply, constant, input } from "../core/build.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { applying, defineWithBody, isFloat, unfit } from "../core/operator.ts";
import { sameShape } from "../core/shapes.ts";
import type { Operator, Outputs, Subgraph, Value, ValueType } from "../core/value.ts";
import { cotangents } from "../transforms/grad.ts";
import { applied, type Closed, closed, closedSince } from "../transforms/subgraph.ts";
import { batchOutputs } from "../transforms/vmap.ts";
import { Where } from "./comparison.ts";
import { Expand, Reshape } from "./movement.ts";

type Branches = {
  /** Both take what is captured, and give values of the same types. */
  readonly holds: Subgraph;
  readonly otherwise: Subgraph;
};

type Given = readonly [condition: Value, ...captured: Value[]];

/** One graph that gives what two give, as these two. */
const split = ({ graph: { takes, gives } }: Closed): Branches => ({
  holds: { takes, gives: gives.slice(0, gives.length / 2) },
  otherwise: { takes, gives: gives.slice(gives.length / 2) },
});

const choice: Operator<Branches, Given, Outputs> = defineWithBody({
  name: "If",
  family: "control",
  summary: "one of two graphs, as a condition says; the other one is not computed",
  since: 13,
  infer([condition], { holds, otherwise }) {
    if (condition.dtype !== "bool" || condition.rank !== 0)
      throw unfit("If", [condition], "the condition has to be a bool scalar.");
    const types = holds.gives.map((a, i): ValueType => {
      const b = at(otherwise.gives, i);
      if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape))
        throw unfit("If", [a, b], "both branches have to give values of the same types.");
      return { dtype: a.dtype, shape: a.shape };
    });
    const [first, ...others] = types;
    if (!first || holds.gives.length !== otherwise.gives.length)
      throw unfit("If", [condition], "both branches have to give something, and as many values.");
    return [first, ...others];
  },
  gradient({ inputs: [condition, ...captured], attributes: { holds, otherwise }, cotangents: seeds, needs }) {
    const wanted = captured.map((value, i) => isFloat(value.dtype) && needs(i + 1));
    const wrt = holds.takes.filter((_, i) => wanted[i]);
    if (wrt.length === 0) return [];
    const slopes = holds.gives.map((value, i) => seeds[i] && input("seed", value.shape, value.dtype));
    const slopesOf = ({ gives }: Subgraph): Value[] =>
      zip(
        wrt,
        cotangents(gives, slopes, wrt),
        (value, slope) => slope ?? Expand(constant(0, [], value.dtype), value.shape),
      );
    const own = [...holds.takes, ...slopes.filter((value) => value !== undefined)];
    const both = closed(own, namesOf(own.length), [...slopesOf(holds), ...slopesOf(otherwise)]);
    const given = [...captured, ...seeds.filter((value) => value !== undefined), ...both.captured];
    const found: Value[] = [...apply(choice, [condition, ...given], split(both))];
    return [undefined, ...wanted.map((flag) => (flag ? found.shift() : undefined))];
  },
  batch(inputs, batched, { holds, otherwise }) {
    const [condition, ...captured] = inputs;
    const tasks = at(at(inputs, batched.indexOf(true)).shape, 0);
    if (batched[0]) {
      const [a, b] = [holds, otherwise].map((graph) => {
        const own = zip(graph.takes, captured, (taken, value, i) =>
          batched[i + 1] ? input("batch", taken.shape, taken.dtype) : value,
        );
        const pairs = zip(own, captured, (value, all) => [value, all] as const);
        return batchOutputs(applied(graph, own), new Map(pairs.filter((_, i) => batched[i + 1])), tasks);
      });
      const chosen = zip(a ?? [], b ?? [], (x, y) =>
        Where(Reshape(condition, [tasks, ...x.shape.slice(1).map(() => 1)]), x, y),
      );
      return chosen as readonly Value[] as Outputs;
    }
    const own = holds.takes.map(({ shape, dtype }, i) =>
      input("batch", batched[i + 1] ? [tasks, ...shape] : shape, dtype),
    );
    const results = [holds, otherwise].flatMap(({ takes, gives }) => {
      const pairs = zip(takes, own, (taken, value) => [taken, value] as const);
      const same = pairs.filter((_, i) => !batched[i + 1]);
      const here = applied(
        { takes: same.map(([taken]) => taken), gives },
        same.map(([, value]) => value),
      );
      return batchOutputs(here, new Map(pairs.filter((_, i) => batched[i + 1])), tasks);
    });
    const both = closed(own, namesOf(own.length), results);
    return apply(choice, [condition, ...captured, ...both.captured], split(both));
  },
  evaluate({ inputs: [condition, ...captured], attributes: { holds, otherwise }, run }) {
    const arrays = run(at(condition.data, 0) ? holds : otherwise, captured);
    return arrays.map(({ data }) => data) as readonly Float64Array[] as readonly [Float64Array, ...Float64Array[]];
  },
});

const namesOf = (count: number): string[] => upTo(count).map((i) => `outer${i}`);

/**
 * What `then` gives where the condition holds, else what `otherwise` gives; both as many values of the same types.
 * @param condition a bool scalar
 */
export const If = applying(
  choice,
  (condition: Value, then: () => readonly Value[], otherwise: () => readonly Value[]): readonly Value[] => {
    const mark = input("mark", []);
    const [a, b] = [then(), otherwise()];
    if (a.length !== b.length)
      throw unfit("If", [condition], `one branch gives ${a.length} values, the other ${b.length}.`);
    const both = closedSince(mark.node, [...a, ...b]);
    return apply(choice, [condition, ...both.captured], split(both));
  },
);
