// Where there are no motion sensors, a pointer or the arrow keys stand in: a phone that lies flat, hangs on a spring at the pointer
// and is pulled about by it. Its acceleration is what a sensor in it would say.
import type { Reading } from "./motion.ts";

/** Metres that the stage is wide, and that a key pulls. */
const side = 0.4;
const keyPull = 0.12;

/** Of the spring, in radians a second: the phone follows within a tenth of a second, without swinging. */
const stiffness = 22;

/** Seconds that a hand takes to follow the pointer, which a mouse moves in jumps. */
const following = 0.035;

/** Steps of the integration, in seconds, and readings a second. */
const step = 1 / 240;
const rate = 60;

const gravity = 9.81;

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

export class StandIn {
  readonly #surface: HTMLElement;
  readonly #onReading: (reading: Reading) => void;
  readonly #keys = new Set<string>();
  /** In metres from the middle, y upwards. */
  #pulled: readonly [number, number] = [0, 0];
  #hand: [number, number] = [0, 0];
  #place: [number, number] = [0, 0];
  #speed: [number, number] = [0, 0];
  #time = 0;
  #told = 0;
  #frame = 0;

  /** @param surface where the pointer pulls, and the keys while something in it has the focus */
  constructor(surface: HTMLElement, onReading: (reading: Reading) => void) {
    this.#surface = surface;
    this.#onReading = onReading;
  }

  start(): void {
    this.#surface.addEventListener("pointermove", this.#move);
    this.#surface.addEventListener("keydown", this.#key);
    this.#surface.addEventListener("keyup", this.#key);
    this.#time = performance.now();
    this.#told = this.#time;
    this.#frame = requestAnimationFrame(this.#run);
  }

  stop(): void {
    this.#surface.removeEventListener("pointermove", this.#move);
    this.#surface.removeEventListener("keydown", this.#key);
    this.#surface.removeEventListener("keyup", this.#key);
    this.#keys.clear();
    cancelAnimationFrame(this.#frame);
  }

  /** Where the phone is, in shares of the stage from the top left. */
  get place(): readonly [number, number] {
    return [0.5 + this.#place[0] / side, 0.5 - this.#place[1] / side];
  }

  readonly #move = (event: PointerEvent): void => {
    const { left, top, width, height } = this.#surface.getBoundingClientRect();
    this.#pulled = [side * ((event.clientX - left) / width - 0.5), side * (0.5 - (event.clientY - top) / height)];
  };

  readonly #key = (event: KeyboardEvent): void => {
    const { key, type } = event;
    if (!(key in arrows)) return;
    event.preventDefault();
    if (type === "keydown") this.#keys.add(key);
    else this.#keys.delete(key);
    this.#pulled = [0, 1].map((axis) =>
      [...this.#keys].reduce((sum, held) => sum + keyPull * arrows[held]![axis]!, 0),
    ) as [number, number];
  };

  readonly #run = (now: number): void => {
    // A page that was in the background goes on from where it is.
    this.#time = Math.max(this.#time, now - 100);
    this.#told = Math.max(this.#told, this.#time);
    for (; this.#time < now; this.#time += 1000 * step) {
      const pulled = [0, 1].map((axis) => {
        this.#hand[axis]! += ((this.#pulled[axis]! - this.#hand[axis]!) * step) / following;
        const pull = stiffness ** 2 * (this.#hand[axis]! - this.#place[axis]!) - 2 * stiffness * this.#speed[axis]!;
        this.#speed[axis]! += pull * step;
        this.#place[axis]! += this.#speed[axis]! * step;
        return pull;
      });
      if (this.#time < this.#told) continue;
      this.#told += 1000 / rate;
      this.#onReading({ at: this.#time, values: [...pulled, gravity, 0, 0, 0] });
    }
    this.#frame = requestAnimationFrame(this.#run);
  };
}
