// Records sounds: bars of loudness pass by while nobody records, and fill the stage while somebody does.
import { el, stillness, svg } from "../../dom.ts";
import type { Language } from "../../words.ts";
import type { Recorder, RecorderEvents } from "../kind.ts";
import { Notice } from "../recording/notice.ts";
import { chooseFile, isAllowed, mayAsk, type Trouble } from "../recording/permission.ts";
import { Shutter } from "../recording/shutter.ts";
import { showFaint, showKnown, showPlain } from "../recording/stage.ts";
import { Takes } from "../recording/takes.ts";
import { Microphone, play, soundIn } from "./microphone.ts";
import { envelope, type Recorded } from "./recorded.ts";
import { again, sample } from "./samples.ts";
import { recorderWords } from "./words.ts";

/** Milliseconds between two looks at what was recorded so far. */
const lookTime = 150;

/** Seconds before the press that belong to a sound: fingers are slow. */
const early = 0.1;

/** Bars across the stage. */
const bars = 64;

type State = "off" | "opening" | "on" | Trouble | "unread";

export class SoundRecorder implements Recorder<Recorded> {
  readonly element: HTMLElement;
  readonly #events: RecorderEvents<Recorded>;
  readonly #seconds: number;
  /** Seconds that fill the stage. */
  readonly #span: number;
  readonly #bars = svg("path", { "vector-effect": "non-scaling-stroke" });
  readonly #seen = el("div", { class: "seen", "aria-hidden": "true" });
  readonly #notice = new Notice(() => void this.#help());
  readonly #shutter: Shutter;
  readonly #takes: Takes;
  #microphone: Microphone | undefined;
  #state: State = "off";
  #shown = false;
  #sound: Recorded | undefined;
  #begun = 0;
  #looked = 0;
  #frame = 0;
  #language: Language = "en";

  /** @param seconds of a sound that the bundle takes */
  constructor(seconds: number, events: RecorderEvents<Recorded>) {
    this.#seconds = seconds;
    this.#span = Math.max(2, 1.5 * seconds);
    this.#events = events;
    const plot = svg(
      "svg",
      { class: "plot bars", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
      this.#bars,
    );
    const surface = el("div", { class: "surface" }, plot, this.#seen);
    this.#shutter = new Shutter(surface, {
      onPress: () => this.#press(() => this.#takes.press()),
      onRelease: () => this.#takes.release(),
      onTap: () => this.#press(() => this.#takes.tap()),
    });
    this.element = el("div", { class: "stage" }, surface, this.#shutter.element, this.#notice.element);
    this.#takes = new Takes(
      { countdown: 0, tapped: Math.max(1, seconds), held: this.#span },
      {
        onCount: () => undefined,
        onBegin: () => this.#begin(),
        onProgress: (share) => this.#shutter.progress(share),
        onEnd: () => void this.#end(),
      },
    );
  }

  get open(): boolean {
    return !this.#takes.idle;
  }

  get empty(): boolean {
    return this.#sound === undefined && this.#takes.idle;
  }

  finish(): void {
    this.#takes.end();
  }

  clear(): void {
    this.#takes.drop();
    this.#forget();
  }

  show(): void {
    this.#shown = true;
    this.#frame = requestAnimationFrame(this.#draw);
    if (!mayAsk()) this.#turn("insecure");
    void isAllowed("microphone").then((allowed) => {
      if (allowed && this.#state === "off") void this.#open();
    });
  }

  hide(): void {
    this.#shown = false;
    cancelAnimationFrame(this.#frame);
    this.#takes.drop();
    void this.#microphone?.close();
    this.#microphone = undefined;
    this.#turn("off");
  }

  focus(): void {
    if (this.#state === "on") this.#shutter.button.focus();
    else this.#notice.focus();
  }

  colour(tone: string): void {
    showKnown(this.element, tone);
  }

  sparkle(): void {}

  fade(): void {
    showFaint(this.element);
  }

  seen(portrait: Element): void {
    if (this.#sound) this.#seen.replaceChildren(portrait);
  }

  refresh(): void {}

  speak(language: Language): void {
    this.#language = language;
    const words = recorderWords[language];
    this.#shutter.speak(words.hint, words.record);
    this.#notice.say(this.#state === "on" || this.#sound ? undefined : words.notices[this.#state]);
  }

  /** Makes a sound, and lets it be heard: a new one, or one that is known, differently. */
  async help(like: Recorded | undefined, turn: number, closely: boolean): Promise<void> {
    this.clear();
    const sound = like ? again(like, this.#seconds, closely) : sample(turn, this.#seconds, closely);
    this.#events.onBegin();
    this.#keep(sound);
    const played = play(sound);
    if (!stillness()) await played;
    if (this.#sound === sound) this.#done(sound);
  }

  #press(action: () => void): void {
    if (!this.#microphone) return;
    void this.#microphone.wake();
    action();
  }

  /** What the notice's button does. */
  async #help(): Promise<void> {
    if (this.#state === "off") return this.#open();
    const file = await chooseFile("audio/*");
    if (!file) return;
    const sound = await soundIn(file);
    if (!sound) return this.#turn("unread");
    this.#events.onBegin();
    this.#done(sound);
  }

  async #open(): Promise<void> {
    this.#turn("opening");
    const opened = await Microphone.open(2 * this.#span + 1);
    if (typeof opened === "string") return this.#turn(opened);
    // Whoever turned away meanwhile wants no microphone on.
    if (!this.#shown) return opened.close();
    opened.onEnd(() => this.#lost(opened));
    this.#microphone = opened;
    this.#turn("on");
    this.focus();
  }

  /** Somebody pulled its plug, or took the permission back. */
  #lost(microphone: Microphone): void {
    if (this.#microphone !== microphone) return;
    this.#takes.drop();
    void microphone.close();
    this.#microphone = undefined;
    this.#turn("absent");
  }

  #turn(state: State): void {
    this.#state = state;
    this.element.dataset.source = state;
    this.speak(this.#language);
  }

  #begin(): void {
    this.#forget();
    const { now = 0, rate = 0 } = this.#microphone ?? {};
    this.#begun = now - Math.round(early * rate);
    this.#events.onBegin();
  }

  async #end(): Promise<void> {
    const microphone = this.#microphone;
    if (!microphone) return;
    const [begun, ended] = [this.#begun, microphone.now];
    await microphone.until(ended);
    // Whoever began anew, or turned away, wants nothing of it.
    if (this.#microphone === microphone && this.#begun === begun && this.#takes.idle)
      this.#done(microphone.between(begun, ended));
  }

  #done(sound: Recorded): void {
    this.#keep(sound);
    this.#events.onDone(sound);
  }

  #keep(sound: Recorded): void {
    this.#sound = sound;
    this.#show(sound.data, 1);
    this.speak(this.#language);
  }

  #forget(): void {
    this.#sound = undefined;
    this.#seen.replaceChildren();
    this.#show(new Float32Array(0), 0);
    showPlain(this.element);
    this.speak(this.#language);
  }

  readonly #draw = (now: number): void => {
    this.#frame = requestAnimationFrame(this.#draw);
    const microphone = this.#microphone;
    if (this.#sound || !microphone) return;
    const { heard, rate } = microphone;
    if (!this.#takes.recording) {
      // Whole bars only, so that they pass by and do not tremble.
      const bar = Math.round((this.#span * rate) / bars);
      const to = Math.floor(heard / bar) * bar;
      this.#show(microphone.between(to - bars * bar, to).data, 1);
      return;
    }
    const sound = microphone.between(this.#begun, heard);
    this.#show(sound.data, Math.min(1, sound.data.length / rate / this.#span));
    if (now - this.#looked < lookTime) return;
    this.#looked = now;
    this.#events.onChange(sound);
  };

  #show(data: Float32Array, share: number): void {
    const shown = Math.max(1, Math.round(bars * share));
    const d = envelope(data, shown).map((level, i) => {
      // Ears hear ratios: a tenth as loud is half as high here.
      const height = Math.max(0.6, 44 * Math.min(1, level) ** 0.4);
      const x = ((100 * (i + 0.5)) / bars).toFixed(2);
      return `M${x} ${(50 - height).toFixed(1)}V${(50 + height).toFixed(1)}`;
    });
    this.#bars.setAttribute("d", data.length > 0 ? d.join("") : "");
  }
}
