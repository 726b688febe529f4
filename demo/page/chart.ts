// The loss of the learning, step by step: drawn as it fell.
import { stillness, svg } from "./dom.ts";
import type { Words } from "./words.ts";

/** The picture's size and margins, in its own units. */
const [WIDTH, HEIGHT] = [300, 138];
const [LEFT, RIGHT, TOP, GROUND] = [8, WIDTH - 8, 24, HEIGHT - 24];

/** Milliseconds that a step is shown for. */
const stepTime = 140;

/** A loss with as many digits as tell something. */
export function lossText(loss: number): string {
  if (loss >= 0.0995) return loss.toFixed(2);
  return loss < 0.00005 ? "0" : loss.toFixed(loss < 0.00095 ? 4 : 3);
}

export class Chart {
  readonly #svg: SVGSVGElement;
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(host: SVGSVGElement) {
    this.#svg = host;
    host.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.clear();
  }

  /**
   * Shows the course of the loss, one step after the other.
   *
   * @param guess the loss of whoever guesses, where the course begins with it
   */
  show(guess: number | undefined, losses: readonly number[], words: Words): void {
    this.#stop();
    const course = guess === undefined ? losses : [guess, ...losses];
    const last = course.length - 1;
    const highest = Math.max(...course, 1e-6);
    const x = (step: number): number => LEFT + ((RIGHT - LEFT) * step) / Math.max(last, 1);
    const y = (loss: number): number => TOP + (GROUND - TOP) * (1 - loss / highest);
    const way = (shown: readonly number[]): string =>
      shown.map((loss, step) => `${step === 0 ? "M" : "L"}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`).join("");
    const text = (kind: string, anchor: string, [left, top]: readonly [number, number], words: string): SVGElement => {
      const element = svg("text", { class: kind, x: left, y: top, "text-anchor": anchor });
      element.textContent = words;
      return element;
    };
    const area = svg("path", { class: "area" });
    const line = svg("path", { class: "line" });
    this.#svg.replaceChildren(
      svg("path", { class: "grid", d: `M${LEFT} ${GROUND}H${RIGHT}` }),
      text("axis", "start", [LEFT, HEIGHT - 5], guess === undefined ? words.step(0) : words.guessing),
      text("axis", "end", [RIGHT, HEIGHT - 5], words.step(losses.length - 1)),
      area,
      line,
    );
    const reveal = (step: number): void => {
      const shown = course.slice(0, step + 1);
      line.setAttribute("d", way(shown));
      area.setAttribute("d", `${way(shown)}V${GROUND}H${LEFT}Z`);
      this.#svg.append(svg("circle", { class: "dot", cx: x(step), cy: y(course[step]!), r: 4 }));
      if (step === 0) this.#svg.append(text("value", "start", [LEFT - 4, y(course[0]!) - 11], lossText(course[0]!)));
      if (step === last)
        this.#svg.append(text("value", "end", [RIGHT + 4, y(course[last]!) - 11], lossText(course[last]!)));
    };
    if (stillness()) for (const step of course.keys()) reveal(step);
    else this.#timers = course.map((_, step) => setTimeout(() => reveal(step), step * stepTime));
  }

  /** Nothing was learned yet: how a loss falls, in outline. */
  clear(): void {
    this.#stop();
    const course = [1, 0.6, 0.36, 0.21, 0.12, 0.07];
    const d = course.map((loss, i) => `${i === 0 ? "M" : "L"}${LEFT + i * 56.8} ${TOP + (GROUND - TOP) * (1 - loss)}`);
    this.#svg.replaceChildren(svg("path", { class: "outline", d: d.join("") }));
  }

  #stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
