// The ways to record something, as links in the head of the page: the address says which one it is on.
import type { PageBundle, Way } from "../fits.ts";
import { byId, el } from "./dom.ts";
import { type Language, languages } from "./words.ts";

export class Tabs {
  readonly #bundles: readonly PageBundle[];
  readonly #links: ReadonlyMap<Way, HTMLAnchorElement>;
  readonly #onTurn: (bundle: PageBundle) => void;

  /** @param onTurn somebody turns to a way, by its link or by the address */
  constructor(bundles: readonly PageBundle[], onTurn: (bundle: PageBundle) => void) {
    this.#bundles = bundles;
    this.#onTurn = onTurn;
    this.#links = new Map(bundles.map(({ way }) => [way, el("a", { href: `#${way}`, "data-way": way })]));
    byId("ways").append(...this.#links.values());
    byId("ways").hidden = bundles.length < 2;
    addEventListener("hashchange", () => this.turn());
  }

  /** The way that the address says; the first one where it says none. */
  get way(): Way {
    return this.#bundle.way;
  }

  get #bundle(): PageBundle {
    return this.#bundles.find(({ way }) => `#${way}` === location.hash) ?? this.#bundles[0]!;
  }

  /** Turns to the way that the address says. */
  turn(): void {
    for (const [way, link] of this.#links) {
      if (way === this.way) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.#onTurn(this.#bundle);
  }

  speak(language: Language): void {
    const words = languages[language];
    byId("ways").setAttribute("aria-label", words.ways);
    for (const [way, link] of this.#links) link.textContent = words[way];
  }
}
