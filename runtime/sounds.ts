// A sound becomes an example, in training and on the device: its loudest stretch, resampled, as the energies of bands on the mel
// scale over time. docs/bundle.md says it for other programs.
import type { SoundPreprocessing } from "@innerloop/schemas/bundle";
import { circle, ln } from "./arithmetic.ts";
import { badInput } from "./refusal.ts";
import { mixed, readSamples, type Samples, type Sound } from "./samples.ts";
import { spectra } from "./spectra.ts";

/** A stretch is looked for by the energies of so many parts of it. */
const parts = 64;

/** Of the filter that resamples: zero crossings on each side, and how much of the band that both rates have it lets through. */
const [crossings, passed] = [16, 0.92];

/** Samples that are resampled, and then others have a turn. */
const atOnce = 1024;

/** A recording of one channel, around zero. */
interface Mono {
  readonly count: number;
  at(sample: number): number;
}

/**
 * The numbers a model sees of a sound, `[frames, bands, 1]`. Channels are mixed; what is constant is taken off; of a longer
 * recording the loudest stretch is taken, and a shorter one has silence around it.
 *
 * @returns work that gives way now and then
 * @throws InnerloopError `bad-input` for no samples, and numbers that are not finite
 */
export function* soundOf(how: SoundPreprocessing, input: Samples | Sound): Generator<void, Float32Array> {
  const recorded = readSamples(input, "sound", 1);
  const { count, rate = how.rate } = recorded;
  if (count === 0) throw badInput("the sound has no samples; check how it was recorded");
  let sum = 0;
  for (let sample = 0; sample < count; sample++) sum += mixed(recorded, sample);
  const mean = sum / count;
  if (!Number.isFinite(mean)) throw badInput("the sound holds NaN or infinity; check how it was recorded");
  yield;
  const mono = { count, at: (sample: number) => mixed(recorded, sample) - mean };
  const step = rate / how.rate;
  if (count < step)
    throw badInput(
      `the sound has ${count} samples at ${rate} Hz, less than one at this bundle's ${how.rate} Hz; check its rate`,
    );
  const length = Math.max(1, Math.ceil(how.length * step - 1e-6));
  const start = loudest(mono, length);
  yield;
  const samples = yield* resampled(mono, start + (length - how.length * step) / 2, step, how.length);
  const energies = yield* spectra(how, samples);
  if (how.relative) relate(energies, how.bands);
  const example = Float32Array.from(energies, (energy) => (ln(energy + how.floor) - how.mean) / how.std);
  checkFinite(example);
  return example;
}

function checkFinite(numbers: Float32Array | Float64Array): void {
  if (!numbers.every(Number.isFinite)) throw badInput("the sound has numbers far from −1…1; check how it was recorded");
}

/**
 * Where the stretch begins, in samples: it lies in the recording, or the whole recording in it. Of all in steps of a part it
 * is the one with the most energy, which counts the more the nearer it is to the middle; the first of equals.
 */
function loudest({ count, at }: Mono, length: number): number {
  const first = Math.min(0, count - length);
  const last = Math.max(0, count - length);
  const part = Math.ceil(length / parts);
  const energies = new Float64Array(Math.ceil((last - first + 1) / part) + parts);
  for (let sample = 0; sample < count; sample++) {
    const value = at(sample);
    energies[Math.floor((sample - first) / part)]! += value * value;
  }
  checkFinite(energies);
  let [best, most] = [first, -1];
  for (let start = first, from = 0; start <= last; start += part, from++) {
    let energy = 0;
    for (let i = 0; i < parts; i++) energy += energies[from + i]! * Math.min(i + 1, parts - i);
    if (energy > most) [best, most] = [start, energy];
  }
  return best;
}

/**
 * Samples `step` apart, the first in the middle of a step from `start` on; around the recording there is silence. Where steps
 * are not 1, by a windowed sinc (J. O. Smith, Digital Audio Resampling), which lets through what both rates can hold.
 */
function* resampled({ count, at }: Mono, start: number, step: number, length: number): Generator<void, Float64Array> {
  const result = new Float64Array(length);
  const reach = crossings * Math.max(1, step);
  const cutoff = passed / Math.max(1, step);
  const low = Math.max(0, Math.floor(start - reach));
  const high = Math.min(count, Math.ceil(start + length * step + reach));
  const source = new Float64Array(Math.max(0, high - low));
  for (let i = 0; i < source.length; i++) source[i] = at(low + i);
  const filter = sinc(cutoff, reach);
  for (let k = 0; k < length; k++) {
    if (k % atOnce === 0) yield;
    result[k] = step === 1 ? (source[start + k - low] ?? 0) : filter(source, start + (k + 0.5) * step - 0.5 - low);
  }
  return result;
}

/** What a windowed sinc makes of samples at a place between them. */
function sinc(cutoff: number, reach: number): (source: Float64Array, position: number) => number {
  // The sine of π · cutoff · distance is turned on from one sample to the next.
  const [turnCosine, turnSine] = circle(cutoff / 2);
  const narrow = 1 / (reach * reach);
  return (source, position) => {
    const from = Math.max(0, Math.ceil(position - reach));
    const to = Math.min(source.length - 1, Math.floor(position + reach));
    let [cosine, sine] = circle((cutoff * (from - position)) / 2);
    let sum = 0;
    for (let i = from; i <= to; i++) {
      const distance = i - position;
      const x = Math.PI * cutoff * distance;
      const taper = 1 - distance * distance * narrow;
      sum += source[i]! * (x > -1e-4 && x < 1e-4 ? 1 - (x * x) / 6 : sine / x) * taper * taper;
      const turned = cosine * turnCosine - sine * turnSine;
      sine = sine * turnCosine + cosine * turnSine;
      cosine = turned;
    }
    return cutoff * sum;
  };
}

/** Energies as shares of that of the loudest frame. */
function relate(energies: Float64Array, bands: number): void {
  let most = 0;
  for (let frame = 0; frame < energies.length; frame += bands) {
    let sum = 0;
    for (let band = 0; band < bands; band++) sum += energies[frame + band]!;
    most = Math.max(most, sum);
  }
  if (most > 0) for (let i = 0; i < energies.length; i++) energies[i]! /= most;
}
