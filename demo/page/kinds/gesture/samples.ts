// Gestures that the page makes itself, for whoever would rather watch, or has no phone: what sensors would say of them, and how a
// hand varies them.
import type { Motion } from "./motion.ts";

type Accelerations = (t: number) => readonly [x: number, y: number, z: number];

const gravity = 9.81;
const wave = (t: number, turns: number): number => Math.sin(2 * Math.PI * turns * t);
const bump = (t: number, at: number, width: number): number => Math.exp(-(((t - at) / width) ** 2));
/** A movement begins and ends at rest. */
const within = (t: number): number => Math.sin(Math.PI * Math.min(1, Math.max(0, t))) ** 0.5;

/** In m/s², over a time from 0 to 1; gravity comes on top where a gesture does not turn it. */
const gestures: readonly Accelerations[] = [
  // A circle, a shake, two knocks, a lift, a turn of the wrist, an eight, a throw, a zigzag.
  (t) => [7 * wave(t, 2) * within(t), 7 * wave(t + 0.125, 2) * within(t), gravity],
  (t) => [14 * wave(t, 6) * within(t), 1.5 * wave(t, 3), gravity],
  (t) => [0.4 * wave(t, 1), 1.5 * bump(t, 0.3, 0.05), gravity + 16 * (bump(t, 0.3, 0.035) + bump(t, 0.62, 0.035))],
  (t) => [0.5 * wave(t, 1), 2 * wave(t, 1), gravity + 8 * wave(t, 1) * within(t)],
  (t) => {
    const angle = 1.3 * Math.sin(Math.PI * t) ** 2;
    return [gravity * Math.sin(angle), 0.6 * wave(t, 2), gravity * Math.cos(angle)];
  },
  (t) => [8 * wave(t, 2) * within(t), 8 * wave(t, 4) * within(t), gravity],
  (t) => [1.5 * wave(t, 1), -5 * bump(t, 0.35, 0.1) + 17 * bump(t, 0.52, 0.06) - 8 * bump(t, 0.68, 0.08), gravity],
  (t) => [9 * Math.sign(wave(t, 2.5)) * within(t), -3 * within(t), gravity + 2 * wave(t, 5)],
];

/** Numbers around 0. */
const around = (width: number): number => (Math.random() + Math.random() + Math.random() - 1.5) * width;

/** A gesture of the page's own, made as a hand would make it this time. */
export function sample(turn: number, seconds: number, channels: number, closely: boolean): Motion {
  const made = turn % gestures.length;
  const gesture = gestures[made]!;
  const amount = closely ? 0.6 : 1;
  const rate = 60;
  const count = Math.ceil(seconds * rate) + 1;
  const [pace, shift, size] = [1 + around(0.12 * amount), around(0.05 * amount), 1 + around(0.2 * amount)];
  const turned = around(0.2 * amount);
  const data = new Float32Array(count * channels);
  for (let i = 0; i < count; i++) {
    const t = (i / count - 0.5) * pace + 0.5 + shift;
    const [x, y, z] = gesture(t);
    const values = [
      size * (x * Math.cos(turned) - y * Math.sin(turned)) + around(0.15),
      size * (x * Math.sin(turned) + y * Math.cos(turned)) + around(0.15),
      gravity + size * (z - gravity) + around(0.15),
    ];
    for (let channel = 0; channel < channels; channel++) data[i * channels + channel] = values[channel] ?? around(3);
  }
  return { rate, channels, data, made };
}

/** A gesture as the same hand would make it again. */
export function again(motion: Motion, seconds: number, closely: boolean): Motion {
  if (motion.made !== undefined) return sample(motion.made, seconds, motion.channels, closely);
  const amount = closely ? 0.6 : 1;
  const size = 1 + around(0.12 * amount);
  const { channels } = motion;
  const count = motion.data.length / channels;
  const means = Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += motion.data[i * channels + channel]!;
    return sum / count;
  });
  const data = motion.data.map(
    (value, i) => means[i % channels]! + size * (value - means[i % channels]!) + around(0.2),
  );
  return { ...motion, rate: motion.rate * (1 + around(0.08 * amount)), data };
}
