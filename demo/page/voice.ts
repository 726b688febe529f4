// The page speaks with one voice: a large line, a smaller one below it, and both for screen readers.
import { byId, el } from "./dom.ts";
import { replay } from "./motion.ts";
import type { Words } from "./words.ts";

/** What is said, in any language; the symbol is what `{name}` stands for. */
export type Sentence = (words: Words) => readonly [headline: string, more: string, symbol?: string];

/** Says something; a symbol's name has its hue. */
export function speak(sentence: Sentence, words: Words, hueOf: (symbol: string) => number | undefined): void {
  const [headline, more, symbol = ""] = sentence(words);
  const [before = "", after] = headline.split("{name}");
  const name = after === undefined ? [] : [el("span", { class: "name", "--h": hueOf(symbol) }, symbol), after];
  byId("headline").replaceChildren(before, ...name);
  byId("subline").textContent = more;
  byId("status").textContent = `${headline.replace("{name}", symbol)} ${more}`;
  replay(byId("headline").parentElement, "spoken");
}
