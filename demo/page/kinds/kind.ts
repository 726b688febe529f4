// What a kind of recordings is: how something is recorded, seen, kept and given to a bundle. Each kind is a folder here, whose
// door keeps this contract and is fetched when somebody first turns to it.
import type { Input } from "@innerloop/runtime";
import type { Icon } from "../dom.ts";
import type { Language } from "../words.ts";
import type { KindWords } from "./words.ts";

/** What a recorder tells. */
export interface RecorderEvents<R> {
  /** A new recording begins. */
  onBegin(): void;
  /** There is this much of it. */
  onChange(recording: R): void;
  /** It is complete. */
  onDone(recording: R): void;
  /** Nobody goes on recording now; when that lasts, the recording is done. */
  onPause(waiting: boolean): void;
}

/** What stands on the stage in the middle of the page, and records. */
export interface Recorder<R> {
  readonly element: HTMLElement;
  /** Whether a recording was begun, or is counted down to, that is not done. */
  readonly open: boolean;
  /** Whether there is nothing that could be cleared. */
  readonly empty: boolean;
  /** The recording is done now. */
  finish(): void;
  /** As if nothing had been recorded. */
  clear(): void;
  /** Somebody turns to this kind, or to another: a microphone or a camera is on only in between. */
  show(): void;
  hide(): void;
  /** Where the keyboard goes. */
  focus(): void;
  /** What was recorded takes a symbol's colour. */
  colour(tone: string): void;
  sparkle(tone: string): void;
  /** Nobody knows what it is. */
  fade(): void;
  /** What the bundle got of the recording. */
  seen(portrait: Element): void;
  /** The theme changed. */
  refresh(): void;
  speak(language: Language): void;
  /**
   * The page makes a recording itself, or helps with one.
   *
   * @param like what it should resemble, or nothing for a new one
   * @param turn how many new ones there were
   * @param closely whether it is to be learned from
   */
  help(like: R | undefined, turn: number, closely: boolean): Promise<void>;
}

/** A kind of recordings, for a bundle. */
export interface Kind<R> {
  readonly words: Readonly<Record<Language, KindWords>>;
  /** On the button of {@link Recorder.help}. */
  readonly helpIcon: Icon;
  record(events: RecorderEvents<R>): Recorder<R>;
  /** Values as the bundle takes them, or what its preprocessing makes them of. */
  input(recording: R): Float32Array | Input;
  /** Two that differ, to run the models with before anybody waits for them. */
  trial(): readonly [R, R];
  /** Whether it is too little to learn from. */
  slight(recording: R): boolean;
  /** An example as a small picture. */
  portrait(values: Float32Array, recording: R | undefined): Element;
  /** What a saved file keeps of a recording beside the example's values; undefined: nothing. */
  keep(recording: R): unknown;
  restore(kept: unknown): R | undefined;
}
