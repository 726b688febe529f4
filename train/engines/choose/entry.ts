// What an engine says of itself before it is opened: one object that says all that is known of it, and opens it.
import type { Engine, EngineOptions } from "../engine.ts";

/** What is known of one engine: where it is not available, why, and what would change that. */
export interface EngineReport {
  readonly name: string;
  readonly available: boolean;
  /** The version of what computes: ONNX Runtime's, TensorFlow's, TensorFlow.js's. */
  readonly version?: string;
  /** What it computes on, with the memory where that is known. */
  readonly device?: string;
  /** Why it is not available. */
  readonly reason?: string;
  /** What would make it available: a command where there is one. */
  readonly remedy?: string;
  /** Why `auto` does not take it although it works. */
  readonly onlyByName?: string;
}

/** A report before it has its name. */
export type Finding = Omit<EngineReport, "name">;

/** What others ask of an engine; what is left out does not hold. */
export interface EngineTraits {
  /** Its programs can go to worker threads, which is quick for models that are not small. */
  readonly workers?: true;
  /** Its device can be lost in the middle of a run; a processor cannot. */
  readonly losable?: true;
  /** It is on every machine, and quick enough for the tests that run everywhere. */
  readonly everywhere?: true;
  /** It gains by float16, where its device is as this text says; an empty text where it always does. */
  readonly float16?: string;
}

/** What the trial in a process of its own asks besides whether it computes; by itself it is a processor without a fault. */
export interface Trial {
  /** What it computes on; `software` where that is the processor, drawn as if it were a GPU. @throws Error where there is none */
  device?(): Promise<{ readonly device?: string; readonly software?: boolean }>;
  /** What is wrong with an engine that opened. */
  fault?(): Promise<string | undefined>;
}

/** An engine that there may be. */
export interface EngineEntry {
  /** `family:device`, or a name alone. */
  readonly name: string;
  /** Why `auto` prefers it over what comes after it. */
  readonly strength: string;
  readonly traits: EngineTraits;
  /** Why `auto` passes it over, where that is known without trying it. */
  unwanted?(): string | undefined;
  /** Whether it works here: by looks at files first, then, for native code that may crash, by a trial. */
  check(): Promise<Finding> | Finding;
  /** Opens it without asking first whether it works here. @throws InnerloopError `engine-unavailable` */
  open(options: EngineOptions): Promise<Engine>;
  readonly trial?: Trial;
}
