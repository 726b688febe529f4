// What people use: a bundle that was opened, and the ways to make it a user's.
import type { Manifest } from "@innerloop/schemas/bundle";
import { host } from "#host";
import { type AdaptOptions, readSteps, type StepOptions } from "./adaptation.ts";
import { type Bundle, type BundleSource, readBundle } from "./bundle.ts";
import { isBytes, ownBytes } from "./bytes.ts";
import { type Example, type Examples, type Numbers, readRows, type Support, type Task } from "./examples.ts";
import type { PictureSettings } from "./given.ts";
import type { HostOptions, ProviderName } from "./host.ts";
import type { Input } from "./input.ts";
import { OpenedBundle } from "./opened.ts";
import { Personal, type SaveOptions } from "./personal.ts";
import { type Prediction, predict } from "./prediction.ts";
import { chooseProvider, type ProviderChoice } from "./providers.ts";
import { type ReadOptions, reading } from "./reading.ts";
import { checkOptions } from "./refusal.ts";
import type { OwnKernels } from "./session.ts";

/** Far more than a bundle or a personal model has. */
const most = 2 ** 30;

/** Where a learner runs, and what it must be. */
export interface LoadOptions<T extends Task = Task> extends HostOptions, ReadOptions {
  /**
   * `auto` (the default) takes cuda where it works, or else the processor; a named one is used or refused, never replaced.
   * `cpu` is the processor everywhere: in a browser it means `wasm`.
   */
  readonly provider?: ProviderName | "auto";
  /** Refuses a bundle for another task, and types the answers: `{ task: "regression" }`. */
  readonly task?: T;
  /**
   * What of its preprocessing is another, for pictures that look otherwise than those that the bundle was trained on: `margin`, the
   * share of each side that stays free at both ends, `ground`, the byte that is there, and whether to `invert`.
   */
  readonly pictures?: PictureSettings;
  /** What computes on a processor: `small` of `@innerloop/runtime/small`, for small networks; `native` of `@innerloop/native`. */
  readonly kernels?: OwnKernels;
}

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
   *   `file-too-large`, `provider-unavailable`, `onnxruntime-missing`, `bad-option`, `aborted`.
   */
  static async load<T extends Task = "classification">(
    source: BundleSource,
    options: LoadOptions<T> = {},
  ): Promise<Learner<T>> {
    const [read, provider] = await reading(options, most, (bounds) => {
      const choosing = chooseProvider(options);
      return Promise.all([readBundle(source, choosing, bounds), choosing]);
    });
    const bundle = await asTaken(read, options);
    const { task } = options;
    if (task !== undefined && task !== bundle.manifest.task)
      throw (await import("./later.ts")).otherTask(bundle.manifest, task);
    // In a page that goes offline, nothing is left to be fetched.
    if (host.remote)
      import("./later.ts").then(({ prepareInput }) => prepareInput(bundle.manifest)).catch(() => undefined);
    return new Learner<T>(new OpenedBundle(bundle, provider, options, () => import("./later.ts")));
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
   * Adapts to a handful of examples. The Personal keeps copies of them and goes on learning, unless `keepExamples` is
   * false: then nothing of them is left when this is done but what they were adapted to.
   *
   * @param examples `{ label, data }` each, or `{ data, shape: [n, ...input.shape], labels }`; at least two labels.
   *   A regression takes `{ x: { data, shape: [n, ...input.shape] }, y: { data, shape: [n, output.size] } }`.
   * @throws InnerloopError `bad-input` for examples that do not fit the bundle, `bad-option`, `diverged` when the loss
   *   became infinite, `aborted`, `disposed`.
   */
  adapt(examples: Support<T>, options: AdaptOptions & { readonly keepExamples?: boolean } = {}): Promise<Personal<T>> {
    return this.#opened.lifetime.during(() => Personal.from<T>(this.#opened, examples, options));
  }

  /**
   * A Personal that has no examples yet: it grows by `add`, and predicts as soon as it has two labels.
   *
   * @param options the steps and rate of all its adaptations
   * @throws InnerloopError `bad-option`.
   */
  start(options: StepOptions = {}): Personal<T> {
    const settings = readSteps(this.manifest, options);
    return new Personal<T>(this.#opened, { adapted: undefined, examples: [], next: 1, settings });
  }

  /**
   * Turns raw input into an example for `adapt`, `predict` and the calls of a Personal, by the preprocessing that the
   * bundle was trained with (`manifest.input.preprocessing`).
   *
   * @param input a picture: decoded, `{ data, width, height }` such as ImageData; in Node also an image file's path, URL or
   *   bytes, which the package sharp decodes; in a page an image or video element, a canvas, an ImageBitmap, a VideoFrame, or
   *   an image file's URL, bytes or Blob. Or samples of a sensor or sound: `{ data, rate?, channels? }`, or an AudioBuffer. Or a
   *   row of a table: an object by column, or a list in their order. What is handed in must stay as it is until the example is there.
   * @returns the numbers of `input.shape`
   * @throws InnerloopError `bad-input` for what the bundle does not take, or a bundle without preprocessing; `image-broken`,
   *   `image-unreadable` where another origin is in the way, `sharp-missing`; `newer-version`, `manifest-invalid` for
   *   preprocessing that this release does not know; what reading a file throws, `file-too-large` and `aborted`.
   */
  async example(input: Input, options?: ReadOptions): Promise<Float32Array> {
    return (await import("./later.ts")).readExample(this.manifest, input, options);
  }

  /**
   * Predicts with the weights as they were trained, before any adaptation. The labels are the bundle's, or "0", "1", ….
   *
   * @param example `input.shape` values
   * @throws InnerloopError `bad-input`, `disposed`, and `not-adapted` for a bundle whose head is made from the examples.
   */
  async predict(example: Numbers | Example): Promise<Prediction<T>> {
    return (await this.predictBatch([example]))[0]!;
  }

  /**
   * {@link predict} for many examples; what a caller hands in must stay as it is until the answers are there.
   *
   * @param examples a list of examples, or `{ data, shape: [n, ...input.shape] }`
   */
  predictBatch(examples: Examples): Promise<Prediction<T>[]> {
    return this.#opened.lifetime.during(async () => {
      const rows = readRows(this.manifest, examples, "query");
      return (await predict(this.#opened, undefined, rows)) as Prediction<T>[];
    });
  }

  /**
   * Takes up what {@link Personal.save} or {@link Personal.toBytes} wrote; it predicts as before, to the bit.
   *
   * @param file a path or `file:` URL (Node), a URL, or the file's bytes
   * @param options the key that it was saved with, if any, and how far to read
   * @throws InnerloopError `other-bundle` for a file of another bundle, `safetensors-invalid` for one that is cut short,
   *   `personal-invalid`, `newer-version`, `file-missing`, `wrong-key`, `key-missing`, `not-encrypted`, `disposed`.
   */
  restore(file: string | URL | Uint8Array, options: SaveOptions & ReadOptions = {}): Promise<Personal<T>> {
    return this.#opened.lifetime.during(async () => {
      checkOptions(options);
      const { key } = options;
      const inMemory = isBytes(file);
      if (!inMemory && typeof file !== "string" && typeof (file as URL | null)?.href !== "string")
        throw (await import("./later.ts")).noSource(file);
      const source = inMemory ? "the given bytes" : String(file);
      const [read, { decodeState, unseal }] = await reading(options, most, (bounds) =>
        Promise.all([inMemory ? ownBytes(file) : host.read(file, "a personal model", bounds), import("./later.ts")]),
      );
      const bytes = await unseal(read, key, source);
      return new Personal<T>(this.#opened, decodeState(this.#opened.bundle, bytes, source));
    });
  }

  /** Waits for the calls that run, then frees the models. Further calls, of its Personals too, are refused. */
  dispose(): Promise<void> {
    return this.#opened.lifetime.end();
  }
}

/** A bundle that takes pictures as they are asked for. */
async function asTaken(bundle: Bundle, { pictures }: LoadOptions<Task>): Promise<Bundle> {
  if (pictures === undefined) return bundle;
  const { withPictures } = await import("./later.ts");
  return { ...bundle, manifest: withPictures(bundle.manifest, pictures) };
}
