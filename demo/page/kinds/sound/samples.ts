// Sounds that the page makes itself, for whoever would rather listen, and how they vary from one time to the next.
import type { Recorded } from "./recorded.ts";

const rate = 16_000;

/** Voices by their pitch in Hz and loudness over a time from 0 to 1; noise has no pitch. */
interface Voice {
  pitch(t: number): number;
  loudness(t: number): number;
  readonly overtones: readonly number[];
  readonly noise?: number;
}

const pulse = (t: number, at: number, width: number): number => (t < at ? 0 : Math.exp(-(t - at) / width));
const arch = (t: number): number => (t > 0 && t < 1 ? Math.sin(Math.PI * t) ** 0.5 : 0);

const voices: readonly Voice[] = [
  // A whistle upwards, two beeps, a knock-knock-knock, a hum, a drop, a hiss, a siren, a bell.
  { pitch: (t) => 600 + 1400 * t * t, loudness: (t) => arch(t), overtones: [1, 0.08] },
  { pitch: () => 950, loudness: (t) => (t < 0.32 || (t > 0.5 && t < 0.82) ? 1 : 0), overtones: [1, 0.4, 0.3, 0.2] },
  {
    pitch: () => 170,
    loudness: (t) => pulse(t, 0.08, 0.03) + pulse(t, 0.38, 0.03) + pulse(t, 0.68, 0.03),
    overtones: [1, 0.7, 0.5],
    noise: 0.5,
  },
  { pitch: (t) => 140 + 8 * Math.sin(34 * t), loudness: (t) => arch(t), overtones: [1, 0.8, 0.6, 0.5, 0.3, 0.2] },
  { pitch: (t) => 1900 * 0.12 ** t, loudness: (t) => arch(t), overtones: [1, 0.2] },
  { pitch: () => 0, loudness: (t) => arch(t), overtones: [], noise: 0.7 },
  { pitch: (t) => 800 + 350 * Math.sin(22 * t), loudness: (t) => arch(t), overtones: [1, 0.5, 0.25] },
  { pitch: () => 1320, loudness: (t) => pulse(t, 0.03, 0.3), overtones: [1, 0, 0.6, 0, 0.35] },
];

const around = (width: number): number => (Math.random() + Math.random() + Math.random() - 1.5) * width;

/** A sound of the page's own, a little higher or lower, slower or faster each time. */
export function sample(turn: number, seconds: number, closely: boolean): Recorded {
  const made = turn % voices.length;
  const { pitch, loudness, overtones, noise = 0 } = voices[made]!;
  const amount = closely ? 0.6 : 1;
  const [higher, gain, hum] = [1 + around(0.08 * amount), 0.45 * (1 + around(0.3 * amount)), 0.004];
  const span = Math.min(1, seconds) * 0.85 * (1 + around(0.12 * amount));
  const data = new Float32Array(Math.ceil(Math.min(1.2, seconds) * rate));
  let phase = 0;
  for (let i = 0; i < data.length; i++) {
    const t = i / rate / span - 0.04;
    phase += (2 * Math.PI * higher * pitch(t)) / rate;
    let value = noise * (2 * Math.random() - 1);
    overtones.forEach((share, n) => {
      value += share * Math.sin((n + 1) * phase);
    });
    data[i] = (gain * value * loudness(t)) / (1 + overtones.length / 3) + hum * (2 * Math.random() - 1);
  }
  return { rate, data, made };
}

/** A sound as it would come again. */
export function again(sound: Recorded, seconds: number, closely: boolean): Recorded {
  if (sound.made !== undefined) return sample(sound.made, seconds, closely);
  const amount = closely ? 0.6 : 1;
  const gain = 1 + around(0.2 * amount);
  // Played at another rate, it is a little higher or lower.
  return { rate: Math.round(sound.rate * (1 + around(0.04 * amount))), data: sound.data.map((value) => gain * value) };
}
