// Made sounds as samples: sources through resonances, and what a room and a microphone make of them.
import type { Random } from "../../random.ts";

/** Samples a second of a made sound. */
export const TONE_RATE = 16_000;

/** Resonances of a mouth, a body or a room. */
export type Formants = readonly { readonly hertz: number; readonly width: number; readonly gain: number }[];

/** A part of a sound: a source that goes through resonances, which move from some to others. */
export interface Part {
  /** Seconds from the sound's beginning, and how long it takes. */
  readonly at: number;
  readonly seconds: number;
  /** Its loudness beside the other parts'. */
  readonly level: number;
  /** How much of the source is a voice, noise, or a pure tone. */
  readonly voice: number;
  readonly hiss: number;
  readonly whistle: number;
  /** In Hz, from and to. */
  readonly pitch: readonly [from: number, to: number];
  /** Seconds in which it dies away, where it is struck; 0: it is held. */
  readonly decay: number;
  /** How often a second it swells; 0: it does not. */
  readonly flutter: number;
  readonly from: Formants;
  readonly to: Formants;
}

/** Samples between which resonances stay as they are. */
const still = 128;

/** A take as a microphone records it, with a moment of silence before and after. */
export function recorded(parts: readonly Part[], rng: Random): Float32Array {
  const end = Math.max(...parts.map(({ at, seconds }) => at + seconds));
  const [before, after] = [rng.uniform(0.05, 0.25), rng.uniform(0.05, 0.25)];
  const samples = new Float64Array(Math.round((before + end + after) * TONE_RATE));
  for (const part of parts) add(part, samples, Math.round((before + part.at) * TONE_RATE), rng);
  echo(samples, rng);
  const loudness = rms(samples) || 1;
  // Behind it there is noise, as of a street, a fan or mains: from hardly any to a good deal.
  const noise = (loudness * 2) / Math.exp(rng.uniform(Math.log(2), Math.log(150)));
  const dark = rng.uniform(0, 0.97);
  const mains = rng.uniform() < 0.3 ? noise * rng.uniform(0, 2) : 0;
  const turn = (2 * Math.PI * (rng.uniform() < 0.5 ? 50 : 120)) / TONE_RATE;
  const tilt = rng.uniform(-0.6, 0.6);
  const gain = Math.exp(rng.uniform(Math.log(0.01), Math.log(0.3))) / loudness;
  const result = new Float32Array(samples.length);
  const white = whiteNoise(rng);
  let past = 0;
  let rumble = 0;
  const spread = Math.sqrt(1 - dark * dark);
  for (let i = 0; i < result.length; i++) {
    rumble = dark * rumble + spread * white();
    const heard = samples[i]! + noise * rumble + (mains > 0 ? mains * Math.sin(turn * i) : 0);
    // A microphone that favours what is low, or what is high.
    result[i] = Math.max(-1, Math.min(1, gain * (heard + tilt * past)));
    past = heard;
  }
  return result;
}

/** White noise of deviation 1, by the quickest generator there is (Knuth, TAOCP 3.2.1), which is good enough to listen to. */
function whiteNoise(rng: Random): () => number {
  // In an array, since a variable of a closure would be a new object for each number.
  const state = Int32Array.of(rng.bits());
  const scale = Math.sqrt(3) / 2 ** 31;
  return () => {
    state[0] = Math.imul(state[0]!, 1_664_525) + 1_013_904_223;
    return scale * state[0]!;
  };
}

function rms(samples: Float64Array): number {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return Math.sqrt(sum / samples.length);
}

/** What walls give back. */
function echo(samples: Float64Array, rng: Random): void {
  if (rng.uniform() < 0.4) return;
  const [delay, share] = [Math.round(rng.uniform(0.008, 0.05) * TONE_RATE), rng.uniform(0.1, 0.4)];
  for (let i = delay; i < samples.length; i++) samples[i]! += share * samples[i - delay]!;
}

/** Adds a part from a sample on. */
function add(part: Part, samples: Float64Array, start: number, rng: Random): void {
  const length = Math.min(samples.length - start, Math.max(32, Math.round(part.seconds * TONE_RATE)));
  const own = through(part, sourceOf(part, length, rng));
  const scale = part.level / (rms(own) || 1);
  const edge = Math.min(length / 2, (part.decay > 0 ? 0.001 : 0.015) * TONE_RATE);
  const fade = Math.min(length / 2, 0.02 * TONE_RATE);
  for (let i = 0; i < length; i++) {
    const shape = Math.min(1, i / edge, (length - i) / fade);
    const dying = part.decay > 0 ? Math.exp(-i / (part.decay * TONE_RATE)) : 1;
    const swell = part.flutter > 0 ? 0.55 - 0.45 * Math.cos((2 * Math.PI * part.flutter * i) / TONE_RATE) : 1;
    samples[start + i]! += scale * shape * dying * swell * own[i]!;
  }
}

/** A voice is a row of pulses, each of which a glottis makes softer; its pitch trembles a little. */
function sourceOf({ voice, hiss, whistle, pitch }: Part, length: number, rng: Random): Float64Array {
  const source = new Float64Array(length);
  let phase = rng.uniform();
  let turn = 0;
  let soft = 0;
  let softer = 0;
  const white = whiteNoise(rng);
  let tremble = 1;
  for (let i = 0; i < length; i++) {
    const hertz = pitch[0] + ((pitch[1] - pitch[0]) * i) / length;
    let value = hiss > 0 ? hiss * white() : 0;
    if (whistle > 0) {
      turn += (2 * Math.PI * hertz) / TONE_RATE;
      value += whistle * 1.4 * Math.sin(turn);
    }
    if (voice > 0) {
      phase += (hertz * tremble) / TONE_RATE;
      const pulse = phase >= 1 ? 1 : 0;
      if (pulse) {
        phase -= 1;
        tremble = 1 + 0.03 * white();
      }
      soft = 0.95 * soft + pulse;
      softer = 0.6 * softer + 0.4 * soft;
      value += voice * 4 * (softer - 0.6);
    }
    source[i] = value;
  }
  return source;
}

/** The source through each of the resonances, and all of them together. */
function through({ from, to }: Part, source: Float64Array): Float64Array {
  const result = new Float64Array(source.length);
  from.forEach((formant, which) => {
    const last = to[which] ?? formant;
    let x1 = 0;
    let x2 = 0;
    let y1 = 0;
    let y2 = 0;
    let a = 0;
    let b = 0;
    let c = 0;
    for (let i = 0; i < source.length; i++) {
      if (i % still === 0) {
        // A resonance of constant peak (J. O. Smith, Introduction to Digital Filters).
        const share = i / source.length;
        const hertz = Math.min(7600, formant.hertz + (last.hertz - formant.hertz) * share);
        const radius = Math.exp((-Math.PI * Math.min(formant.width, 12_000)) / TONE_RATE);
        a = ((1 - radius * radius) / 2) * formant.gain;
        b = 2 * radius * Math.cos((2 * Math.PI * hertz) / TONE_RATE);
        c = -radius * radius;
      }
      const x = source[i]!;
      const y = a * (x - x2) + b * y1 + c * y2;
      result[i]! += y;
      x2 = x1;
      x1 = x;
      y2 = y1;
      y1 = y;
    }
  });
  return result;
}
