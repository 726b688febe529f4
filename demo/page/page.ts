// The page of one kind of recordings: the model, what the next recording is for, and all that is said and shown of both. There
// is one for each kind that somebody turned to; what they show it on is the same, so that only one is shown.

import type { PageBundle } from "../fits.ts";
import { AnswerList } from "./answer.ts";
import { Chart, lossText } from "./chart.ts";
import { byId } from "./dom.ts";
import type { Kind, Recorder, RecorderEvents } from "./kinds/kind.ts";
import { labelPage, milliseconds } from "./labels.ts";
import { Model, type Place } from "./model.ts";
import { toneOf } from "./motion.ts";
import { renderShelf, type ShelfEvents } from "./shelf.ts";
import { type Sentence, speak } from "./voice.ts";
import { type Language, languages, type Words } from "./words.ts";

/** What the next recording is for: to be recognised, or to be learned as a symbol, `null` a new one. */
export type Mode = { readonly kind: "try" } | { readonly kind: "teach"; readonly as: string | null };

export interface PageEvents<R> {
  readonly recorder: Pick<RecorderEvents<R>, "onChange" | "onDone">;
  readonly shelf: ShelfEvents;
  /** A visitor says what the recording on the stage is: a symbol, or `null` for a new one. */
  onChoose(label: string | null): void;
}

export class Page<R> {
  readonly kind: Kind<R>;
  readonly recorder: Recorder<R>;
  readonly answers: AnswerList<R>;
  mode: Mode = { kind: "teach", as: null };
  /** Once it is open. */
  model: Model<R> | undefined;
  /** What was recognised and is still on the stage. */
  answered: { readonly recording: R } | undefined;
  readonly #bundle: PageBundle;
  readonly #events: PageEvents<R>;
  readonly #chart = new Chart(byId("chart") as unknown as SVGSVGElement);
  #shown = false;
  #language: Language;
  #opening: Promise<Model<R>>;
  #saying: Sentence = (words) => [words.first, words.firstMore];

  constructor(bundle: PageBundle, kind: Kind<R>, language: Language, events: PageEvents<R>) {
    this.kind = kind;
    this.#bundle = bundle;
    this.#language = language;
    this.#events = events;
    this.answers = new AnswerList(byId("answers"), kind.portrait);
    this.recorder = kind.record({
      onBegin: () => this.forgetAnswer(),
      onChange: (recording) => {
        this.renderTools();
        events.recorder.onChange(recording);
      },
      onPause: (waiting) => byId("pad-frame").classList.toggle("waiting", waiting),
      onDone: (recording) => {
        this.renderTools();
        events.recorder.onDone(recording);
      },
    });
    this.#opening = this.#open("wasm");
    this.#opening.then(
      (model) => {
        this.model = model;
        this.render();
      },
      ({ message }: Error) => this.say((words) => [words.unsupported, message]),
    );
  }

  get words(): Words {
    return { ...languages[this.#language], ...this.kind.words[this.#language] };
  }

  /** Somebody turns to this kind of recordings. */
  show(language: Language): void {
    this.#shown = true;
    byId("stage").replaceChildren(this.recorder.element);
    byId("pad-frame").dataset.way = this.#bundle.way;
    this.recorder.show();
    this.wipe();
    this.speakLanguage(language);
  }

  /** Somebody turns to another. */
  hide(): void {
    this.recorder.hide();
    this.wipe();
    this.#chart.clear();
    this.#shown = false;
  }

  #open(place: Place): Promise<Model<R>> {
    return Model.open(new URL(".", document.baseURI), this.#bundle.at, this.kind, place);
  }

  /** Does something to the model and shows what became of it; what goes wrong is said, and everything is as before. */
  async change(action: (model: Model<R>) => Promise<Sentence | undefined> | Sentence | undefined): Promise<void> {
    try {
      if (!this.model) this.say((words) => [words.loading, ""]);
      const model = await this.#opening;
      const { losses } = model;
      const sentence = await action(model);
      this.render();
      if (model.losses !== losses) this.showLosses();
      if (sentence) this.say(sentence);
    } catch (error) {
      const { message } = error as Error;
      this.say((words) => [words.failed, message]);
    }
  }

  /** Opens the bundle elsewhere, and takes what was learned along. */
  async moveTo(place: Place): Promise<void> {
    await this.change(async (before) => {
      const opened = await this.#open(place);
      if (before.classes.length > 0) await opened.load(await before.save(), "");
      this.model = opened;
      this.#opening = Promise.resolve(opened);
      await before.close();
      this.wipe();
      return undefined;
    });
    this.#renderPlace();
  }

  setMode(mode: Mode): void {
    this.mode = mode;
    this.wipe();
    this.render();
    const { model } = this;
    if (mode.kind === "try") this.say((words) => [words.now, words.nowMore]);
    else if (mode.as !== null) this.say((words) => [words.into, words.intoMore, mode.as!]);
    else if (model?.full) this.say((words) => [words.full(this.model!.limit!), words.fullMore]);
    else if (model?.ready) this.say((words) => [words.more, words.moreMore(this.model!.limit)]);
    else
      this.say((words) =>
        this.model?.classes.length === 1 ? [words.second, words.secondMore] : [words.first, words.firstMore],
      );
  }

  /** An empty stage, and no answer. */
  wipe(): void {
    this.recorder.clear();
    this.forgetAnswer();
  }

  forgetAnswer(): void {
    this.answered = undefined;
    byId("teach-this").hidden = true;
    byId("pad-frame").classList.remove("known", "shaken");
    this.renderTools();
    this.answers.show(undefined, false);
  }

  /** The stage takes a symbol's colour. */
  glow(hue: number): void {
    const frame = byId("pad-frame");
    frame.classList.add("known", "hued");
    frame.style.setProperty("--h", String(hue));
    this.recorder.colour(toneOf(hue));
  }

  say(sentence: Sentence): void {
    this.#saying = sentence;
    if (!this.#shown) return;
    speak(sentence, this.words, (symbol) => this.model?.class(symbol)?.hue);
  }

  /** Puts all words of the page into a language. */
  speakLanguage(language: Language): void {
    this.#language = language;
    labelPage(this.words, language, this.kind.helpIcon);
    this.recorder.speak(language);
    this.render();
    this.showLosses();
    this.say(this.#saying);
  }

  showLosses(): void {
    if (!this.#shown) return;
    const { guess, losses = [] } = this.model ?? {};
    const { words } = this;
    const [first] = losses;
    if (first === undefined) this.#chart.clear();
    else this.#chart.show(guess, losses, words);
    byId("chart").setAttribute(
      "aria-label",
      first === undefined
        ? words.chartEmpty
        : words.chart(lossText(guess ?? first), lossText(losses.at(-1)!), losses.length - 1),
    );
  }

  render(): void {
    if (!this.#shown) return;
    const { model, words } = this;
    const classes = model?.classes ?? [];
    const full = model?.full ?? false;
    const ready = model?.ready ?? false;
    document.body.classList.toggle("taught", classes.length > 0);
    document.body.classList.toggle("ready", ready);
    this.#keepModePossible();
    const { mode } = this;
    byId<HTMLInputElement>("mode-teach").checked = mode.kind === "teach";
    byId<HTMLInputElement>("mode-try").checked = mode.kind === "try";
    byId<HTMLInputElement>("mode-try").disabled = !ready;
    renderShelf(
      byId("cards"),
      classes,
      mode.kind === "teach" ? mode.as : undefined,
      full,
      words,
      this.kind.portrait,
      this.#events.shelf,
    );
    this.answers.render(classes, full, words, (label) => this.#events.onChoose(label));
    byId<HTMLButtonElement>("save").disabled = classes.length === 0;
    byId<HTMLButtonElement>("restart").disabled = classes.length === 0;
    byId<HTMLButtonElement>("undo").disabled = !model?.canUndo;
    this.renderTools();
    this.#renderPlace();
  }

  /** There is nothing to try before two symbols are known, and no teaching a symbol that is gone. */
  #keepModePossible(): void {
    const { mode, model } = this;
    const gone = mode.kind === "teach" && mode.as !== null && !model?.class(mode.as);
    if (gone || (mode.kind === "try" && !model?.ready)) this.mode = { kind: "teach", as: null };
  }

  renderTools(): void {
    if (!this.#shown) return;
    const focused = document.activeElement;
    byId("done").hidden = !this.recorder.open;
    byId("clear").hidden = this.recorder.empty;
    if (focused instanceof HTMLElement && focused.hidden) this.recorder.focus();
  }

  #renderPlace(): void {
    const { model, words } = this;
    if (!model || !this.#shown) return;
    byId("adapt-ms").textContent = model.adaptMs > 0 ? milliseconds(model.adaptMs) : "–";
    byId("predict-ms").textContent = model.predictMs > 0 ? milliseconds(model.predictMs) : "–";
    const { name, files } = model.manifest;
    const bytes = files["predict.onnx"].bytes + files["adapt.onnx"].bytes;
    const isWasm = model.provider.name === "wasm";
    byId<HTMLSelectElement>("provider").value = model.provider.name;
    byId("reason").textContent = [
      isWasm ? words.whyWasm : words.whyNamed,
      ...(isWasm && !crossOriginIsolated ? [words.isolated] : []),
      words.model(name, `${Math.round(bytes / 1000)} kB`),
    ].join("\n");
  }
}
