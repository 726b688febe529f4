// A phone's motion sensors, as browsers give them: events, a permission that iOS asks for, and nothing on most computers.
import type { Reading } from "./motion.ts";

export type SensorTrouble = "insecure" | "refused" | "absent";

/** Milliseconds: sensors that are there have said something by then. */
const patience = 1200;

/** iOS lets a page listen only after a visitor has agreed, which it asks at a press of a button. */
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

  /** @param onTrouble it says nothing: why; it may still do so later */
  constructor(onReading: (reading: Reading) => void, onTrouble: (trouble: SensorTrouble) => void) {
    this.#onReading = onReading;
    this.#onTrouble = onTrouble;
  }

  /** Whether a visitor has to agree first. */
  get asks(): boolean {
    return isSecureContext && asking() !== undefined;
  }

  /** To be called at a press of a button, where it {@link asks}. */
  async askAndListen(): Promise<void> {
    const answer = await asking()
      ?.requestPermission()
      .catch(() => "denied");
    if (answer === "denied") this.#onTrouble("refused");
    else this.listen();
  }

  listen(): void {
    addEventListener("devicemotion", this.#hear);
    // Pages that came over plain http are told of no motion; others may have no sensor to tell of it.
    if (isSecureContext) this.#timer = setTimeout(() => this.#onTrouble("absent"), patience);
    else this.#onTrouble("insecure");
  }

  close(): void {
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
