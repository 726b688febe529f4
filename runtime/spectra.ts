// The energies of bands on the mel scale over time: Hann windows, a Fourier transform and triangular filters.
import type { SoundPreprocessing } from "@innerloop/schemas/bundle";
import { circle, ln } from "./arithmetic.ts";

/** What of a transform's frequency goes to the bands: the share `upper` to this one, counted from 0, the rest to the one before. */
interface Bin {
  readonly band: number;
  readonly upper: number;
}

/** @returns float64 `[frames, bands]`; work that gives way after each frame */
export function* spectra(how: SoundPreprocessing, samples: Float64Array): Generator<void, Float64Array> {
  const { frame, hop, bands } = how;
  let size = 1;
  while (size < frame) size *= 2;
  const frames = 1 + Math.floor((how.length - frame) / hop);
  const window = Float64Array.from({ length: frame }, (_, i) => (1 - circle(i / frame)[0]) / 2);
  const transform = fourier(size);
  const bins = binsOf(how, size);
  const energies = new Float64Array(frames * bands);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let at = 0; at < frames; at++) {
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < frame; i++) re[i] = samples[at * hop + i]! * window[i]!;
    transform(re, im);
    bins.forEach(({ band, upper }, bin) => {
      const power = (re[bin]! * re[bin]! + im[bin]! * im[bin]!) / frame;
      if (band > 0 && band <= bands) energies[at * bands + band - 1]! += power * (1 - upper);
      if (band >= 0 && band < bands) energies[at * bands + band]! += power * upper;
    });
    yield;
  }
  return energies;
}

/** Where the frequencies of a transform lie: bands have equal distances on the mel scale, and their triangles are straight there. */
function binsOf({ rate, bands, lowest, highest }: SoundPreprocessing, size: number): Bin[] {
  const mel = (hertz: number) => ln(1 + hertz / 700);
  const low = mel(lowest);
  const width = (mel(highest) - low) / (bands + 1);
  return Array.from({ length: size / 2 + 1 }, (_, bin) => {
    const position = (mel((bin * rate) / size) - low) / width;
    const band = Math.floor(position);
    return { band, upper: position - band };
  });
}

/** The discrete Fourier transform of complex numbers in place, of a size that is a power of two (Cooley and Tukey 1965). */
function fourier(size: number): (re: Float64Array, im: Float64Array) => void {
  const turns = Array.from({ length: size / 2 }, (_, i) => circle(i / size));
  const cosines = Float64Array.from(turns, ([cosine]) => cosine);
  const sines = Float64Array.from(turns, ([, sine]) => sine);
  return (re, im) => {
    for (let i = 1, j = 0; i < size; i++) {
      let bit = size / 2;
      for (; j & bit; bit /= 2) j ^= bit;
      j ^= bit;
      if (i < j) {
        [re[i], re[j]] = [re[j]!, re[i]!];
        [im[i], im[j]] = [im[j]!, im[i]!];
      }
    }
    for (let half = 1; half < size; half *= 2)
      for (let start = 0; start < size; start += 2 * half)
        for (let i = 0; i < half; i++) {
          const a = start + i;
          const b = a + half;
          const turn = (i * size) / (2 * half);
          const real = re[b]! * cosines[turn]! + im[b]! * sines[turn]!;
          const imaginary = im[b]! * cosines[turn]! - re[b]! * sines[turn]!;
          re[b] = re[a]! - real;
          im[b] = im[a]! - imaginary;
          re[a]! += real;
          im[a]! += imaginary;
        }
  };
}
