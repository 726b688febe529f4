// Learners against mathematics that is not theirs: an independent float64 oracle and PyTorch's recorded numbers, for
// adapted weights, support losses, first- and second-order meta-gradients; in float64, and as ONNX in float32.
import {
  evaluate,
  grad,
  input,
  type Learner,
  type LoopStructure,
  type ShapedNumbers,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import {
  anil,
  BatchNorm,
  Conv2d,
  conv4,
  Flatten,
  fomaml,
  type LayerLike,
  LayerNorm,
  Linear,
  MaxPool2d,
  type Model,
  maml,
  metamodel,
  mlp,
  sequential,
  Tanh,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { type CaseData, caseData, distance, type RecordedCase, recordedCases } from "../oracle/cases.ts";
import { firstOrderMetaGradient, metaGradient, adapt as oracleAdapt } from "../oracle/inner-loop.ts";
import { evaluate as oracleEvaluate } from "../oracle/network.ts";
import type { Array64 } from "../oracle/types.ts";

/** The network of a case, made of our layers. */
function modelOf({
  model,
  inputShape,
  outputs,
  activation,
  filters = 64,
  norm = "layer",
  strides,
  pool = false,
}: RecordedCase["network"]): Model {
  if (activation === "relu") {
    if (model === "mlp") return mlp(inputShape, outputs);
    if (model === "metamodel") return metamodel(inputShape, outputs);
    return conv4(inputShape, outputs, { filters, norm, pool, ...(strides ? { strides } : {}) });
  }
  if (model === "mlp") return sequential(inputShape, [Linear(40), Tanh, Linear(40), Tanh, Linear(outputs)]);
  if (model === "metamodel") {
    const block = (width: number): LayerLike[] => [Conv2d(width), Tanh, MaxPool2d(2)];
    return sequential(inputShape, [...block(32), ...block(64), Flatten, Linear(128), Tanh, Linear(outputs)]);
  }
  const norms: Record<string, LayerLike[]> = { layer: [LayerNorm()], batch: [BatchNorm()], none: [] };
  const blocks = (strides ?? [2, 2, 2, 1]).flatMap((stride): LayerLike[] => [
    Conv2d(filters, { stride, bias: norm === "none" }),
    ...norms[norm]!,
    Tanh,
    ...(pool ? [MaxPool2d(2)] : []),
  ]);
  return sequential(inputShape, [...blocks, Flatten, Linear(outputs)]);
}

const isHeadOnly = ({ rates }: RecordedCase): boolean => Object.keys(rates).every((name) => name.startsWith("head."));

/** The learner of a case; its rates are meta-parameters, so that each parameter has the case's own. */
function learnerOf(recorded: RecordedCase, order: 1 | 2): Learner {
  const algorithm = isHeadOnly(recorded) ? anil : order === 1 ? fomaml : maml;
  return algorithm(modelOf(recorded.network), {
    task: recorded.network.model === "mlp" ? "regression" : "classification",
    steps: recorded.steps,
    learnRates: true,
    loop: "plain",
  });
}

/** What a learner makes of one task of a case, by the names that the comparisons use. */
function graphOf(recorded: RecordedCase, { tasks }: CaseData, order: 1 | 2, structure: LoopStructure = "unrolled") {
  const learner = learnerOf(recorded, order);
  const parameters = Object.fromEntries(
    Object.entries(learner.parameters).map(([name, { shape }]) => [name, input(name, shape)]),
  );
  const labels = learner.task === "classification" ? "int64" : "float32";
  const [{ support, query }] = tasks as [CaseData["tasks"][number]];
  const x = input("support_x", support.x.shape);
  const y = input("support_y", support.y.shape, labels);
  const { steps, network } = recorded;
  const { state, losses } = learner.adapt(parameters, { x, y }, { steps, structure, ways: network.outputs });
  // The recordings normalize every batch by its own statistics.
  const options = { transductive: true };
  const predictions = learner.predict(parameters, state, input("query_x", query.x.shape), options);
  const loss = learner.loss(predictions, input("query_y", query.y.shape, labels));
  const slopes = grad(loss, Object.values(parameters));
  const outputs: Record<string, Value> = { "support losses": losses, "query loss": loss };
  for (const name of Object.keys(recorded.rates)) outputs[`adapted ${name}`] = state[name]!;
  for (const [i, name] of Object.keys(parameters).entries()) outputs[`slope of ${name}`] = slopes[i]!;
  return { learner, outputs };
}

/** What to feed the inputs of a task's graph. */
const feedsOf = (recorded: RecordedCase, data: CaseData, task: number): Record<string, Array64> => ({
  ...data.parameters,
  ...Object.fromEntries(
    Object.entries(recorded.rates).map(([name, rate]) => [`rate/${name}`, { shape: [], data: Float64Array.of(rate) }]),
  ),
  support_x: data.tasks[task]!.support.x,
  support_y: data.tasks[task]!.support.y,
  query_x: data.tasks[task]!.query.x,
  query_y: data.tasks[task]!.query.y,
});

/** ShapedNumbers of a graph's outputs, for each task. */
type Answers = readonly Readonly<Record<string, Float64Array>>[];

function inFloat64(recorded: RecordedCase, data: CaseData, { outputs }: ReturnType<typeof graphOf>): Answers {
  const names = Object.keys(outputs);
  return data.tasks.map((_, task) => {
    const arrays = evaluate(Object.values(outputs), feedsOf(recorded, data, task) as Record<string, ShapedNumbers>);
    return Object.fromEntries(names.map((name, i) => [name, arrays[i]!.data]));
  });
}

async function inFloat32(recorded: RecordedCase, data: CaseData, { outputs, learner }: ReturnType<typeof graphOf>) {
  const session = await openSession(writeOnnx(outputs), { provider: "cpu" });
  const answers: Record<string, Float64Array>[] = [];
  for (const task of data.tasks.keys()) {
    const feeds = feedsOf(recorded, data, task);
    const given = session.inputs.map((name): [string, Tensor] => {
      const { shape, data } = feeds[name]!;
      return name.endsWith("_y") && learner.task === "classification"
        ? [name, { dtype: "int32", shape, data: Int32Array.from(data) }]
        : [name, { dtype: "float32", shape, data: Float32Array.from(data) }];
    });
    const results = Object.entries(await session.run(Object.fromEntries(given)));
    answers.push(
      Object.fromEntries(results.map(([name, { data }]) => [name, Float64Array.from(data as Float32Array)])),
    );
  }
  await session.dispose();
  return answers;
}

/** The meta-gradient of a parameter: the mean over the tasks. */
const metaOf = (answers: Answers, name: string): Float64Array =>
  answers[0]![`slope of ${name}`]!.map(
    (_, i) => answers.reduce((sum, answer) => sum + answer[`slope of ${name}`]![i]!, 0) / answers.length,
  );

/** The largest difference, relative to the largest entry. */
function relative(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [apart, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    apart = Math.max(apart, Math.abs(actual[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return apart / largest;
}

describe.each(recordedCases())("$name", (recorded) => {
  const { network, float64, rates } = recorded;
  const data = caseData(recorded);
  const { parameters, tasks, inner } = data;
  const graphs = { first: graphOf(recorded, data, 1), second: graphOf(recorded, data, 2) };
  const first = inFloat64(recorded, data, graphs.first);
  const second = inFloat64(recorded, data, graphs.second);
  // A learner that moves the head alone is of second order, as its algorithm is (ANIL).
  const hasFirstOrder = !isHeadOnly(recorded);

  it("has the oracle's parameters", () => {
    const ours = Object.entries(graphs.second.learner.parameters).filter(([name]) => !name.startsWith("rate/"));
    expect(Object.fromEntries(ours.map(([name, { shape }]) => [name, shape]))).toEqual(
      Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape])),
    );
  });

  it("adapts as the oracle and PyTorch do, in float64", () => {
    tasks.forEach((task, i) => {
      const expected = oracleAdapt(network, parameters, task.support, inner);
      const query = oracleEvaluate(network, expected.parameters, task.query);
      expect(relative(second[i]!["support losses"]!, expected.supportLosses)).toBeLessThan(1e-11);
      expect(relative(second[i]!["support losses"]!, float64.supportLosses[i]!)).toBeLessThan(1e-11);
      expect(relative(second[i]!["query loss"]!, [query.loss])).toBeLessThan(1e-11);
      for (const name of Object.keys(rates)) {
        const ours = second[i]![`adapted ${name}`]!;
        expect(relative(ours, expected.parameters[name]!.data), name).toBeLessThan(1e-11);
        expect(distance(ours, float64.adapted[i]![name]!), name).toBeLessThan(1e-10);
      }
    });
  });

  it("has the first-order meta-gradient of the oracle and of PyTorch, in float64, where it moves the body", () => {
    if (!hasFirstOrder) return;
    for (const [name, expected] of Object.entries(firstOrderMetaGradient(network, parameters, tasks, inner))) {
      expect(relative(metaOf(first, name), expected.data), name).toBeLessThan(1e-9);
      expect(distance(metaOf(first, name), float64.firstOrder[name]!), name).toBeLessThan(1e-9);
    }
  });

  it("has PyTorch's second-order meta-gradient in float64, for weights and rates, and the oracle's to its accuracy", () => {
    const oracle = metaGradient(network, parameters, tasks, inner);
    const accuracy = recorded.margin === null ? 1e-9 : 1e-7;
    for (const [name, expected] of Object.entries(float64.secondOrder)) {
      expect(distance(metaOf(second, name), expected), name).toBeLessThan(1e-9);
      expect(relative(metaOf(second, name), oracle.parameters[name]!.data), name).toBeLessThan(accuracy);
    }
    for (const [name, expected] of Object.entries(float64.rateGradient))
      expect(relative(metaOf(second, `rate/${name}`), [expected]), name).toBeLessThan(1e-9);
  });

  it("agrees with that in float32 on ONNX Runtime: losses, adapted weights, meta-gradients", {
    timeout: 60_000,
  }, async () => {
    const single = {
      first: await inFloat32(recorded, data, graphs.first),
      second: await inFloat32(recorded, data, graphs.second),
    };
    const close = (what: string, error: number) => expect(error, what).toBeLessThan(1e-5);
    tasks.forEach((_, i) => {
      for (const name of ["support losses", "query loss", ...Object.keys(rates).map((name) => `adapted ${name}`)])
        close(name, relative(single.second[i]![name]!, second[i]![name]!));
    });
    // A lone number may be a sum that nearly cancels; it counts with the other gradient of its layer.
    const withLayer = (answers: Answers, name: string): Float64Array | number[] => {
      const own = metaOf(answers, name);
      const weight = name.replace(/\.bias$/, ".weight");
      return own.length > 1 ? own : [...own, ...metaOf(answers, weight)];
    };
    for (const name of Object.keys(parameters))
      for (const [order, ours, exact] of [
        ["first", single.first, first],
        ["second", single.second, second],
      ] as const)
        close(`${order} order, ${name}`, relative(withLayer(ours, name), withLayer(exact, name)));
    const ratesOf = (answers: Answers) => Object.keys(rates).map((name) => metaOf(answers, `rate/${name}`)[0]!);
    close("rates", relative(ratesOf(single.second), ratesOf(second)));
  });

  it.each(["loop", "checkpoints"] as const)(
    "has the same numbers where its steps are turns: %s",
    {
      timeout: 60_000,
    },
    async (structure) => {
      const turns = await inFloat32(recorded, data, graphOf(recorded, data, 2, structure));
      tasks.forEach((_, i) => {
        expect(relative(turns[i]!["support losses"]!, float64.supportLosses[i]!)).toBeLessThan(1e-5);
        for (const name of Object.keys(rates))
          expect(relative(turns[i]![`adapted ${name}`]!, second[i]![`adapted ${name}`]!), name).toBeLessThan(1e-5);
      });
      for (const [name, { shape }] of Object.entries(parameters))
        if (shape.length > 1) expect(relative(metaOf(turns, name), metaOf(second, name)), name).toBeLessThan(1e-5);
      const ratesOf = (answers: Answers) => Object.keys(rates).map((name) => metaOf(answers, `rate/${name}`)[0]!);
      expect(relative(ratesOf(turns), ratesOf(second))).toBeLessThan(1e-5);
    },
  );

  it("cannot fall back into the usual mistakes", () => {
    // After an episode the shared weights are what they were, every array that adapts has moved, evaluation sees what
    // was adapted, and the two orders differ.
    expect(data).toEqual(caseData(recorded));
    for (const name of Object.keys(rates))
      expect(relative(second[0]![`adapted ${name}`]!, parameters[name]!.data), name).toBeGreaterThan(1e-6);
    const before = oracleEvaluate(network, parameters, tasks[0]!.query).loss;
    expect(relative(second[0]!["query loss"]!, [before])).toBeGreaterThan(1e-4);
    if (!hasFirstOrder) return;
    const apart = Object.keys(parameters).map((name) => relative(metaOf(first, name), metaOf(second, name)));
    expect(Math.max(...apart)).toBeGreaterThan(1e-3);
  });
});
