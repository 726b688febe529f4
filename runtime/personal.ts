// What a learner became for one user, and how it goes on with that user: examples come, go and change their label.
import { show, type Tensor } from "@innerloop/schemas/bundle";
import { host } from "#host";
import { type Adaptation, type AdaptedState, type AdaptOptions, readSteps, refuseAborted } from "./adaptation.ts";
import { type Familiarity, familiarityOf } from "./confidence.ts";
import type { Key } from "./encryption.ts";
import type { Check, Evaluation } from "./evaluation.ts";
import {
  type Example,
  type Examples,
  type Kept,
  type LabelledRows,
  labelsOf,
  listing,
  type Numbers,
  readExamples,
  readRows,
  readSupport,
  readTarget,
  type Support,
  type Task,
  takeExamples,
  tooFew,
} from "./examples.ts";
import type { OpenedBundle } from "./opened.ts";
import { learn, type Prediction, predict } from "./prediction.ts";
import { badInput, checkOptions } from "./refusal.ts";
import type { PersonalRecord } from "./state.ts";

/** How to save. */
export interface SaveOptions {
  /** Encrypts with AES-GCM: 32 random bytes, or a CryptoKey. */
  readonly key?: Key;
}

/** What a Personal is at one time; never changed, so that a call that started goes on with what it started with. */
interface Moment extends Omit<PersonalRecord, "settings"> {
  readonly check?: Check;
}

/** Examples with ids, and the number of the next one, where it has changed. */
interface Named extends Partial<Pick<Moment, "next">> {
  readonly examples: readonly Kept[];
}

/** How many changes can be undone, unless the adapted parameters of so many would take more than this many bytes. */
const undoLevels = 16;
const undoBytes = 2 ** 26;

/**
 * A learner adapted to one user's examples, which it keeps. Every change adapts the bundle's weights anew to the examples
 * that there are then: one that was removed leaves no trace in the answers, and neither does the order of changes.
 *
 * Changes wait for each other, in the order of the calls; one that fails or is aborted changes nothing. Predictions do not
 * wait: they are made with what was adapted last when they were called.
 *
 * With fewer than two labels it cannot tell anything apart: it is not {@link ready}, but grows all the same.
 */
export class Personal<T extends Task = "classification"> {
  readonly #opened: OpenedBundle;
  readonly #settings: PersonalRecord["settings"];
  readonly #past: Moment[] = [];
  #now: Moment;
  #turn: Promise<unknown> = Promise.resolve();

  /** Made by {@link Learner.adapt}, {@link Learner.start} and {@link Learner.restore}. */
  constructor(opened: OpenedBundle, { settings, ...now }: PersonalRecord) {
    this.#opened = opened;
    this.#settings = settings;
    this.#now = now;
  }

  /** As {@link Learner.adapt}: starts from examples. */
  static async from<T extends Task>(
    opened: OpenedBundle,
    examples: Support<T>,
    options: AdaptOptions & { readonly keepExamples?: boolean },
  ): Promise<Personal<T>> {
    const { manifest } = opened.bundle;
    const { steps, rate } = readSteps(manifest, options);
    const settings = rate === undefined ? { steps } : { steps, rate };
    const mine = new Personal<T>(opened, { adapted: undefined, examples: [], next: 1, settings });
    const named = mine.#name(takeExamples(manifest, readSupport(manifest, examples as Support<Task>)));
    const few = tooFew(manifest, named.examples);
    if (few !== undefined) throw few;
    const now = await mine.#adapt(named, options);
    mine.#now = options.keepExamples === false ? { ...now, examples: undefined } : now;
    return mine;
  }

  /** The labels of its examples, in order of first appearance or of the bundle's fixed set; empty for a regression. */
  get labels(): readonly string[] {
    const { adapted, examples = [] } = this.#now;
    return adapted?.labels ?? labelsOf(this.#opened.bundle.manifest, examples);
  }

  /** Whether it can predict: it has two labels, or, for a regression, a point. */
  get ready(): boolean {
    return this.#now.adapted !== undefined;
  }

  /** What it was adapted to, in the order in which it came; empty where examples are not kept. */
  get examples(): readonly { readonly id: string; readonly label: string }[] {
    return (this.#now.examples ?? []).map(({ id, label = "" }) => ({ id, label }));
  }

  /** The mean loss over the examples before each step, and after the last. */
  get supportLoss(): readonly number[] {
    return this.#now.adapted?.supportLoss ?? [];
  }

  /** What the last adaptation did: its steps, the one that was kept, and how many were taken back. */
  get adaptation(): Adaptation | undefined {
    return this.#now.adapted?.adaptation;
  }

  /** The adapted parameters, by name. */
  get state(): Readonly<Record<string, Tensor>> {
    return this.#now.adapted?.parameters ?? {};
  }

  /**
   * Whether its examples are like what the bundle was trained on. Undefined while it is not {@link ready}, and where the bundle
   * cannot tell.
   */
  get confidence(): Familiarity | undefined {
    const { labels, shots, spread } = this.#now.adapted ?? {};
    return labels && familiarityOf(this.#opened.bundle.manifest.confidence, labels.length, shots, spread);
  }

  /** What the last change found with the option `check`. */
  get check(): Check | undefined {
    return this.#now.check;
  }

  /**
   * Predicts one example; the answer depends on nothing but it and {@link state}.
   *
   * @param example `input.shape` values, with or without their shape
   * @throws InnerloopError `bad-input`, `not-adapted` when it is not {@link ready}, `disposed`.
   */
  async predict(example: Numbers | Example): Promise<Prediction<T>> {
    return (await this.predictBatch([example]))[0]!;
  }

  /**
   * Predicts many examples, in their order. What a caller hands in must stay as it is until the answers are there.
   *
   * @param examples a list of examples, or `{ data, shape: [n, ...input.shape] }`
   * @throws InnerloopError as {@link predict}.
   */
  predictBatch(examples: Examples): Promise<Prediction<T>[]> {
    return this.#opened.lifetime.during(async () => {
      const state = this.#adapted();
      const rows = readRows(this.#opened.bundle.manifest, examples, "query");
      return (await predict(this.#opened, state, rows)) as Prediction<T>[];
    });
  }

  /**
   * Compares its answers with the truth.
   *
   * @param examples as {@link Learner.adapt} takes them, with labels that it knows; to stay as they are until the answer
   *   is there
   * @throws InnerloopError as {@link predict}.
   */
  evaluate(examples: Support<T>): Promise<Evaluation<T>> {
    return this.#opened.lifetime.during(async () => {
      const state = this.#adapted();
      const support = readSupport(this.#opened.bundle.manifest, examples as Support<Task>);
      const { evaluate } = await import("./later.ts");
      return (await evaluate(this.#opened, state, support)) as Evaluation<T>;
    });
  }

  /**
   * Learns further examples, of a label that it knows or of a new one. The bundle says how many labels there can be:
   * `output.ways`, or any number.
   *
   * @param examples one, a list, or `{ data, shape: [n, ...input.shape] }`; or, without a label before them, what
   *   {@link Learner.adapt} takes
   * @returns their ids, for {@link remove} and {@link relabel}
   * @throws InnerloopError as {@link Learner.adapt}; `aborted`; `examples-not-kept`
   */
  add(
    label: T extends "regression" ? never : string,
    examples: Numbers | Example | Examples,
    options?: AdaptOptions,
  ): Promise<string[]>;
  add(examples: Support<T>, options?: AdaptOptions): Promise<string[]>;
  add(
    first: string | Support<T>,
    second?: Numbers | Example | Examples | AdaptOptions,
    third?: AdaptOptions,
  ): Promise<string[]> {
    const { manifest } = this.#opened.bundle;
    const named = typeof first === "string" && manifest.task === "classification";
    const read = (): LabelledRows =>
      named ? readExamples(manifest, first, second as Examples) : readSupport(manifest, first as Support<Task>);
    return this.#change((named ? third : (second as AdaptOptions)) ?? {}, () => {
      const taken = takeExamples(manifest, read());
      if (taken.length === 0) throw badInput("no examples were given; give at least one");
      return (before) => {
        const { examples, next } = this.#name(taken);
        return [{ examples: [...before, ...examples], next }, examples.map(({ id }) => id)];
      };
    });
  }

  /**
   * Forgets examples: afterwards it is as if they had never been there, but for {@link undo}.
   *
   * @param which a label, for all of its examples, or the id of one
   * @throws InnerloopError `bad-input` for a label or id that it does not have; `aborted`; `examples-not-kept`
   */
  remove(which: string, options: AdaptOptions = {}): Promise<void> {
    return this.#change(options, () => (examples) => {
      const chosen = choose(examples, which);
      return [{ examples: examples.filter((example) => !chosen.has(example)) }, undefined];
    });
  }

  /**
   * Gives examples another label: afterwards it is as if they had always had it.
   *
   * @param which the id of one, or a label, for all of its examples
   * @param to the label, or, for a regression, `output.size` values
   * @throws InnerloopError as {@link remove}
   */
  relabel(which: string, to: T extends "regression" ? Numbers : string, options: AdaptOptions = {}): Promise<void> {
    return this.#change(options, () => {
      const target = readTarget(this.#opened.bundle.manifest, to);
      return (examples) => {
        const chosen = choose(examples, which);
        const changed = examples.map((example) => (chosen.has(example) ? { ...example, ...target } : example));
        return [{ examples: changed }, undefined];
      };
    });
  }

  /**
   * Takes the last change back, to the bit and without adapting again; at most 16 in a row, fewer where parameters are large.
   *
   * @returns whether there was one; a restored or new Personal has none
   * @throws InnerloopError `disposed`
   */
  undo(): Promise<boolean> {
    return this.#inTurn(() => async () => {
      const before = this.#past.pop();
      // The ids that were given since are not given again.
      if (before !== undefined) this.#now = { ...before, next: this.#now.next };
      return before !== undefined;
    });
  }

  /**
   * The bytes that {@link save} writes, of what it is after the changes that were called before.
   *
   * @throws InnerloopError `bad-option` for what is no key, `encryption-unavailable`.
   */
  async toBytes(options: SaveOptions = {}): Promise<Uint8Array> {
    checkOptions(options);
    const { key } = options;
    const [now, { encodeState, seal }] = await Promise.all([this.#turn.then(() => this.#now), import("./later.ts")]);
    const bytes = encodeState(this.#opened.bundle, { ...now, settings: this.#settings });
    return key === undefined ? bytes : seal(bytes, key);
  }

  /**
   * Saves it with its examples as a safetensors file, whole or not at all: when it fails, an earlier file stays.
   *
   * @throws InnerloopError `write-failed`, also where there are no files, and as {@link toBytes}.
   */
  async save(file: string | URL, options: SaveOptions = {}): Promise<void> {
    await host.write(file, await this.toBytes(options));
  }

  #adapted(): AdaptedState {
    const { adapted } = this.#now;
    if (adapted !== undefined) return adapted;
    const { labels } = this;
    const lacking =
      labels.length === 0 ? "it has no examples" : `all of its examples have the label ${show(labels[0])}`;
    throw badInput(`${lacking}, so there is nothing to tell apart yet; add examples first`, "not-adapted");
  }

  /** Gives new examples ids, of which none is ever given again and none is a label. */
  #name(taken: readonly Omit<Kept, "id">[]): Required<Named> {
    const labels = new Set([...this.labels, ...taken.map(({ label }) => label)]);
    let { next } = this.#now;
    const examples = taken.map((example) => {
      while (labels.has(`#${next}`)) next++;
      return { id: `#${next++}`, ...example };
    });
    return { examples, next };
  }

  async #adapt({ examples, next = this.#now.next }: Named, options: AdaptOptions): Promise<Moment> {
    refuseAborted(options.signal);
    const { manifest } = this.#opened.bundle;
    if (tooFew(manifest, examples) !== undefined) return { examples, next, adapted: undefined };
    // The rate of before is no wish where both are to be chosen.
    const { rate: _, ...others } = this.#settings;
    const wanted = readSteps(manifest, { ...(options.steps === "auto" ? others : this.#settings), ...options });
    const { steps } = wanted;
    const chosen =
      steps === "auto" ? await (await import("./later.ts")).chooseSteps(this.#opened, examples, options) : undefined;
    const all = { ...wanted, ...(chosen ?? { steps: steps as number }) };
    const learned = await learn(this.#opened, examples, all);
    const adapted = chosen ? { ...learned, adaptation: { ...learned.adaptation!, chosen } } : learned;
    if (!options.check) return { examples, next, adapted };
    const { leaveOneOut } = await import("./later.ts");
    return { examples, next, adapted, check: await leaveOneOut(this.#opened, examples, all) };
  }

  /** @param prepare what is done at the call; it gives what is done to the examples when the call's turn comes */
  #change<R>(
    options: AdaptOptions,
    prepare: () => (examples: readonly Kept[]) => [changed: Named, result: R],
  ): Promise<R> {
    return this.#inTurn(() => {
      readSteps(this.#opened.bundle.manifest, options);
      const change = prepare();
      return async () => {
        const before = this.#now;
        if (before.examples === undefined)
          throw badInput(
            "this personal model keeps no examples, so it cannot be changed; adapt anew, without keepExamples: false",
            "examples-not-kept",
          );
        const [changed, result] = change(before.examples);
        const now = await this.#adapt(changed, options);
        this.#past.push(before);
        const bytes = Object.values(this.state).reduce((sum, { data }) => sum + data.byteLength, 0);
        if (this.#past.length > Math.max(1, Math.min(undoLevels, undoBytes / bytes))) this.#past.shift();
        this.#now = now;
        return result;
      };
    });
  }

  /** Does what `prepare` gives after the changes that were called before, whether these succeed or fail. */
  #inTurn<R>(prepare: () => () => Promise<R>): Promise<R> {
    return this.#opened.lifetime.during(() => {
      const turn = this.#turn.then(prepare());
      this.#turn = turn.catch(() => undefined);
      return turn;
    });
  }
}

/** The examples of a label, or the one with an id; a label goes before an id of the same letters. */
function choose(examples: readonly Kept[], which: string): ReadonlySet<Kept> {
  const labelled = typeof which === "string" ? examples.filter(({ label }) => label === which) : [];
  const chosen = labelled.length > 0 ? labelled : examples.filter(({ id }) => id === which);
  if (chosen.length > 0) return new Set(chosen);
  const labels = [...new Set(examples.flatMap(({ label }) => label ?? []))];
  throw badInput(
    `${show(which)} was given; a label (${listing(labels) || "there is none"}) or the id of an example was expected; see personal.examples`,
  );
}
