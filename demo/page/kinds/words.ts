// The words that each kind of recordings has of its own: what is recorded has another name in each.

export interface KindWords {
  /** The title of the page. */
  readonly title: string;
  /** What recordings are for: to teach or to try. */
  readonly mode: string;
  /** The button with which the page records itself, or helps to. */
  readonly help: string;
  readonly teachThis: string;

  readonly first: string;
  readonly firstMore: string;
  readonly second: string;
  readonly secondMore: string;
  readonly more: string;
  moreMore(ways: number | null): string;
  full(ways: number): string;
  readonly into: string;
  readonly now: string;
  readonly nowMore: string;
  learnedMore(count: number, ms: string): string;
  correctedMore(ms: string): string;
  readonly noneMore: string;
  readonly small: string;
  readonly smallMore: string;

  readonly symbols: string;
  readonly newSymbol: string;
  addExample(label: string): string;
  removeExample(label: string, number: number): string;
  examples(count: number): string;
  /** What it takes a recording for. */
  readonly answer: string;
  readonly answerEmpty: string;
  readonly isNew: string;
  readonly privacy: string;

  fileLoaded(count: number): string;
  readonly fileLoadedMore: string;
  taken(label: string): string;
}
