// Sounds: what a microphone hears, as the bundle's preprocessing takes it.
import { expectKind, type PageBundle } from "../../../fits.ts";
import type { Kind } from "../kind.ts";
import { shades } from "../recording/pixels.ts";
import { loudest, peak, type Recorded, surrounded } from "./recorded.ts";
import { SoundRecorder } from "./recorder.ts";
import { sample } from "./samples.ts";
import { soundWords } from "./words.ts";

/** The loudest sample of a quiet room stays below. */
const quietest = 0.012;

/** Columns of a picture of plain samples. */
const columns = 48;

export function kind({ preprocessing }: PageBundle): Kind<Recorded> {
  const how = preprocessing.kind === "window" ? preprocessing : expectKind(preprocessing, "sound");
  const seconds = how.length / (how.rate ?? 1);
  return {
    words: soundWords,
    helpIcon: "wand",
    record(events) {
      return new SoundRecorder(seconds, events);
    },
    input(sound) {
      // Sounds are cut to their loudest part by the preprocessing itself; windows end where they end.
      const { rate, data } = how.kind === "sound" ? sound : loudest(surrounded(sound, seconds), seconds);
      return { rate, data, channels: 1 };
    },
    trial() {
      return [sample(0, seconds, true), sample(1, seconds, true)];
    },
    slight({ data }) {
      return peak(data) < quietest;
    },
    portrait(values) {
      return how.kind === "sound" ? spectra(values, how.bands) : waveform(values);
    },
    keep() {
      return undefined;
    },
    restore() {
      return undefined;
    },
  };
}

/** Energies of bands over time: time to the right, high notes at the top. */
function spectra(values: Float32Array, bands: number): HTMLElement {
  const frames = values.length / bands;
  const sorted = values.slice().sort();
  // Half of most sounds is the room's noise.
  const [low, high] = [sorted[Math.floor(0.4 * sorted.length)]!, sorted[Math.floor(0.995 * sorted.length)]!];
  return shades(frames, bands, (x, y) => {
    const share = (values[x * bands + bands - 1 - y]! - low) / Math.max(1e-6, high - low);
    return Math.min(1, Math.max(0, share)) ** 1.4;
  });
}

function waveform(values: Float32Array): HTMLElement {
  const most = peak(values) || 1;
  const size = values.length / columns;
  return shades(columns, columns, (x, y) => {
    const height = peak(values.subarray(Math.floor(x * size), Math.floor((x + 1) * size))) / most;
    return Math.abs(y + 0.5 - columns / 2) <= (height * columns) / 2 ? 1 : 0;
  });
}
