// The words of the page that stand still: texts, labels of buttons, and how numbers are written.
import { byId, el, type Icon, icon } from "./dom.ts";
import { theme } from "./preferences.ts";
import type { Language, Words } from "./words.ts";

/** The icon of each button that has a text beside it. */
const pictures = {
  done: "done",
  clear: "clear",
  undo: "undo",
  save: "save",
  load: "load",
  restart: "restart",
} as const;

/** @param helpIcon on the button with which the page helps to record */
export function labelPage(words: Words, language: Language, helpIcon: Icon): void {
  document.documentElement.lang = words.language;
  document.title = words.title;
  for (const element of document.querySelectorAll<HTMLElement>("[data-t]")) {
    element.textContent = words[element.dataset.t as keyof Words] as string;
  }
  for (const [id, picture] of Object.entries(pictures)) label(byId(id), picture, words[id as keyof typeof pictures]);
  label(byId("draw"), helpIcon, words.help);
  const toLanguage = byId("language");
  toLanguage.textContent = words.toLanguage;
  toLanguage.lang = language === "en" ? "zh-CN" : "en";
  toLanguage.setAttribute("aria-label", words.toLanguageLabel);
  byId("theme").setAttribute("aria-label", words.theme);
  byId("theme").title = words.theme;
  showTheme();
}

function label(button: HTMLElement, picture: Icon, text: string): void {
  button.replaceChildren(icon(picture), el("span", {}, text));
  button.setAttribute("aria-label", text);
  button.title = text;
}

/** The button of the theme shows the other one. */
export function showTheme(): void {
  byId("theme").replaceChildren(icon(theme() === "dark" ? "sun" : "moon"));
}

export const percent = (share: number): string => `${Math.min(99, Math.round(100 * share))}\u00a0%`;

export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}\u00a0ms`;
