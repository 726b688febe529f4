// Small learners of every kind with random weights, episodes for them, and what the graphs themselves say in float64:
// the unrolled inner loop, evaluated with plain loops.
import type { ReferenceAnswer, VerificationEpisode, VerificationExamples } from "@innerloop/export";
import { evaluate, input, type Learner, type ShapedNumbers } from "@innerloop/graph";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import {
  algorithms,
  anil,
  conv4,
  fomaml,
  type GradientLearnerOptions,
  maml,
  metamodel,
  mlp,
  prototypeLearner,
  random,
  resnet12,
} from "@innerloop/train";

const small = (norm: "layer" | "batch" | "none") => conv4([12, 12, 1], 5, { filters: 8, norm });
const learnedRates: GradientLearnerOptions = { learnRates: true, innerRate: 0.1, steps: 3 };

/** Learners that differ in what matters to an export. */
const chosen: Readonly<Record<string, () => Learner>> = {
  "maml, mlp, regression": () => maml(mlp([1], 1), { task: "regression", innerRate: 0.01 }),
  "maml, mlp, two outputs": () => maml(mlp([3], 2, { hidden: [8] }), { task: "regression", innerRate: 0.05 }),
  "maml, metamodel": () => maml(metamodel([8, 8, 1], 5), { innerRate: 0.05 }),
  "maml, conv4, layer norm": () => maml(small("layer"), learnedRates),
  "maml, conv4, batch norm": () => maml(small("batch"), learnedRates),
  "maml, conv4, no norm": () => maml(small("none"), { innerRate: 0.05 }),
  "maml, conv4 with pools": () => maml(conv4([16, 16, 3], 5, { filters: 8, pool: true }), learnedRates),
  "maml, conv4, mean head": () => maml(conv4([12, 12, 1], 5, { filters: 8, pooling: "mean" }), learnedRates),
  "maml, conv4, head from zero": () => maml(small("layer"), { ...learnedRates, head: "zero" }),
  "maml, conv4, head from prototypes": () =>
    maml(small("layer"), { ...learnedRates, innerRate: 0.02, head: "prototypes" }),
  "maml, resnet12": () => maml(resnet12([16, 16, 1], 5, { filters: [2, 2, 3, 4] }), { innerRate: 0.05, steps: 2 }),
  "fomaml, conv4": () => fomaml(small("layer"), learnedRates),
  "anil, learned head": () => anil(small("layer"), learnedRates),
  "anil, head from zero": () => anil(small("layer"), { ...learnedRates, head: "zero" }),
  "anil, head from prototypes": () => anil(small("layer"), { ...learnedRates, innerRate: 0.02, head: "prototypes" }),
  "anil, batch norm, head from zero": () => anil(small("batch"), { ...learnedRates, head: "zero" }),
  prototypes: () => prototypeLearner(small("layer")),
  "prototypes, batch norm": () => prototypeLearner(small("batch")),
};

/** Algorithms that none of those has, with the head that each has by itself. */
function others(): Record<string, () => Learner> {
  const there = new Set(Object.values(chosen).map((make) => make().algorithm));
  return Object.fromEntries(
    algorithms.all.flatMap(({ name, heads: [head], build }) =>
      there.has(name) ? [] : [[name, () => build(small("layer"), { ...learnedRates, head })]],
    ),
  );
}

/** Every kind of learner that training makes, small. */
export const learners: Readonly<Record<string, () => Learner>> = { ...chosen, ...others() };

/** Those whose graphs take seconds in float64. */
export const large = ["maml, metamodel", "maml, resnet12", "maml, conv4 with pools"];

/** First numbers for every parameter; where a layer starts with the same number everywhere, varied a little. */
export function randomWeights(learner: Learner, seed = 1): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(learner.parameters).map(([name, spec], i) => {
      const stream = random(seed, i);
      // A learned head starts at zero, where it would hide what the body does: here it has weights as after training.
      const start = name.startsWith("head.")
        ? spec.initialize(stream).map(() => 0.1 * stream.normal())
        : spec.initialize(stream);
      const data = start.map((value) => value * (1 + 0.1 * stream.normal()));
      return [name, { dtype: "float32", shape: spec.shape, data }];
    }),
  );
}

/** An episode of random examples; with classes, each has a pattern of its own below the noise. */
export function randomEpisode(learner: Learner, ways: number, shots: number, queries: number, seed = 1) {
  const stream = random(seed, ways, shots);
  const size = sizeOf(learner.inputShape);
  const patterns = Array.from({ length: ways }, () => Float64Array.from({ length: size }, () => stream.normal()));
  const examples = (each: number): VerificationExamples => {
    const n = ways * each;
    const x = new Float32Array(n * size).map((_, i) => {
      const pattern = patterns[Math.floor(i / size) % ways]!;
      return 0.5 * pattern[i % size]! + stream.normal();
    });
    const y: Tensor =
      learner.task === "regression"
        ? {
            dtype: "float32",
            shape: [n, learner.outputs!],
            data: new Float32Array(n * learner.outputs!).map(() => stream.normal()),
          }
        : { dtype: "int32", shape: [n], data: new Int32Array(n).map((_, i) => i % ways) };
    return { x: { dtype: "float32", shape: [n, ...learner.inputShape], data: x }, y };
  };
  return { support: examples(shots), query: examples(queries) } satisfies VerificationEpisode;
}

const feed = ({ shape, data }: Tensor): ShapedNumbers => ({ shape, data: Array.from(data, Number) });
const tensor = ({ shape, data }: { shape: readonly number[]; data: Float64Array }): Tensor => ({
  dtype: "float64",
  shape,
  data,
});

/** The learner's own graphs, unrolled, in float64. */
export function unrolled(
  learner: Learner,
  weights: Readonly<Record<string, Tensor>>,
  { transductive = false, balanced = true }: { readonly transductive?: boolean; readonly balanced?: boolean } = {},
) {
  return async (
    support: VerificationExamples,
    query: VerificationExamples,
    steps: number,
  ): Promise<ReferenceAnswer & { state: Readonly<Record<string, Tensor>> }> => {
    const classes = learner.task === "classification";
    const ways = classes ? (learner.outputs ?? 1 + Math.max(...Array.from(support.y.data, Number))) : 1;
    const parameters = Object.fromEntries(
      Object.entries(learner.parameters).map(([name, { shape }]) => [name, input(name, shape)]),
    );
    const x = input("support_x", support.x.shape);
    const y = input("support_y", support.y.shape, classes ? "int64" : "float32");
    const masked = learner.outputs !== undefined;
    const adaptation = learner.adapt(parameters, { x, y }, { steps, ways, masked, balanced });
    const asked = input("query_x", query.x.shape);
    const logits = learner.predict(parameters, adaptation.state, asked, { transductive, absolute: true });
    const names = Object.keys(adaptation.state);
    const [answer, losses, ...state] = evaluate([logits, adaptation.losses, ...Object.values(adaptation.state)], {
      ...Object.fromEntries(Object.entries(weights).map(([name, value]) => [name, feed(value)])),
      support_x: feed(support.x),
      support_y: feed(support.y),
      query_x: feed(query.x),
    });
    return {
      logits: tensor(answer!),
      supportLoss: [...losses!.data],
      state: Object.fromEntries(names.map((name, i) => [name, tensor(state[i]!)])),
    };
  };
}
