// Words in place of a stage that cannot record, or not yet: why, what can be done, and a button for it.
import { el } from "../../dom.ts";

export interface NoticeWords {
  readonly title: string;
  readonly more: string;
  /** The button; empty: there is none. */
  readonly button: string;
}

export class Notice {
  readonly element: HTMLElement;
  readonly #title = el("strong");
  readonly #more = el("p");
  readonly #button: HTMLButtonElement;

  constructor(onPress: () => void) {
    this.#button = el("button", { type: "button", class: "primary", onclick: onPress });
    this.element = el("div", { class: "notice" }, this.#title, this.#more, this.#button);
    this.say(undefined);
  }

  /** @param words nothing: it goes away */
  say(words: NoticeWords | undefined): void {
    this.element.hidden = words === undefined;
    this.#title.textContent = words?.title ?? "";
    this.#more.textContent = words?.more ?? "";
    this.#button.textContent = words?.button ?? "";
    this.#button.hidden = !words?.button;
  }

  focus(): void {
    this.#button.focus();
  }
}
