// The drawing pad: strokes by mouse, finger, pen or keyboard. A drawing is done a moment after the pen was lifted, so that
// it may have several strokes, or at once when its maker says so.
import { el, stillness } from "../../dom.ts";
import type { Language } from "../../words.ts";
import type { Recorder, RecorderEvents } from "../kind.ts";
import { beginning, Ink } from "./ink.ts";
import { again, samples } from "./samples.ts";
import { type Drawing, lengthOf, type Point } from "./strokes.ts";
import { padWords } from "./words.ts";

/** Milliseconds without a pen on the pad after which a drawing is done. */
const pause = 850;

/** Milliseconds that the page takes to draw a symbol itself. */
const drawingTime = 900;

/** Shares of the pad's side in a second, and closest points of a stroke. */
const keyboardSpeed = 0.55;
const closestPoints = 0.004;

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Pad implements Recorder<Drawing> {
  readonly element: HTMLElement;
  readonly #ink: Ink;
  readonly #canvas: HTMLCanvasElement;
  readonly #keys = el("span", { class: "keys", "aria-hidden": "true" });
  readonly #help = el("p", { class: "unseen", id: "pad-help" });
  readonly #events: RecorderEvents<Drawing>;
  #strokes: Point[][] = [];
  #open = false;
  #pointer: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #play = 0;

  constructor(events: RecorderEvents<Drawing>) {
    this.#events = events;
    // Its keys are its own: screen readers hand them through.
    const canvas = el("canvas", { id: "pad", tabindex: 0, role: "application", "aria-describedby": "pad-help" });
    this.#canvas = canvas;
    const wait = el("span", { class: "wait", "aria-hidden": "true", "--pause": `${pause}ms` });
    this.element = el("div", { class: "stage" }, canvas, this.#keys, wait, this.#help);
    this.#ink = new Ink(canvas);
    this.#ink.invite(samples[0]!);
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"] as const) canvas.addEventListener(end, (event) => this.#up(event));
    this.#listenToKeys();
  }

  get empty(): boolean {
    return this.#strokes.length === 0;
  }

  get open(): boolean {
    return this.#open;
  }

  finish(): void {
    this.#wait(false);
    if (!this.#open || this.#pointer !== undefined) return;
    this.#open = false;
    this.#events.onDone(this.#strokes);
  }

  clear(): void {
    this.#wait(false);
    this.#play += 1;
    this.#strokes = [];
    this.#open = false;
    this.#pointer = undefined;
    this.#ink.show([]);
  }

  show(): void {}

  hide(): void {
    this.#wait(false);
  }

  focus(): void {
    this.#canvas.focus();
  }

  colour(tone: string): void {
    this.#ink.colour(tone);
  }

  sparkle(tone: string): void {
    this.#ink.sparkle(tone);
  }

  fade(): void {
    this.#ink.fade();
  }

  seen(): void {}

  refresh(): void {
    this.#ink.refresh();
  }

  speak(language: Language): void {
    const words = padWords[language];
    this.#canvas.setAttribute("aria-label", words.pad);
    this.#keys.textContent = words.keys;
    this.#help.textContent = words.help;
  }

  /** Draws: a new symbol, or one that is known, differently. */
  async help(like: Drawing | undefined, turn: number, closely: boolean): Promise<void> {
    await this.#perform(again(like ?? samples[turn % samples.length]!, closely ? 0.6 : undefined));
  }

  /** Draws a symbol as if somebody did, and is done. */
  async #perform(drawing: Drawing): Promise<void> {
    this.clear();
    const turn = this.#play;
    const length = lengthOf(drawing);
    const since = performance.now();
    this.#begin();
    for (let share = stillness() ? 1 : 0; ; share = Math.min(1, (performance.now() - since) / drawingTime)) {
      this.#strokes = beginning(drawing, share * length).map((stroke) => [...stroke]);
      this.#grew();
      if (share === 1) break;
      await new Promise(requestAnimationFrame);
      if (turn !== this.#play) return;
    }
    this.finish();
  }

  #begin(): void {
    this.#open = true;
    this.#strokes = [];
    this.#events.onBegin();
  }

  #grew(): void {
    this.#ink.show(this.#strokes);
    this.#events.onChange(this.#strokes);
  }

  #penDown(at: Point): void {
    this.#wait(false);
    this.#play += 1;
    if (!this.#open) this.#begin();
    this.#strokes.push([at]);
    this.#grew();
  }

  #penTo(at: Point): void {
    const stroke = this.#strokes.at(-1);
    const last = stroke?.at(-1);
    if (!stroke || !last || Math.hypot(at.x - last.x, at.y - last.y) < closestPoints) return;
    stroke.push(at);
  }

  #wait(waiting: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = waiting ? setTimeout(() => this.finish(), pause) : undefined;
    this.#events.onPause(waiting);
  }

  #at(event: PointerEvent): Point {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const within = (value: number): number => Math.min(1, Math.max(0, value));
    return { x: within((event.clientX - left) / width), y: within((event.clientY - top) / height) };
  }

  #down(event: PointerEvent): void {
    if (this.#pointer !== undefined || event.button !== 0) return;
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#penDown(this.#at(event));
  }

  #move(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer) return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) this.#penTo(this.#at(part));
    this.#grew();
  }

  #up(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = undefined;
    this.#wait(true);
  }

  /** Arrows move a pen, the space bar puts it down and lifts it, Enter ends the drawing, Escape takes it away. */
  #listenToKeys(): void {
    const held = new Set<string>();
    let at: Point = { x: 0.5, y: 0.5 };
    let down = false;
    let shown = false;
    let before = 0;

    // As far as the keys were held, however seldom frames come; not through the time that a page was hidden.
    const advance = (now: number): void => {
      const seconds = Math.min(0.5, Math.max(0, now - before) / 1000);
      before = Math.max(before, now);
      let [dx, dy] = [0, 0];
      for (const key of held) {
        dx += arrows[key]![0];
        dy += arrows[key]![1];
      }
      const scale = (keyboardSpeed * seconds) / Math.max(1, Math.hypot(dx, dy));
      const within = (value: number): number => Math.min(0.98, Math.max(0.02, value));
      at = { x: within(at.x + dx * scale), y: within(at.y + dy * scale) };
      show();
      if (down) {
        this.#penTo(at);
        this.#grew();
      }
    };
    const step = (now: number): void => {
      if (held.size === 0) return;
      advance(now);
      requestAnimationFrame(step);
    };
    const show = (): void => {
      shown = true;
      this.#ink.pen(at, down);
    };
    const hide = (): void => {
      shown = false;
      down = false;
      this.#ink.pen(undefined);
    };
    const lift = (): void => {
      down = false;
      if (shown) show();
    };

    this.#canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in arrows) {
        if (held.size === 0) {
          before = performance.now();
          requestAnimationFrame(step);
        } else advance(performance.now());
        held.add(event.key);
      } else if (event.key === " ") {
        if (event.repeat) return event.preventDefault();
        down = !down;
        if (down) this.#penDown(at);
        show();
      } else if (event.key === "Enter") {
        lift();
        this.finish();
      } else if (event.key === "Escape") {
        this.clear();
        lift();
      } else return;
      event.preventDefault();
    });
    this.#canvas.addEventListener("pointerdown", hide);
    this.#canvas.addEventListener("keyup", (event) => {
      if (held.has(event.key)) advance(performance.now());
      held.delete(event.key);
    });
    this.#canvas.addEventListener("focus", () => {
      if (this.#canvas.matches(":focus-visible")) show();
    });
    this.#canvas.addEventListener("blur", () => {
      held.clear();
      hide();
    });
  }
}
