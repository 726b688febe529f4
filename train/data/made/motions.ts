// Procedural gestures: as many as anyone asks for. A gesture is a few movements of a device that is held in a hand; every
// example is one attempt at them, as the device's accelerometer measures it.
import { type Random, random } from "../../random.ts";
import { across, direction, length, plus, rotated, times, unit, type Vector } from "./vectors.ts";

/** Samples a second of a motion. */
export const MOTION_RATE = 50;
/** Samples of a motion: two seconds. */
export const MOTION_LENGTH = 100;

// Streams of `random`, so that a class and its attempts are functions of their numbers alone.
const classStream = 0x6d6f7469;
const attemptStream = 0x61747465;

const gravity = 9.81;

/** A part of a gesture: seconds from its beginning, and how long it takes. */
type Movement = { readonly at: number; readonly seconds: number } & (
  | { readonly kind: "stroke"; readonly by: Vector }
  | {
      readonly kind: "swing";
      readonly first: Vector;
      readonly second: Vector;
      readonly hertz: number;
      readonly ratio: number;
    }
  | { readonly kind: "tap"; readonly force: Vector; readonly hertz: number }
  | { readonly kind: "turn"; readonly about: Vector; readonly angle: number }
);

/** The ideal of a class: where gravity points in the device at first, in m/s², and what is done with it. */
interface Gesture {
  readonly hold: Vector;
  readonly movements: readonly Movement[];
}

/**
 * One attempt at a gesture: class `id` as number `attempt` would go. Any two integers give one, always the same.
 *
 * @returns `[100 · 3]` numbers in m/s², gravity among them, 50 samples a second, sample by sample
 */
export function drawMotion(id: number, attempt: number): Float32Array {
  return measured(gestureOf(id), random(attemptStream, id, attempt));
}

// --- A class -------------------------------------------------------------------------------------------------------

const recent: { id: number; gesture: Gesture | undefined } = { id: -1, gesture: undefined };

function gestureOf(id: number): Gesture {
  if (recent.id !== id || !recent.gesture) Object.assign(recent, { id, gesture: compose(random(classStream, id)) });
  return recent.gesture!;
}

type Compose = (rng: Random, from: number) => readonly Movement[];

function compose(rng: Random): Gesture {
  const kind = rng.uniform();
  // A device that lies or is held still is told by its attitude alone.
  if (kind < 0.05) return { hold: times(direction(rng), gravity), movements: [] };
  const hold = rotated([0, 0, gravity], direction(rng), rng.normal(0, 0.35));
  const first = kinds[rng.integer(kinds.length)]!(rng, 0);
  if (kind < 0.7) return { hold, movements: first };
  const second = kinds[rng.integer(kinds.length)]!(rng, rng.uniform() < 0.35 ? 0 : endOf(first));
  return { hold, movements: [...first, ...second] };
}

const kinds: readonly Compose[] = [strokes, strokes, swing, swing, curve, taps, turns];

const endOf = (movements: readonly Movement[]): number => Math.max(...movements.map(({ at, seconds }) => at + seconds));

/** Flicks, letters in the air: strokes from one place to the next, rounded where one begins before the last ends. */
function strokes(rng: Random, from: number): readonly Movement[] {
  let at = from;
  let heading = direction(rng);
  return Array.from({ length: 1 + rng.integer(4) }, () => {
    const seconds = rng.uniform(0.22, 0.5);
    const by = times(heading, rng.uniform(0.1, 0.45));
    const movement: Movement = { kind: "stroke", at, seconds, by };
    at += seconds * rng.uniform(0.7, 1.1);
    heading = rng.uniform() < 0.35 ? times(heading, -1) : direction(rng);
    return movement;
  });
}

/** Shakes, waves, circles and figures of eight; some go on before and after, as walking does. */
function swing(rng: Random, from: number): readonly Movement[] {
  const goesOn = rng.uniform() < 0.2;
  const hertz = rng.uniform(1.2, goesOn ? 3 : 5);
  const first = times(direction(rng), goesOn ? rng.uniform(1.5, 8) : rng.uniform(4, 14));
  const size = rng.uniform() < 0.45 ? 0 : length(first) * rng.uniform(0.5, 1);
  const second = times(unit(across(first, direction(rng))), rng.uniform() < 0.5 ? size : -size);
  const ratio = rng.uniform() < 0.3 ? 2 : 1;
  const seconds = goesOn ? 6 : Math.min(1.5, (1.5 + rng.integer(5)) / hertz);
  return [{ kind: "swing", at: goesOn ? -2 : from, seconds, first, second, hertz, ratio }];
}

/** A path without corners, as a signature: a few swings at once, of their own directions and frequencies. */
function curve(rng: Random, at: number): readonly Movement[] {
  const seconds = rng.uniform(0.8, 1.8);
  return Array.from({ length: 3 + rng.integer(2) }, () => {
    const hertz = rng.uniform(0.5, 3.5);
    const [first, second] = [0, 1].map(() => times(direction(rng), rng.uniform(1, 6))) as [Vector, Vector];
    return { kind: "swing", at, seconds, first, second, hertz, ratio: 1 };
  });
}

/** Knocks in a rhythm. */
function taps(rng: Random, from: number): readonly Movement[] {
  const force = times(direction(rng), rng.uniform(6, 25));
  const hertz = rng.uniform(8, 18);
  let at = from;
  return Array.from({ length: 1 + rng.integer(4) }, () => {
    const movement: Movement = { kind: "tap", at, seconds: 0.2, force, hertz };
    at += rng.uniform() < 0.5 ? rng.uniform(0.12, 0.2) : rng.uniform(0.25, 0.45);
    return movement;
  });
}

/** Twists and tilts, some of them back again. */
function turns(rng: Random, from: number): readonly Movement[] {
  let at = from;
  let about = direction(rng);
  return Array.from({ length: 1 + rng.integer(3) }, () => {
    const seconds = rng.uniform(0.22, 0.55);
    const movement: Movement = { kind: "turn", at, seconds, about, angle: rng.uniform(0.6, 2.6) };
    at += seconds * rng.uniform(0.8, 1.4);
    about = rng.uniform() < 0.5 ? times(about, -1) : direction(rng);
    return movement;
  });
}

// --- An example ----------------------------------------------------------------------------------------------------

/** One attempt, with what a hand and a sensor add to it. */
function measured({ hold, movements }: Gesture, rng: Random): Float32Array {
  const pace = Math.exp(rng.normal(0, 0.16));
  const vigour = Math.exp(rng.normal(0, 0.2));
  const done = movements.map((movement) => attempted(movement, pace, vigour, rng));
  const seconds = MOTION_LENGTH / MOTION_RATE;
  const took = done.length === 0 ? 0 : endOf(done);
  // Recordings begin early or late, and what is too long for them is cut.
  const start = rng.uniform(Math.min(0.1, (seconds - took) / 2), Math.max(0.1, seconds - took - 0.05));
  const parts: Movement[] = done.map((movement) => ({ ...movement, at: movement.at + start }));
  if (rng.uniform() < 0.5) parts.push(reach(start - rng.uniform(0.1, 0.5), rng));
  if (rng.uniform() < 0.5) parts.push(reach(start + took - rng.uniform(0, 0.2), rng));
  const down = rotated(hold, direction(rng), rng.normal(0, 0.14));
  const [grip, gripAngle] = [direction(rng), rng.normal(0, 0.2)];
  const [lean, leanRate] = [direction(rng), rng.normal(0, 0.06)];
  const hand = [wobble(rng, 0.3, 1.5, 0.35), wobble(rng, 7, 11, 0.12 * vigour), wobble(rng, 2, 5, 0.2 * vigour)];
  const bias: Vector = [rng.normal(0, 0.12), rng.normal(0, 0.12), rng.normal(0, 0.12)];
  const noise = Math.exp(rng.uniform(Math.log(0.02), Math.log(0.25)));
  const samples = new Float32Array(MOTION_LENGTH * 3);
  for (let i = 0; i < MOTION_LENGTH; i++) {
    const time = i / MOTION_RATE;
    let felt = rotated(down, lean, leanRate * (time - seconds / 2));
    for (const part of parts) felt = plus(felt, accelerationOf(part, time));
    for (const part of parts)
      if (part.kind === "turn") felt = rotated(felt, part.about, -part.angle * smooth((time - part.at) / part.seconds));
    for (const shaking of hand) felt = plus(felt, shaking(time));
    felt = rotated(felt, grip, gripAngle);
    for (let axis = 0; axis < 3; axis++) samples[3 * i + axis] = felt[axis]! + bias[axis]! + rng.normal(0, noise);
  }
  // A recording that began too late is filled with its first sample, as preprocessing does it.
  if (rng.uniform() < 0.15) {
    const late = rng.integer(20);
    for (let i = 0; i < 3 * late; i++) samples[i] = samples[3 * late + (i % 3)]!;
  }
  return samples;
}

/** A movement as it comes out: no part as long, as large or as straight as it was meant. */
function attempted(movement: Movement, pace: number, vigour: number, rng: Random): Movement {
  const slower = Math.exp(rng.normal(0, 0.12)) / pace;
  const near = (vector: Vector, by = 0.16): Vector => {
    const off = by * length(vector);
    return plus(vector, [rng.normal(0, off), rng.normal(0, off), rng.normal(0, off)]);
  };
  const when = { at: movement.at / pace + rng.normal(0, 0.025), seconds: movement.seconds * slower };
  if (movement.kind === "stroke") return { ...movement, ...when, by: times(near(movement.by), vigour ** 0.5) };
  if (movement.kind === "tap") return { ...movement, ...when, force: times(near(movement.force, 0.2), vigour) };
  if (movement.kind === "turn") {
    const angle = movement.angle * Math.exp(rng.normal(0, 0.14));
    return { ...movement, ...when, about: unit(near(movement.about, 0.14)), angle };
  }
  const { first, second } = movement;
  const hertz = (movement.hertz * pace) / Math.exp(rng.normal(0, 0.06));
  return { ...movement, ...when, hertz, first: times(near(first), vigour), second: times(near(second), vigour) };
}

/** What a hand does before and after: some small stroke. */
const reach = (at: number, rng: Random): Movement => ({
  kind: "stroke",
  at,
  seconds: rng.uniform(0.25, 0.5),
  by: times(direction(rng), rng.uniform(0.02, 0.14)),
});

/** Acceleration of a movement at a time, in m/s². */
function accelerationOf(movement: Movement, time: number): Vector {
  const { at, seconds } = movement;
  const share = (time - at) / seconds;
  if (share <= 0 || share >= 1) return [0, 0, 0];
  const since = time - at;
  if (movement.kind === "stroke") {
    // The second derivative of a path of least jerk (Flash and Hogan 1985).
    const jerkless = share * (60 + share * (-180 + share * 120));
    return times(movement.by, jerkless / seconds ** 2);
  }
  if (movement.kind === "tap")
    return times(movement.force, Math.exp(-since / 0.045) * Math.cos(2 * Math.PI * movement.hertz * since));
  if (movement.kind === "turn") return [0, 0, 0];
  const angle = 2 * Math.PI * movement.hertz * since;
  const swell = Math.min(1, 5 * share, 5 * (1 - share));
  const { first, second, ratio } = movement;
  return plus(times(first, swell * Math.sin(angle)), times(second, swell * Math.cos(ratio * angle)));
}

/** From 0 to 1 as a path of least jerk goes. */
function smooth(share: number): number {
  const s = Math.min(1, Math.max(0, share));
  return s * s * s * (10 + s * (-15 + s * 6));
}

/** A trembling or swaying of a frequency between two, up to so many m/s² on each axis. */
function wobble(rng: Random, lowest: number, highest: number, most: number): (time: number) => Vector {
  const axes = Array.from({ length: 3 }, () => ({
    turn: 2 * Math.PI * rng.uniform(lowest, highest),
    phase: rng.uniform(0, 2 * Math.PI),
    size: rng.uniform(0, most),
  }));
  const of = (time: number) => axes.map(({ turn, phase, size }) => size * Math.sin(turn * time + phase));
  return (time) => of(time) as [number, number, number];
}
