// What a bundle made of a file is compared with: the file itself, run as it is, and the inner loop written out step by step.
import {
  input,
  type Learner,
  type ModelFiles,
  numbersFrom,
  outlineOnnx,
  type Parameters,
  type Stop,
  withOutputs,
  writeOnnx,
} from "@innerloop/graph";
import { openSession, type Session } from "@innerloop/runtime/session";
import { decodeNumbers, InnerloopError, show, sizeOf, type Tensor } from "@innerloop/schemas";
import { episodeInputs, inputFor, type Weights } from "../graphs.ts";
import { tolerance, type VerificationEpisode, type VerifyOptions } from "../verify.ts";
import type { Network } from "./network.ts";

/** What answers are compared with: the learner's steps, one after the other in a graph without a loop. */
export interface Reference extends Pick<VerifyOptions, "reference" | "engine"> {
  dispose(): Promise<void>;
}

/** @param compared whether adapted arrays are compared as well as what comes of them */
export function openReference(learner: Learner, weights: Weights, compared: boolean, stop?: Stop): Reference {
  const sessions = new Map<number, Promise<Session>>();
  const opened = (steps: number): Promise<Session> => {
    const known = sessions.get(steps);
    if (known !== undefined) return known;
    const session = openSession(unrolled(learner, weights, steps, compared), { provider: "cpu" });
    sessions.set(steps, session);
    return session;
  };
  return {
    engine: "onnxruntime:cpu, steps unrolled",
    async reference(support, query, steps) {
      const run = async (turns: number) => {
        const session = await opened(turns);
        return session.run({ support_x: support.x, support_y: support.y, query_x: query.x });
      };
      const whole = await run(steps);
      const turns = turnsUntil(stop, whole);
      const found = turns < steps ? await run(turns) : whole;
      const state = Object.entries(found).flatMap(([name, value]): [string, Tensor][] =>
        name.startsWith("adapted/") ? [[name.slice("adapted/".length), value]] : [],
      );
      return { logits: found.logits!, supportLoss: found.support_loss!, state: Object.fromEntries(state) };
    },
    async dispose() {
      for (const session of sessions.values()) await (await session).dispose();
    },
  };
}

/** After how many turns a loop with these losses ends. The steps here go on; as many of them as the loop takes are what it does. */
function turnsUntil(stop: Stop | undefined, { support_loss, kept_at }: Readonly<Record<string, Tensor>>): number {
  const losses = support_loss!.data;
  const most = losses.length - 1;
  if (!stop) return most;
  const { loss = Number.NEGATIVE_INFINITY, patience = Number.POSITIVE_INFINITY } = stop;
  for (let turn = 0; turn < most; turn++) {
    const kept = Number(kept_at?.data[turn] ?? turn);
    if (!(Number(losses[turn]) > Math.fround(loss)) || turn - kept >= patience) return turn + 1;
  }
  return most;
}

function unrolled(learner: Learner, weights: Weights, steps: number, compared: boolean): Uint8Array {
  const parameters: Parameters = Object.fromEntries(
    Object.keys(learner.parameters).map((name) => [name, inputFor(learner, weights, name)]),
  );
  const { x, y, query } = episodeInputs(learner);
  const ways = learner.outputs ?? "ways";
  const masked = learner.outputs !== undefined;
  const { state, losses, guard } = learner.adapt(parameters, { x, y }, { steps, ways, masked, balanced: true });
  const logits = learner.predict(parameters, state, query, { absolute: true });
  const adapted = compared ? Object.entries(state).map(([name, value]) => [`adapted/${name}`, value] as const) : [];
  return writeOnnx(
    {
      logits,
      support_loss: losses,
      ...(guard?.keptAt ? { kept_at: guard.keptAt } : {}),
      ...Object.fromEntries(adapted),
    },
    { inputs: [x, y, query], initializers: weights, fixed: new Set(Object.keys(learner.parameters)) },
  );
}

/** Episodes of random examples of the kind that a network takes. */
export function randomEpisodes(network: Network, learner: Learner, count: number): VerificationEpisode[] {
  const random = numbersFrom(1);
  const { inputShape } = network.plan;
  const { outputs, task } = learner;
  const examples = (labels: readonly number[]) => {
    const data = new Float32Array(labels.length * sizeOf(inputShape));
    labels.forEach((_, row) => {
      data.set(network.plan.sample(random), row * sizeOf(inputShape));
    });
    const x: Tensor = { dtype: "float32", shape: [labels.length, ...inputShape], data };
    const y: Tensor =
      task === "classification"
        ? { dtype: "int32", shape: [labels.length], data: Int32Array.from(labels) }
        : {
            dtype: "float32",
            shape: [labels.length, outputs!],
            data: Float32Array.from({ length: labels.length * outputs! }, () => 2 * random() - 1),
          };
    return { x, y };
  };
  const ways = Math.min(3, outputs ?? 3);
  const labels = Array.from({ length: 2 * ways }, (_, i) => i % ways);
  return Array.from({ length: count }, () => ({
    support: examples(labels),
    query: examples(labels.slice(0, 3)),
  }));
}

/**
 * Runs the file as it is, an example at a time, and compares its tensors with those that were read of it.
 * @throws InnerloopError `verification-failed` where they differ
 */
export async function compareWithFile(
  bytes: Uint8Array,
  network: Network,
  weights: Weights,
  files?: ModelFiles,
): Promise<void> {
  const { plan, source, tensors } = network;
  const example = input("x", [1, ...plan.inputShape]);
  const fed = Object.entries(plan.feed(example)).map(([name, value]) => [`fed/${name}`, value] as const);
  const read = Object.entries(network.raw(example)).map(([name, value]) => [`read/${name}`, value] as const);
  const ours = writeOnnx(Object.fromEntries([...fed, ...read]), {
    inputs: [example],
    initializers: weights,
    fixed: new Set(Object.keys(weights)),
  });
  const names = [...new Set([tensors.features, tensors.outputs])];
  const sessions: Session[] = [];
  try {
    const beside = filesOf(bytes, source, files);
    sessions.push(await openSession(withOutputs(bytes, source, names, files), { provider: "cpu", beside }));
    sessions.push(await openSession(ours, { provider: "cpu" }));
    const [file, mine] = sessions as [Session, Session];
    const random = numbersFrom(2);
    const most = Object.keys(network.elements).length > 0 ? narrowTolerance : tolerance;
    for (let turn = 0; turn < 3; turn++) {
      const x: Tensor = { dtype: "float32", shape: [1, ...plan.inputShape], data: plan.sample(random) };
      const found = await mine.run({ x });
      const feeds = Object.fromEntries(fed.map(([name]) => [name.slice("fed/".length), found[name]!]));
      const expected = await file.run(feeds, names);
      for (const name of names) {
        const size = difference(found[`read/${name}`]!, expected[name]!);
        if (!(size <= most))
          throw new InnerloopError(
            "verification-failed",
            `${source}: what was read of it gives another ${show(name)} than the file itself on ONNX Runtime: they differ by ` +
              `${size.toExponential(1)} of the largest number; nothing was written; report it, with the file.`,
          );
      }
    }
  } finally {
    for (const session of sessions) await session.dispose();
  }
}

/** The files that a model has its numbers in, whole. */
function filesOf(bytes: Uint8Array, source: string, files: ModelFiles | undefined): Record<string, Uint8Array> {
  const { beside } = outlineOnnx(bytes, source);
  return Object.fromEntries(
    [...beside].flatMap((path) => {
      const size = files?.size(path);
      return size === undefined ? [] : [[path, files!.read(path, 0, size)]];
    }),
  );
}

/** A file that computes in float16 rounds to a thousandth, and what is read of it to float32. */
const narrowTolerance = 0.03;

/** A tensor whose numbers are bits of an element type that graphs lack, as ONNX Runtime gives it. */
function widened({ dtype, shape, data }: Tensor): Tensor {
  if ((dtype as string) !== "float16" || data.constructor.name !== "Uint16Array") return { dtype, shape, data };
  const bits = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: "float64", shape, data: decodeNumbers("float16", bits, data.length) };
}

/** The largest, relative to the largest number that was expected. */
function difference(found: Tensor, given: Tensor): number {
  const expected = widened(given);
  if (found.data.length !== expected.data.length) return Number.POSITIVE_INFINITY;
  let [apart, largest] = [0, Number.MIN_VALUE];
  for (let i = 0; i < found.data.length; i++) {
    const [a, b] = [Number(found.data[i]), Number(expected.data[i])];
    if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.POSITIVE_INFINITY;
    apart = Math.max(apart, Math.abs(a - b));
    largest = Math.max(largest, Math.abs(b));
  }
  return apart / largest;
}
