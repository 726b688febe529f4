// The words of the page that stay while somebody uses it: its title, its buttons, and what screen readers call its parts.
import { byId, el, icon } from "./dom.ts";
import { theme } from "./preferences.ts";
import type { Language, Words } from "./words.ts";

/** The buttons with a word, and the picture on each. */
const buttons = {
  draw: "wand",
  done: "done",
  clear: "clear",
  undo: "undo",
  save: "save",
  load: "load",
  restart: "restart",
} as const;

/** Puts the words into a language. @param language that of the words, from which the page leads to the other one */
export function labelPage(words: Words, language: Language): void {
  document.documentElement.lang = words.language;
  document.title = words.title;
  for (const element of document.querySelectorAll<HTMLElement>("[data-t]")) {
    element.textContent = words[element.dataset.t as keyof Words] as string;
  }
  byId("pad").setAttribute("aria-label", words.pad);
  for (const [id, picture] of Object.entries(buttons)) {
    const text = words[id as keyof typeof buttons];
    const button = byId(id);
    button.replaceChildren(icon(picture), el("span", {}, text));
    button.setAttribute("aria-label", text);
    button.title = text;
  }
  const toLanguage = byId("language");
  toLanguage.textContent = words.toLanguage;
  toLanguage.lang = language === "en" ? "zh-CN" : "en";
  toLanguage.setAttribute("aria-label", words.toLanguageLabel);
  byId("theme").setAttribute("aria-label", words.theme);
  byId("theme").title = words.theme;
  pictureTheme();
}

/** The button for the theme shows the other one. */
export function pictureTheme(): void {
  byId("theme").replaceChildren(icon(theme() === "dark" ? "sun" : "moon"));
}
