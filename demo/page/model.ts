// What the page knows and learns: the only file that speaks to the runtime. Drawings go in, answers come out.
import { Learner, type Manifest, type Personal, type ProviderChoice } from "@innerloop/runtime";
import { decodeSafetensors, encodeSafetensors } from "@innerloop/schemas/bundle";
import { drawingFor, type Picture } from "../fits.ts";
import { rasterize } from "./raster.ts";
import { samples } from "./samples.ts";
import { type Drawing, rounded } from "./strokes.ts";

/** A drawing that was learned. */
export interface Example {
  readonly id: string;
  /** Absent where it came from a file that another program wrote. */
  readonly drawing: Drawing | undefined;
}

/** A symbol, and its hue in degrees. */
export interface SymbolClass {
  readonly label: string;
  readonly hue: number;
  readonly examples: readonly Example[];
}

/** What a drawing is taken for. */
export interface Answer {
  readonly label: string;
  readonly probability: number;
  readonly probabilities: Readonly<Record<string, number>>;
  /** False: it is none of the symbols. */
  readonly known: boolean;
}

export type Place = "wasm" | "webgpu";

/** A personal model, and what is seen of each of its examples, by id. */
interface Notebook {
  readonly mine: Personal;
  readonly pages: Map<string, { readonly drawing: Drawing | undefined; readonly hue: number }>;
}

/** Far from those before them, so that symbols taught one after the other look different. */
const hues = [262, 28, 152, 325, 75, 200, 0, 115, 295, 232, 50, 175];

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** As many changes as a Personal takes back. */
const undoLevels = 16;

/** Where a saved file has the drawings, beside what the runtime saves; other programs pass over it. */
const drawingsKey = "demo_drawings";

export class Model {
  readonly #learner: Learner;
  readonly #picture: Picture;
  #notebook: Notebook;
  #undo: (() => Promise<unknown> | undefined)[] = [];

  /** Milliseconds of the last learning and the last answer; 0 before there was one. */
  adaptMs = 0;
  predictMs = 0;

  private constructor(learner: Learner, picture: Picture) {
    this.#learner = learner;
    this.#picture = picture;
    this.#notebook = { mine: learner.start(), pages: new Map() };
  }

  /**
   * Opens a bundle and runs it once, so that the first drawing does not wait for it.
   *
   * @param base the page's address; the bundle and ONNX Runtime lie below it
   */
  static async open(base: URL, provider: Place): Promise<Model> {
    const learner = await Learner.load(new URL("bundle/", base), { provider, wasmPaths: new URL("ort/", base).href });
    const model = new Model(learner, drawingFor(learner.manifest));
    const trial = samples.slice(0, 2).map((drawing, i) => ({ label: String(i), data: model.#values(drawing) }));
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

  get classes(): readonly SymbolClass[] {
    const { mine, pages } = this.#notebook;
    return mine.labels.map((label) => {
      const examples = mine.examples
        .filter((example) => example.label === label)
        .map(({ id }) => ({ id, drawing: pages.get(id)?.drawing }));
      return { label, hue: pages.get(examples[0]!.id)?.hue ?? 0, examples };
    });
  }

  class(label: string): SymbolClass | undefined {
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
   * drawings is seen from here only.
   */
  get guess(): number | undefined {
    return this.manifest.innerLoop.head === "prototypes" ? Math.log(this.classes.length) : undefined;
  }

  /** The loss on the drawings, from before the first step to after the last; none below two symbols. */
  get losses(): readonly number[] {
    return this.#notebook.mine.supportLoss;
  }

  /**
   * Learns a drawing.
   *
   * @param label of a symbol, or `null` for a new one
   * @returns the symbol's label
   */
  async teach(label: string | null, drawing: Drawing): Promise<string> {
    const { mine, pages } = this.#notebook;
    const name = label ?? this.#freeName();
    const hue = this.class(name)?.hue ?? this.#freeHue();
    const ids = await this.#change(() => mine.add(name, this.#values(drawing)));
    for (const id of ids) pages.set(id, { drawing: rounded(drawing), hue });
    return name;
  }

  /** Forgets a symbol, by its label, or a drawing, by its id: as if it had never been there. */
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

  async recognise(drawing: Drawing): Promise<Answer> {
    const values = this.#values(drawing);
    const since = performance.now();
    const { known = true, label, probability, probabilities } = await this.#notebook.mine.predict(values);
    this.predictMs = performance.now() - since;
    return { label, probability, probabilities, known };
  }

  /** Forgets everything; {@link undo} brings it back. */
  restart(): void {
    this.#open({ mine: this.#learner.start(), pages: new Map() });
  }

  /** A file of what was learned: a personal model as the runtime saves it, and the drawings. */
  async save(): Promise<Uint8Array> {
    const { mine, pages } = this.#notebook;
    const { tensors, metadata } = decodeSafetensors(await mine.toBytes(), "the personal model");
    return encodeSafetensors(tensors, { ...metadata, [drawingsKey]: JSON.stringify([...pages]) });
  }

  /**
   * Takes up what {@link save} gave, or what another program saved with the same bundle.
   *
   * @throws InnerloopError for other files, which changes nothing
   */
  async load(bytes: Uint8Array, name: string): Promise<void> {
    const mine = await this.#learner.restore(bytes);
    const drawn = decodeSafetensors(bytes, name).metadata[drawingsKey];
    const pages: Notebook["pages"] = new Map(drawn === undefined ? [] : JSON.parse(drawn));
    mine.labels.forEach((label, i) => {
      for (const example of mine.examples) {
        if (example.label === label && !pages.has(example.id))
          pages.set(example.id, { drawing: undefined, hue: hues[i % hues.length]! });
      }
    });
    this.#open({ mine, pages });
  }

  /** Frees the models. */
  async close(): Promise<void> {
    await this.#learner.dispose();
  }

  #open(notebook: Notebook): void {
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

  #values(drawing: Drawing): Float32Array {
    return rasterize(drawing, this.#picture);
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
