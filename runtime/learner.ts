// What people use: a Learner is a bundle that was opened, a Personal is what it became for one user.

import { type BundleFile, InnerloopError, type Manifest, type Tensor } from "@innerloop/schemas/bundle";
import { host } from "#host";
import { type Bundle, type BundleSource, readBundle } from "./bundle.ts";
import {
  type Batch,
  type Example,
  type Numbers,
  packQueries,
  packSupport,
  type Support,
  type Task,
} from "./examples.ts";
import type { HostOptions, ProviderName } from "./host.ts";
import { Lifetime } from "./lifetime.ts";
import { Models } from "./models.ts";
import { chooseProvider, type ProviderChoice, type SessionOptions } from "./providers.ts";
import type { Session } from "./session.ts";
import { type AdaptedState, decodeState, encodeState } from "./state.ts";

/** Where a learner runs, and what it must be. */
export interface LoadOptions<T extends Task = Task> extends HostOptions {
  /**
   * `auto` (the default) takes the first of cuda, webgpu, cpu that works; a named one is used or refused, never replaced.
   * `cpu` is the processor everywhere: in a browser it means `wasm`.
   */
  readonly provider?: ProviderName | "auto";
  /** Refuses a bundle for another task, and types the answers: `{ task: "regression" }`. */
  readonly task?: T;
}

/** How to adapt. */
export interface AdaptOptions {
  /** Inner-loop steps, from 0; the manifest's `innerLoop.steps` when not given. */
  readonly steps?: number;
  /** Multiplies the learned inner rates; 1 when not given. */
  readonly rate?: number;
}

/** The answer for one example. */
export interface ClassPrediction {
  /** The most probable label. */
  readonly label: string;
  /** Its probability, 0…1. */
  readonly probability: number;
  /** The probability of each label; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** What the softmax was taken of, one for each label, in the order of `labels`. */
  readonly logits: readonly number[];
}

/** The answer for one example of a regression: `output.size` values. */
export interface ValuePrediction {
  readonly value: readonly number[];
}

/** What {@link Learner.predict} and {@link Personal.predict} answer, by task. */
export type Prediction<T extends Task = "classification"> = T extends "regression" ? ValuePrediction : ClassPrediction;

/**
 * A bundle, opened. Adapting does not change it: each call makes a {@link Personal} of its own. All calls may overlap.
 *
 * Its type parameter is the bundle's task; say `Learner.load("bundle/", { task: "regression" })` for a regression.
 *
 * @example
 * ```ts
 * const learner = await Learner.load("bundle/");
 * const mine = await learner.adapt([
 *   { label: "wave", data: firstWindow },
 *   { label: "tap", data: secondWindow },
 * ]);
 * const { label, probability } = await mine.predict(nextWindow);
 * await mine.save("mine.safetensors");
 * // … later
 * const again = await learner.restore("mine.safetensors");
 * await learner.dispose();
 * ```
 */
export class Learner<T extends Task = "classification"> {
  readonly #opened: OpenedBundle;

  private constructor(opened: OpenedBundle) {
    this.#opened = opened;
  }

  /**
   * Opens a bundle: reads and checks all of it and picks a provider. The models themselves are opened at their first use.
   *
   * @param source the bundle's folder (Node: a path or a `file:` URL), its URL (`http:`, `https:`; in a page also relative
   *   to it), or `{ files }`, its files in memory by name
   * @throws InnerloopError `bundle-missing`, `bundle-unreachable`, `bundle-altered`, `manifest-invalid`, `newer-version`, `other-task`,
   *   `provider-unavailable`, `onnxruntime-missing`, `bad-option`.
   */
  static async load<T extends Task = "classification">(
    source: BundleSource,
    options: LoadOptions<T> = {},
  ): Promise<Learner<T>> {
    const [bundle, provider] = await Promise.all([readBundle(source), chooseProvider(options)]);
    const { name, task } = bundle.manifest;
    if (options.task !== undefined && options.task !== task) {
      throw new InnerloopError(
        "other-task",
        `the bundle "${name}" is for ${task} and ${options.task} was asked for; load another bundle`,
        {
          exitStatus: 2,
        },
      );
    }
    return new Learner<T>(new OpenedBundle(bundle, provider, options));
  }

  /** What the bundle says of itself. */
  get manifest(): Manifest {
    return this.#opened.bundle.manifest;
  }

  /** Where it runs, why, and why not elsewhere. */
  get provider(): ProviderChoice {
    return this.#opened.provider;
  }

  /**
   * Adapts to a handful of examples.
   *
   * @param examples `{ label, data }` each, or `{ data, shape: [n, ...input.shape], labels }`; at least two labels.
   *   A regression takes `{ x: { data, shape: [n, ...input.shape] }, y: { data, shape: [n, output.size] } }`.
   * @throws InnerloopError `bad-input` for examples that do not fit the bundle, `bad-option`, `diverged` when the loss
   *   became infinite, `disposed`.
   */
  adapt(examples: Support<T>, options: AdaptOptions = {}): Promise<Personal<T>> {
    return this.#opened.lifetime.during(
      async () => new Personal<T>(this.#opened, await adapt(this.#opened, examples as Support<Task>, options)),
    );
  }

  /**
   * Predicts with the weights as they were trained, before any adaptation. The labels are the bundle's, or "0", "1", ….
   *
   * @param example `input.shape` values
   * @throws InnerloopError `bad-input`, `disposed`, and `not-adapted` for a bundle whose head is made from the examples.
   */
  async predict(example: Numbers | Example): Promise<Prediction<T>> {
    return first(await predict<T>(this.#opened, undefined, [example]));
  }

  /**
   * {@link predict} for many examples at once.
   *
   * @param examples a list of examples, or `{ data, shape: [n, ...input.shape] }`
   */
  predictBatch(examples: readonly (Numbers | Example)[] | Batch): Promise<Prediction<T>[]> {
    return predict<T>(this.#opened, undefined, examples);
  }

  /**
   * Takes up what {@link Personal.save} or {@link Personal.toBytes} wrote; it predicts as before, to the bit.
   *
   * @param file a path, a `file:` URL, or the file's bytes
   * @throws InnerloopError `other-bundle` for a file of another bundle, `safetensors-invalid` for one that is cut short,
   *   `personal-invalid`, `newer-version`, `file-missing`, `disposed`.
   */
  restore(file: string | URL | Uint8Array): Promise<Personal<T>> {
    return this.#opened.lifetime.during(async () => {
      const inMemory = file instanceof Uint8Array;
      const bytes = inMemory ? file : await host.read(file, "a saved personal model");
      const source = inMemory ? "the given bytes" : String(file);
      return new Personal<T>(this.#opened, decodeState(this.#opened.bundle, bytes, source));
    });
  }

  /** Waits for the calls that run, then frees the models. Further calls, of its Personals too, are refused. */
  dispose(): Promise<void> {
    return this.#opened.lifetime.end();
  }
}

/** A learner adapted to one user's examples: its labels and its own values of the adapted parameters. */
export class Personal<T extends Task = "classification"> {
  readonly #opened: OpenedBundle;
  readonly #state: AdaptedState;

  /** Made by {@link Learner.adapt} and {@link Learner.restore}. */
  constructor(opened: OpenedBundle, state: AdaptedState) {
    this.#opened = opened;
    this.#state = state;
  }

  /** The labels it tells apart, in order of first appearance or of the bundle's fixed set; empty for a regression. */
  get labels(): readonly string[] {
    return this.#state.labels;
  }

  /** The mean loss over the examples before each step, and after the last. */
  get supportLoss(): readonly number[] {
    return this.#state.supportLoss;
  }

  /** The adapted parameters, by name. */
  get state(): Readonly<Record<string, Tensor>> {
    return this.#state.parameters;
  }

  /**
   * Predicts one example; the answer depends on nothing but it and {@link state}.
   *
   * @param example `input.shape` values, with or without their shape
   * @throws InnerloopError `bad-input`, `disposed`.
   */
  async predict(example: Numbers | Example): Promise<Prediction<T>> {
    return first(await predict<T>(this.#opened, this.#state, [example]));
  }

  /**
   * Predicts many examples in one run, in their order.
   *
   * @param examples a list of examples, or `{ data, shape: [n, ...input.shape] }`
   * @throws InnerloopError `bad-input`, `disposed`.
   */
  predictBatch(examples: readonly (Numbers | Example)[] | Batch): Promise<Prediction<T>[]> {
    return predict<T>(this.#opened, this.#state, examples);
  }

  /** The bytes that {@link save} writes. */
  toBytes(): Uint8Array {
    return encodeState(this.#opened.bundle, this.#state);
  }

  /**
   * Saves it as a safetensors file, whole or not at all: when it fails, an earlier file stays.
   *
   * @throws InnerloopError `write-failed`.
   */
  async save(file: string | URL): Promise<void> {
    await host.write(file, this.toBytes());
  }
}

/** What a Learner and its Personals share: the bundle, and the sessions that were opened of it. */
class OpenedBundle {
  readonly bundle: Bundle;
  readonly lifetime: Lifetime;
  readonly #models: Models;

  constructor(bundle: Bundle, provider: ProviderChoice, options: SessionOptions) {
    this.bundle = bundle;
    this.#models = new Models(bundle.models, provider, options);
    this.lifetime = new Lifetime("this learner", () => this.#models.dispose());
  }

  get provider(): ProviderChoice {
    return this.#models.provider;
  }

  /** The session of one of the models, opened once. */
  session(file: BundleFile): Promise<Session> {
    return this.#models.session(file);
  }
}

async function adapt(opened: OpenedBundle, examples: Support<Task>, options: AdaptOptions): Promise<AdaptedState> {
  const { manifest } = opened.bundle;
  const { steps = manifest.innerLoop.steps, rate } = options;
  if (!(Number.isInteger(steps) && steps >= 0)) {
    throw badOption(`steps ${String(steps)} was given; a whole number from 0 was expected`);
  }
  if (rate !== undefined && !(Number.isFinite(rate) && rate >= 0)) {
    throw badOption(`rate ${String(rate)} was given; it multiplies the learned rates: a number from 0 was expected`);
  }
  const support = packSupport(manifest, examples);
  const session = await opened.session("adapt.onnx");
  const feeds: Record<string, Tensor> = { support_x: support.x, support_y: support.y, steps: int64(steps) };
  if (rate !== undefined) {
    if (!session.inputs.includes("rate")) {
      throw badOption(
        `rate ${rate} was given; this bundle (${manifest.innerLoop.algorithm}) has no rates; leave it out`,
      );
    }
    feeds.rate = { dtype: "float32", shape: [], data: Float32Array.of(rate) };
  }
  const results = await session.run(feeds);
  const supportLoss = Array.from(output(results, "support_loss").data as Float32Array);
  if (!supportLoss.every(Number.isFinite)) {
    throw new InnerloopError(
      "diverged",
      `the loss became infinite after ${supportLoss.findIndex((loss) => !Number.isFinite(loss))} of ${steps} steps; ` +
        `use fewer steps (this bundle was made for ${manifest.innerLoop.steps}) or a smaller rate than ${rate ?? 1}, and check the examples' scale`,
    );
  }
  const adapted = manifest.parameters.filter((parameter) => parameter.adapted);
  const parameters = Object.fromEntries(adapted.map(({ name }) => [name, output(results, `adapted/${name}`)]));
  return { labels: support.labels, columns: support.columns, supportLoss, parameters };
}

function predict<T extends Task>(
  opened: OpenedBundle,
  state: AdaptedState | undefined,
  examples: readonly (Numbers | Example)[] | Batch,
): Promise<Prediction<T>[]> {
  return opened.lifetime.during(async () => {
    const { manifest } = opened.bundle;
    if (state === undefined && manifest.parameters.some((parameter) => parameter.required)) {
      throw new InnerloopError(
        "not-adapted",
        `the bundle "${manifest.name}" makes its head from the examples, so it knows no class yet; call adapt first`,
        { exitStatus: 2 },
      );
    }
    const queries = packQueries(manifest, examples);
    const [count = 0] = queries.shape;
    if (count === 0) return [];
    const session = await opened.session("predict.onnx");
    const logits = output(await session.run({ query_x: queries, ...state?.parameters }, ["logits"]), "logits");
    const width = logits.shape[1] ?? 0;
    const values = logits.data as Float32Array;
    const answers: Prediction<Task>[] = [];
    for (let start = 0; start < count * width; start += width) {
      const row = Array.from(values.subarray(start, start + width));
      answers.push(manifest.task === "regression" ? { value: row } : classify(row, state, manifest.labels));
    }
    return answers as Prediction<T>[];
  });
}

/** The answer in a row of logits: the softmax over the labels that are known. */
function classify(row: readonly number[], state: AdaptedState | undefined, fixed: readonly string[] | undefined) {
  const labels = state?.labels ?? fixed ?? row.map((_, index) => String(index));
  const logits = state === undefined ? row : state.columns.map((column) => row[column] ?? Number.NaN);
  if (!logits.every(Number.isFinite)) {
    throw new InnerloopError(
      "bundle-inconsistent",
      `predict.onnx gave the logits ${row.join(", ")} for the labels ${labels.join(", ")}; one finite number each was expected; export the bundle again`,
    );
  }
  const highest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const best = logits.indexOf(highest);
  return {
    label: labels[best]!,
    probability: weights[best]! / total,
    probabilities: Object.fromEntries(labels.map((label, index) => [label, weights[index]! / total])),
    logits,
  };
}

function output(results: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const tensor = results[name];
  if (tensor === undefined) {
    throw new InnerloopError(
      "bundle-inconsistent",
      `the bundle's model has no output "${name}", which its manifest promises; export the bundle again`,
    );
  }
  return tensor;
}

function int64(value: number): Tensor {
  return { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) };
}

function first<A>(answers: readonly A[]): A {
  return answers[0]!;
}

function badOption(message: string): InnerloopError {
  return new InnerloopError("bad-option", message, { exitStatus: 2 });
}
