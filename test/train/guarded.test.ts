// The guarded inner loop of every kind of learner against PyTorch's recorded numbers, which a program wrote that says it
// with `if`: what is kept and taken back, losses, adapted weights, and meta-gradients through what was kept.
import { evaluate, grad, input, type Learner, type ShapedNumbers, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import {
  anil,
  Conv2d,
  Flatten,
  fomaml,
  type LayerLike,
  LayerNorm,
  Linear,
  maml,
  sequential,
  Tanh,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { caseData, type Digest, distance, type RecordedCase } from "../oracle/cases.ts";
import { readFamilies } from "../support/recorded.ts";

interface GuardedCase extends Omit<RecordedCase, "margin" | "float64" | "float32"> {
  readonly head: "learned" | "zero" | "prototypes";
  readonly order: 1 | 2;
  readonly kept: readonly number[];
  readonly refused: readonly number[];
  readonly supportLosses: readonly (readonly number[])[];
  readonly queryLosses: readonly number[];
  readonly rateGradient: Readonly<Record<string, number>>;
  readonly adapted: readonly Readonly<Record<string, Digest>>[];
  readonly metaGradient: Readonly<Record<string, Digest>>;
}

const cases = Object.values(readFamilies<{ readonly cases: GuardedCase[] }>("oracle/recorded/guarded")).flatMap(
  (family) => family.cases,
);

function learnerOf({ network, rates, steps, head, order }: GuardedCase): Learner {
  const { model, inputShape, outputs, filters = 8, strides = [2, 2, 2, 1] } = network;
  const blocks = strides.flatMap((stride): LayerLike[] => [
    Conv2d(filters, { stride, bias: false }),
    LayerNorm(),
    Tanh,
  ]);
  const layers = model === "mlp" ? [Linear(40), Tanh, Linear(40), Tanh] : [...blocks, Flatten];
  const headAlone = Object.keys(rates).every((name) => name.startsWith("head."));
  const algorithm = headAlone ? anil : order === 1 ? fomaml : maml;
  const task = model === "mlp" ? "regression" : "classification";
  return algorithm(sequential(inputShape, [...layers, Linear(outputs)]), { task, steps, head, learnRates: true });
}

function graphOf(recorded: GuardedCase) {
  const learner = learnerOf(recorded);
  const { support, queries, steps, network } = recorded;
  const classes = learner.task === "classification";
  const parameters = Object.fromEntries(
    Object.entries(learner.parameters).map(([name, { shape }]) => [name, input(name, shape)]),
  );
  const batch = (which: string, n: number) => ({
    x: input(`${which}_x`, [n, ...network.inputShape]),
    y: classes ? input(`${which}_y`, [n], "int64") : input(`${which}_y`, [n, network.outputs]),
  });
  const [given, asked] = [batch("support", support), batch("query", queries)];
  const adapt = (turns: number | Value) =>
    learner.adapt(parameters, given, { steps: turns, ways: network.outputs, balanced: true });
  const { state, losses, path, guard } = adapt(steps);
  const loss = learner.loss(learner.predict(parameters, state, asked.x), asked.y);
  const slopes = grad(loss, Object.values(parameters));
  const looped = adapt(input("steps", [], "int64"));
  const named = (prefix: string, values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
  return {
    learner,
    path,
    unrolled: {
      losses,
      kept: guard!.kept,
      refused: guard!.refused,
      query: loss,
      ...named("adapted ", state),
      ...named("slope of ", Object.fromEntries(Object.keys(parameters).map((name, i) => [name, slopes[i]!]))),
    } as Readonly<Record<string, Value>>,
    looped: { losses: looped.losses, ...named("guard ", { ...looped.guard! }), ...named("adapted ", looped.state) },
  };
}

const relative = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  const largest = Math.max(1e-12, ...Array.from(expected, Math.abs));
  return Math.max(...Array.from(expected, (value, i) => Math.abs(actual[i]! - value))) / largest;
};

describe.each(cases)("$name", (recorded) => {
  const data = caseData(recorded);
  const { learner, unrolled, looped, path } = graphOf(recorded);
  const feeds = data.tasks.map(({ support, query }) => ({
    ...data.parameters,
    ...Object.fromEntries(
      Object.entries(recorded.rates).map(([name, rate]) => [`rate/${name}`, { shape: [], data: [rate] }]),
    ),
    support_x: support.x,
    support_y: support.y,
    query_x: query.x,
    query_y: query.y,
    steps: { shape: [], data: [recorded.steps] },
  })) as unknown as Record<string, ShapedNumbers>[];
  const run = (outputs: Readonly<Record<string, Value>>, task: number): Record<string, Float64Array> => {
    const values = evaluate(Object.values(outputs), feeds[task]!);
    return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]!.data]));
  };
  const answers = feeds.map((_, task) => run(unrolled, task));

  it("keeps and takes back what PyTorch does, with its losses and weights", () => {
    answers.forEach((answer, task) => {
      expect([...answer.kept!, ...answer.refused!]).toEqual([recorded.kept[task], recorded.refused[task]]);
      expect(relative(answer.losses!, recorded.supportLosses[task]!)).toBeLessThan(1e-9);
      expect(relative(answer.query!, [recorded.queryLosses[task]!])).toBeLessThan(1e-9);
      for (const [name, digest] of Object.entries(recorded.adapted[task]!))
        expect(distance(answer[`adapted ${name}`]!, digest), name).toBeLessThan(1e-8);
    });
  });

  it("has PyTorch's meta-gradient, for weights and rates", () => {
    const mean = (name: string): Float64Array =>
      answers[0]![`slope of ${name}`]!.map(
        (_, i) => answers.reduce((sum, answer) => sum + answer[`slope of ${name}`]![i]!, 0) / answers.length,
      );
    for (const [name, digest] of Object.entries(recorded.metaGradient))
      expect(distance(mean(name), digest), name).toBeLessThan(1e-7);
    for (const [name, expected] of Object.entries(recorded.rateGradient))
      expect(relative(mean(`rate/${name}`), [expected]), name).toBeLessThan(1e-7);
  });

  it("gives the same numbers as a Loop, and never a loss above the start's", () => {
    answers.forEach((answer, task) => {
      const loop = run(looped, task);
      expect([...loop["guard kept"]!, ...loop["guard refused"]!]).toEqual([
        recorded.kept[task],
        recorded.refused[task],
      ]);
      expect([...loop["guard scale"]!]).toEqual([0.25 ** recorded.refused[task]!]);
      expect(relative(loop.losses!, answer.losses!)).toBeLessThan(1e-12);
      for (const name of Object.keys(recorded.adapted[task]!))
        expect(relative(loop[`adapted ${name}`]!, answer[`adapted ${name}`]!), name).toBeLessThan(1e-12);
      expect(Math.max(...answer.losses!)).toBe(answer.losses![0]);
    });
    expect(path).toHaveLength(recorded.steps + 1);
  });

  it("agrees with that in float32 on ONNX Runtime", async () => {
    const session = await openSession(writeOnnx(unrolled), { provider: "cpu" });
    for (const [task, answer] of answers.entries()) {
      const given = session.inputs.map((name): [string, Tensor] => {
        const { shape, data: values } = feeds[task]![name]!;
        return name.endsWith("_y") && learner.task === "classification"
          ? [name, { dtype: "int32", shape, data: Int32Array.from(values) }]
          : [name, { dtype: "float32", shape, data: Float32Array.from(values) }];
      });
      const single = await session.run(Object.fromEntries(given));
      for (const name of ["losses", "query", ...Object.keys(recorded.rates).map((it) => `adapted ${it}`)])
        expect(relative(single[name]!.data as Float32Array, answer[name]!), name).toBeLessThan(1e-4);
    }
    await session.dispose();
  });
});
