// How recordings are, and what examples of them should be: the rate, how long they are, and the frames and bands that go with it.
import { preprocess, type Samples } from "@innerloop/runtime/input";
import {
  type ExamplesConfig,
  InnerloopError,
  misfit,
  preprocessedShape,
  type SoundPreprocessing,
} from "@innerloop/schemas";
import type { Chosen } from "../file-kind.ts";

/** The highest rate that is chosen: what tells sounds of people, animals and things apart lies below 8 kHz. */
const mostRate = 16_000;

/** Seconds of an example that is chosen, of a frame at least, and frames that an example has about. */
const [leastSeconds, mostSeconds, frameSeconds, frames] = [0.25, 10, 0.025, 48];

/** Of recordings, the share that an example has to hold all of that is heard. */
const whole = 0.98;

/** What is heard has this share of the power of the loudest hundredth of a second: −40 dB. */
const heard = 1e-4;

/** Of the loudest frame's power: what is 40 dB below is as good as silent, since recordings have noise. */
const floor = 1e-4;

/** Of a recording: how long it is, and from the first to the last that is heard, in seconds; and how loud. */
export interface Look {
  readonly seconds: number;
  readonly heard: number;
  readonly peak: number;
  /** The share of samples that are as loud as can be. */
  readonly clipped: number;
}

/** Looks at all samples once. */
export function lookAt({ data, rate = mostRate, channels = 1 }: Samples): Look {
  const scale = data instanceof Int16Array ? 1 / 32768 : 1;
  const count = data.length / channels;
  const part = Math.max(1, Math.round(rate / 100));
  const powers = new Float64Array(Math.ceil(count / part));
  let mean = 0;
  for (let i = 0; i < data.length; i++) mean += data[i]! * scale;
  mean /= Math.max(1, data.length);
  let [peak, most] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]! * scale;
    peak = Math.max(peak, Math.abs(value - mean));
    most = Math.max(most, Math.abs(value));
    powers[Math.floor(i / channels / part)]! += (value - mean) * (value - mean);
  }
  let clipped = 0;
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i]! * scale) >= 0.999 * most) clipped++;
  const loudest = powers.reduce((largest, power) => Math.max(largest, power), 0);
  const isHeard = (power: number): boolean => power > heard * loudest;
  const first = powers.findIndex(isHeard);
  const last = powers.findLastIndex(isHeard);
  return {
    seconds: count / rate,
    heard: first < 0 ? 0 : Math.min(count / rate, ((last - first + 1) * part) / rate),
    peak,
    clipped: most < 0.5 ? 0 : clipped / Math.max(1, data.length),
  };
}

/**
 * Chooses what settings leave open. @throws InnerloopError `bad-setting` (status 2) for settings that do not go together
 */
export function chooseSounds(recordings: readonly Samples[], settings: ExamplesConfig): Chosen<SoundPreprocessing> {
  const looks = recordings.map(lookAt);
  const rates = recordings.map(({ rate }) => rate!).sort((a, b) => a - b);
  // One of twenty may be of a lower rate than all others, and has nothing in the highest bands then.
  const rate = settings.sampleRate ?? Math.min(mostRate, rates[Math.floor(rates.length / 20)] ?? mostRate);
  const audible = looks
    .map((look) => look.heard)
    .filter((seconds) => seconds > 0)
    .sort((a, b) => a - b);
  const usual = audible[Math.ceil(whole * audible.length) - 1] ?? 1;
  const seconds = Math.min(mostSeconds, Math.max(leastSeconds, Math.ceil(20 * usual * 1.05) / 20));
  const length = settings.length ?? Math.max(2, Math.round(seconds * rate));
  const how = fitting(settings, { rate, length });
  const { mean, std } = spreadOf(recordings, how);
  const [rows, bands] = preprocessedShape(how);
  return {
    preprocessing: { ...how, mean, std },
    reasons: [
      `sounds of ${rounded(length / rate)} s at ${rate} Hz, as ${rows} frames of ${bands} bands` +
        (settings.length === undefined && audible.length > 0
          ? `, since in ${100 * whole} % of the recordings nothing is heard for longer than ${rounded(usual)} s`
          : ""),
      ...(settings.length === undefined && usual > mostSeconds
        ? [`the loudest ${mostSeconds} s of longer ones: cut them, or say --length`]
        : []),
      ...(new Set(rates).size > 1 ? [`resampled where need be: those that were looked at are ${countsOf(rates)}`] : []),
    ],
  };
}

/** Frames and bands for a rate and a length: as many bands as frames of a voice's length can tell apart, at most 40. */
function fitting(
  settings: ExamplesConfig,
  { rate, length }: { readonly rate: number; readonly length: number },
): SoundPreprocessing {
  const hop = Math.max(1, Math.round(length / frames));
  const frame = Math.min(length, Math.max(2, Math.round(Math.max(frameSeconds * rate, 1.5 * hop))));
  const make = (bands: number): SoundPreprocessing => ({
    ...{ kind: "sound", rate, length, frame, hop, bands },
    // Below there is the rumble of microphones, and above what resampling takes away.
    ...{ lowest: Math.min(80, rate / 100), highest: 0.45 * rate, relative: true, floor, mean: 0, std: 1 },
  });
  const wrong = (how: SoundPreprocessing) => misfit(how, preprocessedShape(how));
  let how = make(settings.bands ?? 40);
  while (settings.bands === undefined && how.bands > 1 && wrong(how)) how = make(how.bands - 1);
  const said = wrong(how);
  if (said === undefined) return how;
  throw new InnerloopError(
    "bad-setting",
    `Sounds of ${length} samples at ${rate} Hz cannot be examples: preprocessing ${said.replace("preprocessing ", "")}; change ` +
      "--length, --sample-rate or --bands",
    { exitStatus: 2 },
  );
}

/** The mean and the deviation of all numbers, to three digits. */
function spreadOf(recordings: readonly Samples[], how: SoundPreprocessing): { mean: number; std: number } {
  let [count, sum, squares] = [0, 0, 0];
  for (const recording of recordings) {
    if (recording.data.length === 0 || !recording.data.every(Number.isFinite)) continue;
    for (const value of preprocess(how, recording)) {
      count++;
      sum += value;
      squares += value * value;
    }
  }
  const mean = count > 0 ? sum / count : Math.log(how.floor);
  const variance = count > 0 ? squares / count - mean * mean : 0;
  return { mean: Number(mean.toPrecision(3)), std: Number(Math.sqrt(variance).toPrecision(3)) || 1 };
}

const rounded = (seconds: number): number => Number(seconds.toPrecision(2));

/** As "12 of 44100 Hz and 3 of 48000 Hz". */
function countsOf(rates: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const rate of rates) counts.set(rate, (counts.get(rate) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([rate, count]) => `${count} of ${rate} Hz`)
    .join(", ")
    .replace(/, ([^,]*)$/, " and $1");
}
