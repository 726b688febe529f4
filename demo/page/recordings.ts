// What becomes of a recording: it is learned as a symbol, or recognised, or both when the answer was wrong; and those that the
// page makes itself.
import { byId } from "./dom.ts";
import { milliseconds, percent } from "./labels.ts";
import type { Answer, Model } from "./model.ts";
import { fly, replay, reveal, toneOf } from "./motion.ts";
import type { Page } from "./page.ts";
import type { Sentence } from "./voice.ts";

/** From this probability on it says so without a doubt. */
const sureFrom = 0.6;

export class Recordings<R> {
  readonly #page: Page<R>;
  #looking = false;
  /** What was recorded last. */
  #latest: R | undefined;
  /** How many new recordings the page has made. */
  #made = 0;

  constructor(page: Page<R>) {
    this.#page = page;
  }

  /** While somebody records, the bars move along. */
  async grows(recording: R): Promise<void> {
    const { mode, model, recorder, answers, kind } = this.#page;
    if (mode.kind !== "try" || !model?.ready || this.#looking || kind.slight(recording)) return;
    this.#looking = true;
    const answer = await model.recognise(recording).catch(() => undefined);
    await new Promise(requestAnimationFrame);
    this.#looking = false;
    if (recorder.open && answer) answers.show(answer, false);
  }

  async isDone(recording: R): Promise<void> {
    this.#latest = recording;
    const { mode, kind } = this.#page;
    if (kind.slight(recording)) {
      this.#page.wipe();
      this.#page.say((words) => [words.small, words.smallMore]);
    } else if (mode.kind === "teach") await this.#teach(mode.as, recording, false);
    else await this.#recognise(recording);
  }

  /** A visitor says what the recording on the stage is. */
  choose(label: string | null): void {
    const { answered } = this.#page;
    if (answered) void this.#teach(label, answered.recording, true);
  }

  /** The page makes a recording: a new one to learn, or one it knows, differently; now and then one that it does not know. */
  async makeOne(): Promise<void> {
    const { mode, model, recorder } = this.#page;
    const turn = this.#made;
    if (mode.kind === "teach") {
      const known = mode.as === null ? undefined : model?.class(mode.as)?.examples[0]?.recording;
      if (!known) this.#made += 1;
      return recorder.help(known, turn, true);
    }
    const known = (model?.classes ?? []).map(({ examples }) => examples[0]?.recording);
    const one = Math.random() < 0.2 ? undefined : known[Math.floor(Math.random() * known.length)];
    if (!one) this.#made += 1;
    return recorder.help(one, turn, false);
  }

  /** Learns a recording as a symbol; `corrects` says that it was recognised wrongly before. */
  async #teach(as: string | null, recording: R, corrects: boolean): Promise<void> {
    const page = this.#page;
    await page.change(async (model) => {
      if (as === null && model.full) return (words) => [words.full(model.limit!), words.fullMore];
      const label = await model.teach(as, recording);
      const { hue, examples } = model.class(label)!;
      page.answered = undefined;
      page.answers.show(undefined, false);
      byId("teach-this").hidden = true;
      if (model.classes.length === 2 && as === null && !corrects) page.mode = { kind: "try" };
      else if (as !== null && !corrects) page.mode = model.ready ? { kind: "try" } : { kind: "teach", as: null };
      page.glow(hue);
      const portrait = page.kind.portrait(examples.at(-1)!.values, recording);
      requestAnimationFrame(() => this.#arrive(label, portrait, hue, recording));
      const ms = milliseconds(model.adaptMs);
      if (!model.ready) return (words) => [words.second, words.secondMore];
      if (corrects && as !== null) return (words) => [words.corrected, words.correctedMore(ms), label];
      if (page.mode.kind === "try" && model.classes.length === 2) return (words) => [words.now, words.nowMore];
      return (words) => [words.learned, words.learnedMore(examples.length, ms), label];
    });
  }

  async #recognise(recording: R): Promise<void> {
    const page = this.#page;
    await page.change(async (model) => {
      const answer = await model.recognise(recording);
      if (page.recorder.open) return undefined;
      page.answered = { recording };
      page.recorder.seen(page.kind.portrait(answer.values, recording));
      page.answers.show(answer, true);
      return answer.known ? this.#isKnown(model, answer) : this.#isUnknown(model);
    });
  }

  #isKnown(model: Model<R>, { label, probability }: Answer): Sentence {
    const { hue } = model.class(label)!;
    this.#page.glow(hue);
    if (probability >= sureFrom) this.#page.recorder.sparkle(toneOf(hue));
    requestAnimationFrame(() => replay(cardOf(label), "hit"));
    const ms = milliseconds(model.predictMs);
    const sure = percent(probability);
    return (words) => [probability >= sureFrom ? words.sure : words.perhaps, words.answerMore(sure, ms), label];
  }

  #isUnknown(model: Model<R>): Sentence {
    this.#page.recorder.fade();
    replay(byId("pad-frame"), "shaken");
    byId("teach-this").hidden = model.full;
    return (words) => [words.none, words.noneMore];
  }

  /** What was learned flies from the stage to its card, and leaves the stage empty. */
  #arrive(label: string, portrait: Element, hue: number, recording: R): void {
    const card = cardOf(label);
    const face = card?.querySelector(".face");
    if (!card || !face) return;
    card.classList.add("arrived");
    reveal(card, byId("cards"));
    fly(portrait, hue, byId("pad-frame"), face);
    setTimeout(() => {
      // Whoever was quicker has another recording there already.
      const { recorder, answered } = this.#page;
      if (this.#latest === recording && !recorder.open && !answered) this.#page.wipe();
    }, 300);
  }
}

const cardOf = (label: string): HTMLElement | null =>
  byId("cards").querySelector(`[data-label="${CSS.escape(label)}"]`);
