// What each pass of the compiler gives: nodes and processor time of graphs of training and adapting, with it and without it.
import { input, type Learner, onnxTargetFor, type Parameters, switches, type Value, writeOnnx } from "@innerloop/graph";
import { openSession, type Session } from "@innerloop/runtime/session";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { anil, conv4, evaluationGraph, parameterValues, prefersOneGraph, random } from "@innerloop/train";
import { median } from "./contender.ts";
import { gradientOutputs } from "./ours/gradient.ts";
import { machine, type Outcome, tell } from "./outcome.ts";
import { table } from "./report.ts";
import { learnerOf, workloadNamed, workloadNames } from "./workloads.ts";

/** A graph that is timed, made anew for each set of passes. */
interface Timed {
  readonly name: string;
  outputs(): Readonly<Record<string, Value>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** What a pass gives to a graph. */
interface Effect {
  readonly pass: string;
  readonly graph: string;
  /** Nodes of the file without the pass and with it. */
  readonly nodes: readonly [before: number, after: number];
  /** Processor time with the pass over that without it: the median over turns, and its quartiles. */
  readonly ratio: number;
  readonly quartiles: readonly [number, number];
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

function trained(name: string, learner: Learner, sizes: Sizes): Timed {
  return {
    name,
    outputs: () => gradientOutputs(learner, sizes, sizes.tasks),
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

function graphs(): Timed[] {
  const preset = presetLearner();
  const evaluated = { support: 5, query: 75, ways: 5 };
  return [
    trained("preset", preset, { support: 20, query: 80, ways: 20 }),
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
      return [trained(name, learner, prefersOneGraph(learner) ? { ...sizes, tasks } : sizes)];
    }),
  ];
}

/** A file of a graph without some passes, those before derivatives included. */
function written(graph: Timed, without: readonly string[]): Uint8Array {
  const before = process.env.INNERLOOP_WITHOUT;
  process.env.INNERLOOP_WITHOUT = without.join();
  try {
    return writeOnnx(graph.outputs(), { target: onnxTargetFor("cpu") });
  } finally {
    if (before === undefined) delete process.env.INNERLOOP_WITHOUT;
    else process.env.INNERLOOP_WITHOUT = before;
  }
}

type GraphOfFile = NonNullable<ReturnType<typeof decodeModel>["graph"]>;

function nodesIn({ node }: Pick<GraphOfFile, "node">): number {
  return (node ?? []).reduce(
    (sum, { attribute }) => sum + 1 + (attribute ?? []).reduce((inner, { g }) => inner + (g ? nodesIn(g) : 0), 0),
    0,
  );
}

/** The median processor time of a run, in milliseconds, over enough of them to make a turn. */
async function turn(session: Session, feeds: Readonly<Record<string, Tensor>>): Promise<number> {
  const times: number[] = [];
  for (const end = performance.now() + 60; performance.now() < end || times.length < 3; ) {
    const start = process.cpuUsage();
    await session.run(feeds);
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
  }
  return median(times);
}

async function compared(
  files: readonly [Uint8Array, Uint8Array],
  feeds: Timed["feeds"],
  turns: number,
): Promise<number[]> {
  const sessions = await Promise.all(files.map((file) => openSession(file, { threads: 1 })));
  const [without, with_] = sessions as [Session, Session];
  const fed = Object.fromEntries(Object.entries(feeds).filter(([name]) => without.inputs.includes(name)));
  try {
    for (const session of sessions) await session.run(fed);
    const ratios: number[] = [];
    for (let i = 0; i < turns; i++) {
      if (i % 2 === 0) {
        const base = await turn(without, fed);
        ratios.push((await turn(with_, fed)) / base);
      } else {
        const now = await turn(with_, fed);
        ratios.push(now / (await turn(without, fed)));
      }
    }
    return ratios;
  } finally {
    for (const session of sessions) await session.dispose();
  }
}

interface PassesOptions {
  /** Pairs of turns. */
  readonly turns: number;
  readonly json: boolean;
  /** The names of the graphs that are timed; all unless given. */
  readonly only?: readonly string[];
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** Times each pass on each graph that it changes; `all` is all of them against none. */
export async function timePasses({ turns, json, only }: PassesOptions): Promise<Outcome> {
  const names = switches();
  const effects: Effect[] = [];
  for (const graph of graphs().filter(({ name }) => only === undefined || only.includes(name))) {
    const whole = written(graph, []);
    for (const [pass, without] of [...names.map((name) => [name, [name]] as const), ["all", names] as const]) {
      const bare = written(graph, without);
      if (Buffer.compare(bare, whole) === 0) continue;
      tell(`${graph.name}, ${pass}`);
      const ratios = await compared([bare, whole], graph.feeds, turns);
      const at = (share: number): number => sorted(ratios)[Math.round(share * (ratios.length - 1))] ?? Number.NaN;
      const count = (bytes: Uint8Array) => nodesIn(decodeModel(bytes, graph.name).graph ?? {});
      effects.push({
        ...{ pass, graph: graph.name, nodes: [count(bare), count(whole)] },
        ...{ ratio: median(ratios), quartiles: [at(0.25), at(0.75)] },
      });
    }
  }
  const rows = effects.map(({ pass, graph, nodes, ratio, quartiles }) => [
    ...[graph, pass, `${nodes[0]} → ${nodes[1]}`, ratio.toFixed(2)],
    quartiles.map((quartile) => quartile.toFixed(2)).join("–"),
  ]);
  const text = json
    ? JSON.stringify({ machine: machine(), turns, effects }, null, 2)
    : table(["graph", "pass", "nodes", "time with ÷ without", "quartiles"], rows);
  return { text, status: 0 };
}
