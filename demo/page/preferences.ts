// The visitor's language and theme: what the browser says, until a switch is used; then that, here, next time too.
import type { Language } from "./words.ts";

export type Theme = "dark" | "light";

function remembered(key: string): string | undefined {
  try {
    return localStorage.getItem(`innerloop-${key}`) ?? undefined;
  } catch {
    return undefined; // Storage is barred, as in private windows of some browsers.
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`innerloop-${key}`, value);
  } catch {
    // Then it holds for this visit only.
  }
}

export function initialLanguage(): Language {
  const kept = remembered("language");
  if (kept === "en" || kept === "zh") return kept;
  const known = navigator.languages
    .map((language) => language.slice(0, 2).toLowerCase())
    .find((language) => language === "en" || language === "zh");
  return (known as Language | undefined) ?? "en";
}

export const keepLanguage = (language: Language): void => remember("language", language);

/** The theme in use. */
export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "dark" || chosen === "light") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function applyRememberedTheme(): void {
  const kept = remembered("theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
}

export function switchTheme(): void {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  remember("theme", next);
}
