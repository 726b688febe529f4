// What a recording is taken for: a bar for each symbol, and "none of these". Each is a button, too: choosing one says that
// this is what it is, and it is learned.
import { el } from "./dom.ts";
import type { Kind } from "./kinds/kind.ts";
import type { Answer, SymbolClass } from "./model.ts";
import { reveal } from "./motion.ts";
import type { Words } from "./words.ts";

export class AnswerList<R> {
  readonly #list: HTMLElement;
  readonly #portrait: Kind<R>["portrait"];
  #rows = new Map<string, { readonly button: HTMLButtonElement; readonly percent: HTMLElement }>();
  #none: HTMLButtonElement | undefined;
  #answer: Answer | undefined;
  #open = false;

  constructor(list: HTMLElement, portrait: Kind<R>["portrait"]) {
    this.#list = list;
    this.#portrait = portrait;
  }

  /**
   * A row for each symbol; an answer that was shown stays.
   *
   * @param onChoose the label of what is on the stage, or `null` for a new one
   */
  render(
    classes: readonly SymbolClass<R>[],
    full: boolean,
    words: Words,
    onChoose: (label: string | null) => void,
  ): void {
    this.#rows = new Map();
    const rows = classes.map(({ label, hue, examples }) => {
      const percent = el("span", { class: "percent" });
      const example = examples.at(-1);
      const button = el(
        "button",
        {
          type: "button",
          title: words.isThis(label),
          onclick: () => onChoose(label),
        },
        example && this.#portrait(example.values, example.recording),
        el("span", { class: "label" }, label),
        percent,
        el("span", { class: "bar" }),
      );
      this.#rows.set(label, { button, percent });
      return el("li", { "--h": hue, "data-answer": label }, button);
    });
    this.#none = el(
      "button",
      { type: "button", title: words.isNew, onclick: () => onChoose(null) },
      el("span", { class: "thumb unknown", "aria-hidden": "true" }, "?"),
      el("span", { class: "label" }, words.noneOfThese),
      el("span", { class: "bar" }),
    );
    this.#none.disabled = full;
    this.#list.replaceChildren(...rows, el("li", { class: "none", "data-answer": "" }, this.#none));
    this.show(this.#answer, this.#open);
  }

  /** Bars of an answer, or empty ones; `open` says that there is a recording which a row may be chosen for. */
  show(answer: Answer | undefined, open: boolean): void {
    this.#answer = answer;
    this.#open = open;
    for (const [label, { button, percent }] of this.#rows) {
      const probability = answer?.probabilities[label] ?? 0;
      button.style.setProperty("--p", probability.toFixed(4));
      percent.textContent = answer?.known ? `${Math.round(100 * probability)} %` : "";
      this.#mark(button, (answer?.known ?? false) && answer?.label === label, open);
    }
    if (this.#none) {
      const unknown = answer !== undefined && !answer.known;
      this.#none.style.setProperty("--p", unknown ? "1" : "0");
      this.#mark(this.#none, unknown, open);
    }
    this.#list.classList.toggle("unknown", answer !== undefined && !answer.known);
  }

  #mark(button: HTMLButtonElement, best: boolean, open: boolean): void {
    button.classList.toggle("best", best);
    if (best) {
      button.setAttribute("aria-current", "true");
      reveal(button, this.#list);
    } else button.removeAttribute("aria-current");
    button.setAttribute("aria-disabled", String(!open));
  }
}
