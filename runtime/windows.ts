// A stretch of samples, of sensors or sound, becomes an example, in training and on the device: its end, resampled and
// standardized. docs/bundle.md says it for other programs.
import { kindOf, show, type WindowPreprocessing } from "@innerloop/schemas/bundle";
import { overlap } from "./averaging.ts";
import { badInput } from "./refusal.ts";

/** Samples in the order of time. */
export interface Samples {
  /** Channel after channel of each sample; integers of 16 bits become −1…1. */
  readonly data: Float32Array | Float64Array | Int16Array | readonly number[];
  /** Samples a second; the bundle's when not given. */
  readonly rate?: number;
  /** The bundle's when not given. */
  readonly channels?: number;
}

/** What Web Audio records and decodes: an AudioBuffer. */
export interface Sound {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  readonly length: number;
  getChannelData(channel: number): Float32Array;
}

/** The numbers of samples and channels, and each number. */
interface Read {
  readonly count: number;
  readonly channels: number;
  readonly rate: number | undefined;
  at(sample: number, channel: number): number;
}

/**
 * The last `length` samples as the numbers a model sees, sample by sample. A bundle of one channel takes the mean of
 * several, as of a stereo recording.
 *
 * At a higher rate than the bundle's, samples are averages of those in their time, by shares (area averaging); at a lower
 * one they lie on the straight line between their neighbours. Both count from the end, so that what came earlier than
 * the window changes nothing.
 *
 * @throws InnerloopError `bad-input` for fewer samples, other channels, or numbers that are not finite
 */
export function windowOf(how: WindowPreprocessing, input: Samples | Sound): Float32Array {
  const { length, channels } = how;
  const recorded = read(input, channels);
  if (recorded.channels !== channels && channels > 1)
    throw badInput(`the window has ${recorded.channels} channels; this bundle takes ${channels}`);
  const to = how.rate ?? 1;
  const from = how.rate === undefined ? 1 : (recorded.rate ?? to);
  const { count } = recorded;
  // Rates that were measured are no whole numbers: a hair too few samples are enough.
  const needed = Math.ceil((length * from) / to - 1e-6);
  if (count < needed) {
    const rate = how.rate === undefined ? "" : ` at ${from} Hz`;
    throw badInput(
      `the window has ${count} samples${rate}; this bundle takes the last ${needed}; wait until there are as many, or record for longer`,
    );
  }
  const example = new Float32Array(length * channels);
  for (let cell = 0; cell < length; cell++) {
    const { first, weights } = from < to ? between(((cell + 0.5) * from) / to - 0.5) : overlap(cell, from, to);
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) {
        sum += weights[i]! * value(recorded, Math.max(0, count - 1 - first - i), channel, channels);
      }
      const standard = (sum - of(how.mean, channel)) / of(how.std, channel);
      if (!Number.isFinite(standard)) throw badInput("the window holds NaN or infinity; check how it was recorded");
      example[(length - 1 - cell) * channels + channel] = standard;
    }
  }
  return example;
}

function read(input: Samples | Sound, fallback: number): Read {
  if ("getChannelData" in input) {
    const planes = Array.from({ length: input.numberOfChannels }, (_, channel) => input.getChannelData(channel));
    const at = (sample: number, channel: number) => planes[channel]![sample]!;
    return { count: input.length, channels: planes.length, rate: input.sampleRate, at };
  }
  const { data, rate, channels = fallback } = input;
  const kind = kindOf(data);
  const scale = kind === "Int16Array" ? 1 / 32768 : 1;
  if (scale === 1 && !(/^Float(32|64)Array$/.test(kind) || Array.isArray(data)))
    throw badInput(
      "samples of an unknown form were given; { data, rate?, channels? } was expected, where data is a Float32Array, " +
        "Float64Array, Int16Array or list of numbers; or an AudioBuffer",
    );
  // A list may hold anything, and what is no number would become one: null and "" 0, true 1.
  const other = Array.isArray(data) ? data.findIndex((entry) => typeof entry !== "number") : -1;
  if (other >= 0) throw badInput(`the window holds ${show(data[other])} at position ${other}; numbers were expected`);
  if (rate !== undefined && !(rate > 0 && rate < Infinity))
    throw badInput(`the rate ${rate} was given; samples a second were expected, a number above 0`);
  const count = data.length / channels;
  if (!(Number.isInteger(channels) && channels > 0 && Number.isInteger(count)))
    throw badInput(`${data.length} numbers were given for ${channels} channels; expected one of each channel a sample`);
  return { count, channels, rate, at: (sample, channel) => data[sample * channels + channel]! * scale };
}

/** One number of a sample; of one channel, where several are given, their mean. */
function value({ at, channels: recorded }: Read, sample: number, channel: number, channels: number): number {
  if (recorded === channels) return at(sample, channel);
  let sum = 0;
  for (let one = 0; one < recorded; one++) sum += at(sample, one);
  return sum / recorded;
}

/** The two source samples around a position, in samples from the last one, and their shares. */
function between(position: number): { first: number; weights: Float32Array } {
  const first = Math.max(0, Math.floor(position));
  const share = Math.max(0, position - first);
  return { first, weights: Float32Array.of(1 - share, share) };
}

function of(numbers: number | readonly number[], channel: number): number {
  return typeof numbers === "number" ? numbers : numbers[channel]!;
}
