// Records gestures: lines of the axes move along while nobody records, and fill the stage while somebody does.
import { el, stillness, svg } from "../../dom.ts";
import type { Language } from "../../words.ts";
import type { Recorder, RecorderEvents } from "../kind.ts";
import { Notice } from "../recording/notice.ts";
import { Shutter } from "../recording/shutter.ts";
import { showFaint, showKnown, showPlain } from "../recording/stage.ts";
import { Takes } from "../recording/takes.ts";
import { evenly, type Motion, type Reading } from "./motion.ts";
import { again, sample } from "./samples.ts";
import { MotionSensor, type SensorTrouble } from "./sensor.ts";
import { StandIn } from "./stand-in.ts";
import { lanes } from "./traces.ts";
import { recorderWords } from "./words.ts";

/** Milliseconds between two looks at what was recorded so far. */
const lookTime = 120;

/** Milliseconds before the press that belong to a gesture: nobody presses and moves at once. */
const early = 150;

/** Where the readings come from: nowhere yet, a phone's sensor, or what stands in for it, and why. */
type Source = "none" | "sensor" | SensorTrouble;

export class GestureRecorder implements Recorder<Motion> {
  readonly element: HTMLElement;
  readonly #seconds: number;
  readonly #channels: number;
  readonly #events: RecorderEvents<Motion>;
  readonly #lines: readonly SVGPathElement[];
  readonly #drawing: SVGSVGElement;
  readonly #phone = el("span", { class: "phone", "aria-hidden": "true", hidden: true });
  readonly #count = el("span", { class: "countdown", role: "timer", "aria-live": "assertive" });
  readonly #notice = new Notice(() => void this.#sensor.ask());
  readonly #shutter: Shutter;
  readonly #takes: Takes;
  readonly #sensor: MotionSensor;
  readonly #standIn: StandIn;
  #source: Source = "none";
  #readings: Reading[] = [];
  /** What was recorded and is on the stage. */
  #motion: Motion | undefined;
  #begun = 0;
  #looked = 0;
  #frame = 0;
  #language: Language = "en";

  constructor(seconds: number, channels: number, events: RecorderEvents<Motion>) {
    this.#seconds = seconds;
    this.#channels = channels;
    this.#events = events;
    this.#lines = Array.from({ length: channels }, () => svg("path", { "vector-effect": "non-scaling-stroke" }));
    this.#drawing = svg(
      "svg",
      { class: "plot traces", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
      ...this.#lines,
    );
    const names = ["x", "y", "z", "", "", ""].slice(0, channels).map((name) => el("span", {}, name));
    const surface = el(
      "div",
      { class: "surface" },
      this.#drawing,
      el("div", { class: "axes", "aria-hidden": "true" }, ...names),
      this.#phone,
      this.#count,
    );
    this.#shutter = new Shutter(surface, {
      onPress: () => this.#usable && this.#takes.press(),
      onRelease: () => this.#takes.release(),
      onTap: () => this.#usable && this.#takes.tap(),
    });
    this.element = el("div", { class: "stage" }, surface, this.#shutter.element, this.#notice.element);
    this.#takes = new Takes(
      { countdown: 3, tapped: seconds, held: seconds },
      {
        onCount: (left) => {
          this.#count.textContent = left === undefined ? "" : String(left);
        },
        onBegin: () => this.#begin(),
        onProgress: (share) => this.#shutter.progress(share),
        onEnd: () => this.#done(this.#recorded()),
      },
    );
    this.#sensor = new MotionSensor(
      (reading) => {
        if (this.#source !== "sensor") this.#use("sensor");
        this.#read(reading);
      },
      (trouble) => {
        if (this.#source !== "sensor") this.#use(trouble);
      },
    );
    this.#standIn = new StandIn(this.element, (reading) => this.#read(reading));
  }

  get open(): boolean {
    return !this.#takes.idle;
  }

  get empty(): boolean {
    return this.#motion === undefined && this.#takes.idle;
  }

  finish(): void {
    this.#takes.end();
  }

  clear(): void {
    this.#takes.drop();
    this.#motion = undefined;
    showPlain(this.element);
  }

  show(): void {
    void this.#sensor.listen();
    this.#frame = requestAnimationFrame(this.#draw);
  }

  hide(): void {
    cancelAnimationFrame(this.#frame);
    this.#takes.drop();
    this.#sensor.close();
    this.#use("none");
  }

  focus(): void {
    if (this.#source === "asking") this.#notice.focus();
    else this.#shutter.button.focus();
  }

  colour(tone: string): void {
    showKnown(this.element, tone);
  }

  sparkle(): void {}

  fade(): void {
    showFaint(this.element);
  }

  seen(): void {}

  refresh(): void {}

  speak(language: Language): void {
    this.#language = language;
    const words = recorderWords[language];
    const { [this.#source]: hint } = words.hints;
    this.#shutter.speak(hint, words.record);
    this.#notice.say(this.#source === "asking" ? words.asking : undefined);
  }

  /** Makes a gesture: a new one, or one that is known, differently. */
  async help(like: Motion | undefined, turn: number, closely: boolean): Promise<void> {
    this.clear();
    const motion = like ? again(like, this.#seconds, closely) : sample(turn, this.#seconds, this.#channels, closely);
    this.#events.onBegin();
    this.#motion = motion;
    const since = performance.now();
    for (let share = stillness() ? 1 : 0; share < 1; share = (performance.now() - since) / (900 * this.#seconds)) {
      if (this.#motion !== motion) return;
      const shown = motion.data.subarray(
        0,
        motion.channels * Math.ceil((share * motion.data.length) / motion.channels),
      );
      this.#show(shown, share);
      await new Promise(requestAnimationFrame);
    }
    if (this.#motion === motion) this.#done(motion);
  }

  get #usable(): boolean {
    return this.#source !== "none" && this.#source !== "asking";
  }

  /** Takes readings from elsewhere. */
  #use(source: Source): void {
    const stands = (one: Source): boolean => one === "insecure" || one === "refused" || one === "absent";
    if (stands(source) && !stands(this.#source)) this.#standIn.start();
    if (!stands(source)) this.#standIn.stop();
    this.#phone.hidden = !stands(source);
    this.#source = source;
    this.#readings = [];
    this.element.dataset.source = source;
    this.speak(this.#language);
  }

  #read(reading: Reading): void {
    this.#readings.push(reading);
    const since = reading.at - 1000 * (2 * this.#seconds + 1);
    while (this.#readings[0] && this.#readings[0].at < since) this.#readings.shift();
  }

  #begin(): void {
    showPlain(this.element);
    this.#motion = undefined;
    this.#begun = performance.now() - early;
    this.#events.onBegin();
  }

  #recorded(): Motion {
    return evenly(
      this.#readings.filter(({ at }) => at >= this.#begun),
      this.#channels,
    );
  }

  #done(motion: Motion): void {
    this.#motion = motion;
    this.#show(motion.data, 1);
    this.#events.onDone(motion);
  }

  readonly #draw = (now: number): void => {
    this.#frame = requestAnimationFrame(this.#draw);
    const [left, top] = this.#standIn.place;
    this.#phone.style.translate = `${100 * left}cqw ${100 * top}cqh`;
    if (this.#motion) return;
    if (!this.#takes.recording) {
      const recent = this.#readings.filter(({ at }) => at >= now - 1000 * this.#seconds);
      this.#show(evenly(recent, this.#channels).data, 1);
      return;
    }
    const motion = this.#recorded();
    this.#show(motion.data, motion.data.length / motion.channels / motion.rate / this.#seconds);
    if (now - this.#looked < lookTime) return;
    this.#looked = now;
    this.#events.onChange(motion);
  };

  #show(data: Float32Array, share: number): void {
    const paths = lanes(data, this.#channels, Math.min(1, share));
    for (const [i, line] of this.#lines.entries()) line.setAttribute("d", paths[i] ?? "");
  }
}
