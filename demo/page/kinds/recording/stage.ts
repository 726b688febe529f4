// How a stage shows what became of what is on it: in the colour of its answer, or faint where there is none.

/** In the colour of an answer. */
export function showKnown(stage: HTMLElement, tone: string): void {
  stage.classList.add("known");
  stage.style.setProperty("--seen", tone);
}

/** As what is none of what was taught. */
export function showFaint(stage: HTMLElement): void {
  stage.style.removeProperty("--seen");
  stage.classList.add("faint");
}

/** As what nothing is known of yet. */
export function showPlain(stage: HTMLElement): void {
  stage.classList.remove("known", "faint");
}
