// A learner on the features of a frozen encoder: each example is encoded once, classes are held back as of any data, and what comes out
// takes what the encoder takes, such as texts.
import type { Encoder } from "@innerloop/export";
import { type Manifest, type RunConfigInput, sizeOf } from "@innerloop/schemas";
import {
  completeConfig,
  MetaDataset,
  openTasks,
  PooledTasks,
  type RunOptions,
  type RunResult,
  runTraining,
  splits,
  type TaskSource,
  verificationEpisodes,
} from "@innerloop/train";
import { wrongCall } from "./refusal.ts";

/** What is trained on an encoder. */
export interface EncoderTraining
  extends Pick<RunOptions, "signal" | "onStart" | "onProgress" | "onValidation" | "onMessage" | "onValidating"> {
  /** SPEC of the data: `texts:FILE`, or others that the encoder takes. */
  readonly data: string;
  /** The bundle's folder. */
  readonly out: string;
  /** What of a run config is other than usual. */
  readonly config?: Omit<RunConfigInput, "data" | "from" | "folds">;
  /** Told of how many examples are encoded. */
  onEncoded?(done: number, all: number): void;
}

/** What came of it. */
export interface EncoderTrained {
  readonly manifest: Manifest;
  readonly run: RunResult;
}

/** Examples that are encoded at once. */
const batch = 32;

/**
 * Meta-trains a learner on the features of an encoder, and writes both as one bundle.
 *
 * @throws InnerloopError `wrong-data` (status 2) for data that the encoder does not take; what opening data, training and export throw
 * @example
 * const encoder = await openEncoder(await readFile("encoder.onnx"), "encoder.onnx", { tokenizer });
 * await trainOnEncoder(encoder, { data: "texts:tickets.csv", out: "bundle", config: { minutes: 1 } });
 */
export async function trainOnEncoder(encoder: Encoder, options: EncoderTraining): Promise<EncoderTrained> {
  const { data, out, config: given = {}, onEncoded, ...told } = options;
  const config = completeConfig({ ...given, data });
  const tasks = await openTasks(data, {
    ...(encoder.preprocessing ? { preprocessing: encoder.preprocessing } : {}),
    ...(config.examples ? { examples: config.examples } : {}),
    ...(config.split ? { split: { parts: config.split } } : {}),
  });
  for (const note of tasks.notes ?? []) told.onMessage?.(note);
  if (!(tasks instanceof PooledTasks) || tasks.inputShape.join() !== encoder.inputShape.join())
    throw wrongCall(
      "wrong-data",
      `The examples of ${data} have the shape [${tasks.inputShape}], and the encoder takes classes of [${encoder.inputShape}]; give data that it takes.`,
    );
  const asSplit = (tasks as TaskSource).split;
  const features = await encodeAll(encoder, tasks, { ...told, ...(onEncoded ? { onEncoded } : {}) }, config);
  const run = await runTraining({ config, tasks: features, ...told });
  told.signal?.throwIfAborted();
  const manifest = await encoder.export(run.learner, run.weights, {
    out,
    episodes: verificationEpisodes(tasks, { ...run.header.config, shots: config.shots }).slice(0, 3),
    shots: config.shots,
    training: {
      data,
      seed: config.seed,
      iterations: run.header.iteration,
      tasksSeen: run.header.iteration * config.metaBatch,
      metaBatch: config.metaBatch,
      ways: config.ways,
      shots: config.shots,
      ...(asSplit ? { split: asSplit } : {}),
    },
    ...(told.signal ? { signal: told.signal } : {}),
  });
  return { manifest, run };
}

/** The same classes, split alike, of features in place of examples. */
async function encodeAll(
  encoder: Encoder,
  tasks: PooledTasks,
  { signal, onEncoded }: Pick<EncoderTraining, "signal" | "onEncoded">,
  { ways, shots, queries }: { readonly ways: number; readonly shots: number; readonly queries: number },
): Promise<MetaDataset> {
  const labels: string[] = [];
  const examples: Float32Array[] = [];
  const split = { val: [] as string[], test: [] as string[] };
  for (const part of splits)
    tasks.classes(part, Number.POSITIVE_INFINITY).forEach(({ name, examples: count }, index) => {
      if (part !== "train") split[part].push(name);
      for (let i = 0; i < count; i++) {
        labels.push(name);
        examples.push(tasks.example(part, index, i));
      }
    });
  const size = sizeOf(tasks.inputShape);
  const data = new Float32Array(examples.length * encoder.width);
  for (let from = 0; from < examples.length; from += batch) {
    signal?.throwIfAborted();
    const some = examples.slice(from, from + batch);
    const rows = new Float32Array(some.length * size);
    some.forEach((example, i) => {
      rows.set(example, i * size);
    });
    data.set(await encoder.encode(rows), from * encoder.width);
    onEncoded?.(from + some.length, examples.length);
  }
  const shape = [examples.length, encoder.width];
  return new MetaDataset({ data, shape }, labels, { ways, shots, queries, split, name: `features of ${tasks.name}` });
}
