// The life of something that is used by overlapping calls and freed once: freeing waits for the calls that run.
import { InnerloopError } from "@innerloop/schemas/bundle";

/** Counts the calls in flight; after {@link end} no further one starts. */
export class Lifetime {
  readonly #what: string;
  readonly #free: () => Promise<void>;
  #running = 0;
  #ended: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  /**
   * @param what how messages name the thing: "this learner"
   * @param free called once, when {@link end} was called and no call runs
   */
  constructor(what: string, free: () => Promise<void>) {
    this.#what = what;
    this.#free = free;
  }

  /**
   * Runs a call within the life.
   *
   * @throws InnerloopError `disposed` after {@link end}.
   */
  async during<T>(call: () => Promise<T>): Promise<T> {
    if (this.#ended !== undefined)
      throw new InnerloopError(
        "disposed",
        `${this.#what} was disposed and takes no more calls; load it again to go on`,
        {
          exitStatus: 2,
        },
      );
    this.#running++;
    try {
      return await call();
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** Ends the life: waits for the calls in flight and frees. The same promise for every call. */
  end(): Promise<void> {
    this.#ended ??= this.#finish();
    return this.#ended;
  }

  async #finish(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#free();
  }
}

/** Lets whatever waits have its turn, such as a page that wants to paint or a click that aborts. */
export function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
