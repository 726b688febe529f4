// A phone's motion sensors, as browsers give them: events, a permission that iOS asks for, and nothing on most computers.
import type { Reading } from "./motion.ts";

/** Why there are no readings: the page is not a safe one, a visitor has to agree first or did not, or there is no sensor. */
export type SensorTrouble = "insecure" | "asking" | "refused" | "absent";

/** Milliseconds: sensors that are there have said something by then. */
const patience = 1200;

/** Some browsers let a page listen only after a visitor has agreed; iOS asks that at a press of a button, and refuses otherwise. */
interface Asking {
  requestPermission(): Promise<"granted" | "denied">;
}

const asking = (): Asking | undefined =>
  "DeviceMotionEvent" in globalThis && "requestPermission" in DeviceMotionEvent
    ? (DeviceMotionEvent as unknown as Asking)
    : undefined;

export class MotionSensor {
  readonly #onReading: (reading: Reading) => void;
  readonly #onTrouble: (trouble: SensorTrouble) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How often it was closed: whoever waited for an answer meanwhile listens no more. */
  #closed = 0;

  /** @param onTrouble it says nothing: why; it may still do so later */
  constructor(onReading: (reading: Reading) => void, onTrouble: (trouble: SensorTrouble) => void) {
    this.#onReading = onReading;
    this.#onTrouble = onTrouble;
  }

  /** Listens, where that needs no visitor's word or the visitor has given it before. */
  async listen(): Promise<void> {
    // Pages that came over plain http are told of no motion.
    if (!isSecureContext) this.#onTrouble("insecure");
    else await this.#agreed("asking");
  }

  /** Asks the visitor; to be called at a press of a button. */
  async ask(): Promise<void> {
    await this.#agreed("refused");
  }

  /** @param otherwise what it means that it may not be asked now */
  async #agreed(otherwise: SensorTrouble): Promise<void> {
    this.close();
    const closed = this.#closed;
    addEventListener("devicemotion", this.#hear);
    const answer = await asking()
      ?.requestPermission()
      .catch(() => otherwise);
    if (closed !== this.#closed) return;
    if (answer === "denied") this.#onTrouble("refused");
    else if (answer === otherwise) this.#onTrouble(otherwise);
    else this.#timer = setTimeout(() => this.#onTrouble("absent"), patience);
  }

  close(): void {
    this.#closed += 1;
    clearTimeout(this.#timer);
    removeEventListener("devicemotion", this.#hear);
  }

  readonly #hear = (event: DeviceMotionEvent): void => {
    const { accelerationIncludingGravity: acceleration, rotationRate } = event;
    // A computer without sensors sends one event with nothing in it.
    if (!acceleration || acceleration.x === null) return;
    clearTimeout(this.#timer);
    const { x, y, z } = acceleration;
    const { alpha, beta, gamma } = rotationRate ?? {};
    const values = [x, y, z, beta, gamma, alpha].map((value) => value ?? 0);
    this.#onReading({ at: performance.now(), values });
  };
}
