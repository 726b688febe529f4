// When a recording begins and ends that takes time: held for as long as a button is pressed, or, after a tap, for a set time,
// which a countdown may precede. Keys tap.

export interface TakeEvents {
  /** Seconds left before it begins; undefined: it does not count any more. */
  onCount(left: number | undefined): void;
  onBegin(): void;
  /** How much of its time is over, 0…1. */
  onProgress(share: number): void;
  onEnd(): void;
}

export interface TakeTimes {
  /** Seconds counted down after a tap; 0: none. */
  readonly countdown: number;
  /** Seconds that a tap records for. */
  readonly tapped: number;
  /** Seconds that a button can be held for. */
  readonly held: number;
}

/** Milliseconds: who lets go sooner has tapped. */
const shortest = 350;

export class Takes {
  readonly #times: TakeTimes;
  readonly #events: TakeEvents;
  #state: "idle" | "counting" | "held" | "timed" = "idle";
  #since = 0;
  #frame = 0;

  constructor(times: TakeTimes, events: TakeEvents) {
    this.#times = times;
    this.#events = events;
  }

  get recording(): boolean {
    return this.#state === "held" || this.#state === "timed";
  }

  get idle(): boolean {
    return this.#state === "idle";
  }

  /** A finger or a mouse button goes down. */
  press(): void {
    if (this.#state !== "idle") this.end();
    else this.#begin("held");
  }

  /** It goes up. */
  release(): void {
    if (this.#state !== "held") return;
    if (performance.now() - this.#since > shortest) this.end();
    else if (this.#times.countdown > 0) this.#count();
    else this.#state = "timed";
  }

  /** A key is pressed. */
  tap(): void {
    if (this.#state !== "idle") this.end();
    else if (this.#times.countdown > 0) this.#count();
    else this.#begin("timed");
  }

  /** What was recorded until now is the recording. */
  end(): void {
    const { recording } = this;
    this.drop();
    if (recording) this.#events.onEnd();
  }

  /** There is no recording. */
  drop(): void {
    cancelAnimationFrame(this.#frame);
    if (this.#state === "counting") this.#events.onCount(undefined);
    this.#state = "idle";
    this.#events.onProgress(0);
  }

  #count(): void {
    this.drop();
    this.#state = "counting";
    this.#since = performance.now();
    this.#turn(() => {
      const left = this.#times.countdown - (performance.now() - this.#since) / 1000;
      if (left > 0) {
        this.#events.onCount(Math.ceil(left));
        return true;
      }
      this.#events.onCount(undefined);
      this.#begin("timed");
      return false;
    });
  }

  #begin(state: "held" | "timed"): void {
    this.#state = state;
    this.#since = performance.now();
    this.#events.onBegin();
    this.#turn(() => {
      const seconds = (performance.now() - this.#since) / 1000;
      const share = seconds / (this.#state === "held" ? this.#times.held : this.#times.tapped);
      if (share >= 1) this.end();
      else this.#events.onProgress(share);
      return share < 1;
    });
  }

  #turn(step: () => boolean): void {
    this.#frame = requestAnimationFrame(() => {
      if (step()) this.#turn(step);
    });
  }
}
