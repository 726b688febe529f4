// What the page knows and learns: the only file that speaks to the runtime. Recordings go in, answers come out.
import { Learner, type Manifest, type Personal, type ProviderChoice } from "@innerloop/runtime";
import { decodeSafetensors, encodeSafetensors } from "@innerloop/schemas/bundle";
import { waysFor } from "../fits.ts";
import type { Kind } from "./kinds/kind.ts";

/** A recording that was learned. */
export interface Example<R> {
  readonly id: string;
  /** As the bundle takes it. */
  readonly values: Float32Array;
  /** Absent where it came from a file that does not have it. */
  readonly recording: R | undefined;
}

/** A symbol, and its hue in degrees. */
export interface SymbolClass<R> {
  readonly label: string;
  readonly hue: number;
  readonly examples: readonly Example<R>[];
}

/** What a recording is taken for. */
export interface Answer {
  readonly label: string;
  readonly probability: number;
  readonly probabilities: Readonly<Record<string, number>>;
  /** False: it is none of the symbols. */
  readonly known: boolean;
  /** What the bundle got of the recording. */
  readonly values: Float32Array;
}

export type Place = "wasm" | "webgpu";

/** A personal model, and what is seen of each of its examples, by id. */
interface Notebook<R> {
  readonly mine: Personal;
  readonly pages: Map<string, Seen<R>>;
}

interface Seen<R> extends Omit<Example<R>, "id"> {
  readonly hue: number;
}

/** Far from those before them, so that symbols taught one after the other look different. */
const hues = [262, 28, 152, 325, 75, 200, 0, 115, 295, 232, 50, 175];

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** As many changes as a Personal takes back. */
const undoLevels = 16;

/** Where a saved file has what is seen of the examples, beside what the runtime saves; other programs pass over it. */
const seenKey = "demo_drawings";

export class Model<R> {
  readonly #learner: Learner;
  readonly #kind: Kind<R>;
  #notebook: Notebook<R>;
  #undo: (() => Promise<unknown> | undefined)[] = [];

  /** Milliseconds of the last learning and the last answer; 0 before there was one. */
  adaptMs = 0;
  predictMs = 0;

  private constructor(learner: Learner, kind: Kind<R>) {
    this.#learner = learner;
    this.#kind = kind;
    this.#notebook = { mine: learner.start(), pages: new Map() };
  }

  /**
   * Opens a bundle and runs it once, so that the first recording does not wait for it.
   *
   * @param base the page's address; the bundle, at a place in it, and ONNX Runtime lie below it
   */
  static async open<R>(base: URL, at: string, kind: Kind<R>, provider: Place): Promise<Model<R>> {
    const learner = await Learner.load(new URL(at, base), { provider, wasmPaths: new URL("ort/", base).href });
    waysFor(learner.manifest);
    const model = new Model(learner, kind);
    const values = await Promise.all(kind.trial().map((recording) => model.#values(recording)));
    const trial = values.map((data, i) => ({ label: String(i), data }));
    const warm = await learner.adapt(trial);
    await warm.predict(trial[0]!.data);
    return model;
  }

  get manifest(): Manifest {
    return this.#learner.manifest;
  }

  get provider(): ProviderChoice {
    return this.#learner.provider;
  }

  get classes(): readonly SymbolClass<R>[] {
    const { mine, pages } = this.#notebook;
    return mine.labels.map((label) => {
      const examples = mine.examples
        .filter((example) => example.label === label)
        .map(({ id }) => ({ id, ...pages.get(id)! }));
      return { label, hue: examples[0]!.hue, examples };
    });
  }

  class(label: string): SymbolClass<R> | undefined {
    return this.classes.find((known) => known.label === label);
  }

  /** The most symbols that the bundle tells apart; null: any number. */
  get limit(): number | null {
    return this.manifest.output.ways;
  }

  get full(): boolean {
    return this.limit !== null && this.classes.length >= this.limit;
  }

  /** Whether it can recognise: below two symbols, there is nothing to tell apart. */
  get ready(): boolean {
    return this.#notebook.mine.ready;
  }

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }

  /**
   * The loss of guessing. A head that begins at the classes' means leaves the first step little to do: what it made of the
   * examples is seen from here only.
   */
  get guess(): number | undefined {
    return this.manifest.innerLoop.head === "prototypes" ? Math.log(this.classes.length) : undefined;
  }

  /** The loss on the examples, from before the first step to after the last; none below two symbols. */
  get losses(): readonly number[] {
    return this.#notebook.mine.supportLoss;
  }

  /**
   * Learns a recording.
   *
   * @param label of a symbol, or `null` for a new one
   * @returns the symbol's label
   */
  async teach(label: string | null, recording: R): Promise<string> {
    const { mine, pages } = this.#notebook;
    const name = label ?? this.#freeName();
    const hue = this.class(name)?.hue ?? this.#freeHue();
    const values = await this.#values(recording);
    const ids = await this.#change(() => mine.add(name, values));
    for (const id of ids) pages.set(id, { recording, values, hue });
    return name;
  }

  /** Forgets a symbol, by its label, or an example, by its id: as if it had never been there. */
  async remove(labelOrId: string): Promise<void> {
    await this.#change(() => this.#notebook.mine.remove(labelOrId));
  }

  async rename(label: string, to: string): Promise<void> {
    await this.#change(() => this.#notebook.mine.relabel(label, to));
  }

  /** Takes back the last change. */
  async undo(): Promise<void> {
    await this.#undo.pop()?.();
  }

  async recognise(recording: R): Promise<Answer> {
    const values = await this.#values(recording);
    const since = performance.now();
    const { known = true, label, probability, probabilities } = await this.#notebook.mine.predict(values);
    this.predictMs = performance.now() - since;
    return { label, probability, probabilities, known, values };
  }

  /** Forgets everything; {@link undo} brings it back. */
  restart(): void {
    this.#open({ mine: this.#learner.start(), pages: new Map() });
  }

  /** A file of what was learned: a personal model as the runtime saves it, and what is seen of its examples. */
  async save(): Promise<Uint8Array> {
    const { mine, pages } = this.#notebook;
    const { tensors, metadata } = decodeSafetensors(await mine.toBytes(), "the personal model");
    const seen = [...pages].map(([id, { recording, hue }]) => {
      const drawing = recording === undefined ? undefined : this.#kind.keep(recording);
      return [id, { drawing, hue }];
    });
    return encodeSafetensors(tensors, { ...metadata, [seenKey]: JSON.stringify(seen) });
  }

  /**
   * Takes up what {@link save} gave, or what another program saved with the same bundle.
   *
   * @throws InnerloopError for other files, which changes nothing
   */
  async load(bytes: Uint8Array, name: string): Promise<void> {
    const mine = await this.#learner.restore(bytes);
    const { tensors, metadata } = decodeSafetensors(bytes, name);
    const seen = seenIn(metadata[seenKey]);
    const examples = Float32Array.from(tensors["support/x"]?.data ?? [], Number);
    const size = examples.length / Math.max(1, mine.examples.length);
    const pages: Notebook<R>["pages"] = new Map();
    mine.examples.forEach(({ id, label }, i) => {
      const { drawing, hue = hues[mine.labels.indexOf(label) % hues.length]! } = seen.get(id) ?? {};
      const values = examples.slice(i * size, (i + 1) * size);
      pages.set(id, { values, recording: this.#kind.restore(drawing), hue });
    });
    this.#open({ mine, pages });
  }

  /** Frees the models. */
  async close(): Promise<void> {
    await this.#learner.dispose();
  }

  #open(notebook: Notebook<R>): void {
    const before = this.#notebook;
    this.#notebook = notebook;
    this.#remember(() => {
      this.#notebook = before;
      return undefined;
    });
  }

  async #change<R>(action: () => Promise<R>): Promise<R> {
    const { mine } = this.#notebook;
    const since = performance.now();
    const result = await action();
    if (mine.ready) this.adaptMs = performance.now() - since;
    this.#remember(() => mine.undo());
    return result;
  }

  #remember(undo: () => Promise<unknown> | undefined): void {
    this.#undo = [...this.#undo, undo].slice(-undoLevels);
  }

  async #values(recording: R): Promise<Float32Array> {
    const input = this.#kind.input(recording);
    return input instanceof Float32Array ? input : await this.#learner.example(input);
  }

  #freeName(): string {
    const { labels } = this.#notebook.mine;
    const names = [...letters, ...labels.map((_, i) => `A${i + 1}`)];
    return names.find((name) => !labels.includes(name))!;
  }

  #freeHue(): number {
    const used = this.classes.map(({ hue }) => hue);
    return hues.find((hue) => !used.includes(hue)) ?? (used.length * 47) % 360;
  }
}

/** What a saved file has of its examples, by id; nothing of a file that another program wrote. */
function seenIn(text: string | undefined): ReadonlyMap<unknown, { readonly drawing?: unknown; readonly hue?: number }> {
  const listed: unknown = text === undefined ? [] : JSON.parse(text);
  const seen = new Map<unknown, { drawing?: unknown; hue?: number }>();
  for (const entry of Array.isArray(listed) ? listed : []) {
    const [id, page]: unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof page !== "object" || page === null) continue;
    const hue = "hue" in page && Number.isFinite(page.hue) ? Number(page.hue) : undefined;
    seen.set(id, { ...("drawing" in page && { drawing: page.drawing }), ...(hue !== undefined && { hue }) });
  }
  return seen;
}
