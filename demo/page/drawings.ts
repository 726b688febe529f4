// What becomes of a drawing: it is learned as a symbol, or recognised, or both when the answer was wrong; and the drawings that
// the page makes itself.
import { byId } from "./dom.ts";
import { milliseconds, percent } from "./labels.ts";
import type { Answer, Model } from "./model.ts";
import { fly, replay, reveal, toneOf } from "./motion.ts";
import type { Page } from "./page.ts";
import { again, samples } from "./samples.ts";
import { boxOf, type Drawing, pathOf } from "./strokes.ts";
import type { Sentence } from "./voice.ts";

/** Smaller drawings, by the longer side of their box as a share of the pad, are slips of the pen. */
const smallestDrawing = 0.05;

/** From this probability on it says so without a doubt. */
const sureFrom = 0.6;

export class Drawings {
  readonly #page: Page;
  #looking = false;
  /** How many samples the page has drawn. */
  #sampled = 0;

  constructor(page: Page) {
    this.#page = page;
  }

  /** While somebody draws, the bars move along. */
  async grows(drawing: Drawing): Promise<void> {
    const { mode, model, pad, answers } = this.#page;
    if (mode.kind !== "try" || !model?.ready || this.#looking || tooSmall(drawing)) return;
    this.#looking = true;
    const answer = await model.recognise(drawing).catch(() => undefined);
    await new Promise(requestAnimationFrame);
    this.#looking = false;
    if (pad.open && answer) answers.show(answer, false);
  }

  async isDone(drawing: Drawing): Promise<void> {
    const { mode } = this.#page;
    if (tooSmall(drawing)) {
      this.#page.wipe();
      this.#page.say((words) => [words.small, words.smallMore]);
    } else if (mode.kind === "teach") await this.#teach(mode.as, drawing, false);
    else await this.#recognise(drawing);
  }

  /** A visitor says what the drawing on the pad is. */
  choose(label: string | null): void {
    const { answered } = this.#page;
    if (answered) void this.#teach(label, answered, true);
  }

  /** The page draws a symbol: a new one to learn, or one it knows, differently; now and then one that it does not know. */
  async drawOne(): Promise<void> {
    const { mode, model, pad } = this.#page;
    const fresh = samples[this.#sampled % samples.length]!;
    if (mode.kind === "teach") {
      const known = mode.as === null ? undefined : model?.class(mode.as)?.examples[0]?.drawing;
      if (!known) this.#sampled += 1;
      return pad.play(again(known ?? fresh, 0.6));
    }
    const drawings = (model?.classes ?? []).map(({ examples }) => examples[0]?.drawing);
    const one = Math.random() < 0.2 ? undefined : drawings[Math.floor(Math.random() * drawings.length)];
    if (!one) this.#sampled += 1;
    return pad.play(again(one ?? fresh));
  }

  /** Learns a drawing as a symbol; `corrects` says that it was recognised wrongly before. */
  async #teach(as: string | null, drawing: Drawing, corrects: boolean): Promise<void> {
    const page = this.#page;
    await page.change(async (model) => {
      if (as === null && model.full) return (words) => [words.full(model.limit!), words.fullMore];
      const label = await model.teach(as, drawing);
      const { hue, examples } = model.class(label)!;
      page.answered = undefined;
      page.answers.show(undefined, false);
      byId("teach-this").hidden = true;
      if (model.classes.length === 2 && as === null && !corrects) page.mode = { kind: "try" };
      else if (as !== null && !corrects) page.mode = model.ready ? { kind: "try" } : { kind: "teach", as: null };
      page.glow(hue);
      requestAnimationFrame(() => this.#arrive(label, drawing, hue));
      const ms = milliseconds(model.adaptMs);
      if (!model.ready) return (words) => [words.second, words.secondMore];
      if (corrects && as !== null) return (words) => [words.corrected, words.correctedMore(ms), label];
      if (page.mode.kind === "try" && model.classes.length === 2) return (words) => [words.now, words.nowMore];
      return (words) => [words.learned, words.learnedMore(examples.length, ms), label];
    });
  }

  async #recognise(drawing: Drawing): Promise<void> {
    const page = this.#page;
    await page.change(async (model) => {
      const answer = await model.recognise(drawing);
      if (page.pad.open) return undefined;
      page.answered = drawing;
      page.answers.show(answer, true);
      return answer.known ? this.#isKnown(model, answer) : this.#isUnknown(model);
    });
  }

  #isKnown(model: Model, { label, probability }: Answer): Sentence {
    const { hue } = model.class(label)!;
    this.#page.glow(hue);
    if (probability >= sureFrom) this.#page.pad.ink.sparkle(toneOf(hue));
    requestAnimationFrame(() => replay(cardOf(label), "hit"));
    const ms = milliseconds(model.predictMs);
    const sure = percent(probability);
    return (words) => [probability >= sureFrom ? words.sure : words.perhaps, words.answerMore(sure, ms), label];
  }

  #isUnknown(model: Model): Sentence {
    this.#page.pad.ink.fade();
    replay(byId("pad-frame"), "shaken");
    byId("teach-this").hidden = model.full;
    return (words) => [words.none, words.noneMore];
  }

  /** A learned drawing flies from the pad to its card, and leaves the pad empty. */
  #arrive(label: string, drawing: Drawing, hue: number): void {
    const card = cardOf(label);
    const face = card?.querySelector(".face");
    if (!card || !face) return;
    card.classList.add("arrived");
    reveal(card, byId("cards"));
    fly(pathOf(drawing), hue, byId("pad"), face);
    setTimeout(() => {
      if (!this.#page.pad.open && !this.#page.answered) this.#page.wipe();
    }, 300);
  }
}

const tooSmall = (drawing: Drawing): boolean => {
  const { width, height } = boxOf(drawing);
  return Math.max(width, height) < smallestDrawing;
};

const cardOf = (label: string): HTMLElement | null =>
  byId("cards").querySelector(`[data-label="${CSS.escape(label)}"]`);
