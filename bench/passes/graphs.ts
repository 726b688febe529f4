// The graphs of which passes are timed, with what they are fed.
import { input, type Learner, onnxTargetFor, type Parameters, type Value, writeOnnx } from "@innerloop/graph";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { anil, conv4, evaluationGraph, parameterValues, prefersOneGraph, random } from "@innerloop/train";
import type { OurEngine } from "../ours/engines.ts";
import { gradientOutputs } from "../ours/gradient.ts";
import { learnerOf, workloadNamed, workloadNames } from "../workloads.ts";

/** A graph that is timed, made anew for each set of passes. */
export interface Timed {
  readonly name: string;
  outputs(): Readonly<Record<string, Value>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

interface Sizes {
  readonly support: number;
  readonly query: number;
  readonly ways: number;
  readonly tasks?: number;
}

const seed = 1;

/** Weights as a learner begins with, and an episode of noise: what an array holds makes no difference to the time. */
function feedsOf(learner: Learner, { support, query, ways, tasks }: Sizes): Record<string, Tensor> {
  const draw = random(seed);
  const lead = tasks === undefined ? [] : [tasks];
  const noise = (shape: readonly number[]): Tensor => ({
    dtype: "float32",
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => draw.uniform()),
  });
  const answers = (n: number): Tensor =>
    learner.task === "regression"
      ? noise([...lead, n, learner.outputs ?? 1])
      : { dtype: "int64", shape: [n], data: BigInt64Array.from({ length: n }, (_, i) => BigInt(i % ways)) };
  const weights = Object.entries(learner.parameters).map(([name, { shape, initialize }]): [string, Tensor] => [
    name,
    { dtype: "float32", shape, data: initialize(draw) },
  ]);
  return {
    ...Object.fromEntries(weights),
    ...{ support_x: noise([...lead, support, ...learner.inputShape]), support_y: answers(support) },
    ...{ query_x: noise([...lead, query, ...learner.inputShape]), query_y: answers(query) },
    ...{ steps: { dtype: "int64", shape: [], data: BigInt64Array.of(5n) } },
    ...{ rate: { dtype: "float32", shape: [], data: Float32Array.of(1) } },
  };
}

function trained(name: string, learner: Learner, sizes: Sizes, engine: OurEngine): Timed {
  return {
    name,
    outputs: () => gradientOutputs(learner, sizes, sizes.tasks, engine),
    feeds: feedsOf(learner, sizes),
  };
}

function adapted(name: string, learner: Learner, sizes: Sizes): Timed {
  return {
    name,
    outputs() {
      const x = input("support_x", ["support", ...learner.inputShape]);
      const y =
        learner.task === "regression" ? input("support_y", ["support", 1]) : input("support_y", ["support"], "int64");
      const parameters: Parameters = parameterValues(learner);
      const { state, losses } = learner.adapt(
        parameters,
        { x, y },
        {
          steps: input("steps", [], "int64"),
          rate: input("rate", []),
          ways: learner.outputs ?? "ways",
        },
      );
      return { losses, ...Object.fromEntries(Object.entries(state).map(([key, value]) => [`adapted/${key}`, value])) };
    },
    feeds: feedsOf(learner, sizes),
  };
}

/** The presets' learner of pictures. */
const presetLearner = (): Learner =>
  anil(conv4([28, 28, 1], 20, { strides: [2, 2, 2, 1], input: "polarity-free" }), {
    ...{ head: "prototypes", steps: 5, innerRate: 0.4, learnRates: true, maxInnerRate: 10 },
  });

/** @param engine what they are written for */
export function graphs(engine: OurEngine): Timed[] {
  const preset = presetLearner();
  const evaluated = { support: 5, query: 75, ways: 5 };
  return [
    trained("preset", preset, { support: 20, query: 80, ways: 20 }, engine),
    {
      name: "evaluate",
      outputs: () => ({ ...evaluationGraph(preset, evaluated, 5, { inPortions: true }).outputs }),
      feeds: feedsOf(preset, evaluated),
    },
    ...workloadNames.flatMap((each): Timed[] => {
      const { name, fresh, case: workload } = workloadNamed(each);
      const { kind, support, queries, tasks, network } = workload;
      if (fresh || !(kind === "adapt" || kind === "meta")) return [];
      const learner = learnerOf(workload);
      const sizes = { support, query: queries, ways: network.outputs };
      if (kind === "adapt") return [adapted(name, learner, sizes)];
      return [trained(name, learner, prefersOneGraph(learner) ? { ...sizes, tasks } : sizes, engine)];
    }),
  ];
}

/** A file of a graph without some passes, those before derivatives included. */
export function written(graph: Timed, without: readonly string[]): Uint8Array {
  const before = process.env.INNERLOOP_WITHOUT;
  process.env.INNERLOOP_WITHOUT = without.join();
  try {
    return writeOnnx(graph.outputs(), { target: onnxTargetFor("cpu") });
  } finally {
    if (before === undefined) delete process.env.INNERLOOP_WITHOUT;
    else process.env.INNERLOOP_WITHOUT = before;
  }
}
