// The round button below what is recorded: a ring around it fills while it records, and a line above says what it does.
import { el } from "../../dom.ts";
import "./recording.css";

export interface ShutterEvents {
  onPress(): void;
  onRelease(): void;
  /** A key, or whatever else presses buttons. */
  onTap(): void;
}

export class Shutter {
  readonly button: HTMLButtonElement;
  readonly element: HTMLElement;
  readonly #hint = el("p", { class: "hint" });

  /** @param surface where a press counts as one of the button, beside the button itself */
  constructor(surface: HTMLElement | undefined, { onPress, onRelease, onTap }: ShutterEvents) {
    this.button = el("button", { type: "button", class: "shutter", id: "record" }, el("i"));
    this.element = el("div", { class: "below" }, this.#hint, this.button);
    for (const target of surface ? [this.button, surface] : [this.button]) {
      target.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        target.setPointerCapture(event.pointerId);
        onPress();
      });
      for (const end of ["pointerup", "pointercancel"] as const) target.addEventListener(end, onRelease);
      // A finger that rests on it wants no menu.
      target.addEventListener("contextmenu", (event) => event.preventDefault());
    }
    this.button.addEventListener("click", (event) => {
      if (event.detail === 0) onTap();
    });
  }

  /** @param label of the button, for those who do not see it */
  speak(hint: string, label: string): void {
    this.#hint.textContent = hint;
    this.button.setAttribute("aria-label", label);
    this.button.title = label;
  }

  /** How much of the ring is filled; anything above 0: it records. */
  progress(share: number): void {
    this.button.style.setProperty("--share", share.toFixed(3));
    this.button.classList.toggle("on", share > 0);
    this.button.setAttribute("aria-pressed", String(share > 0));
  }
}
