// A stretch of samples, of sensors or sound, becomes an example, in training and on the device: its end, resampled and
// standardized. docs/bundle.md says it for other programs.
import type { WindowPreprocessing } from "@innerloop/schemas/bundle";
import { type Overlap, overlap } from "./averaging.ts";
import { badInput } from "./refusal.ts";
import { inOrder, mixed, type Recorded, readSamples, type Samples, type Sound } from "./samples.ts";

/**
 * The last `length` samples as the numbers a model sees, sample by sample. A bundle of one channel takes the mean of
 * several, as of a stereo recording.
 *
 * At a higher rate than the bundle's, samples are averages of those in their time, by shares (area averaging); at a lower
 * one they lie on the straight line between their neighbours. Both count from the end, so that what came earlier than
 * the window changes nothing. With `pad`, a shorter one begins with its first sample, repeated. Channels with names are put into
 * the bundle's order.
 *
 * @throws InnerloopError `bad-input` for fewer samples, other channels, or numbers that are not finite
 */
export function windowOf(how: WindowPreprocessing, input: Samples | Sound): Float32Array {
  const { length, channels } = how;
  const recorded = inOrder(
    readSamples(input, "window", channels),
    how.names,
    "data" in input ? input.names : undefined,
  );
  if (recorded.channels !== channels && channels > 1)
    throw badInput(`the window has ${recorded.channels} channels; this bundle takes ${channels}`);
  const to = how.rate ?? 1;
  const from = how.rate === undefined ? 1 : (recorded.rate ?? to);
  const { count } = recorded;
  // Rates that were measured are no whole numbers: a hair too few samples are enough.
  const needed = Math.ceil((length * from) / to - 1e-6);
  // Of a sample of the example at least, all was recorded.
  if (how.pad ? count < Math.max(1, from / to) : count < needed) {
    const rate = how.rate === undefined ? "" : ` at ${from} Hz`;
    throw badInput(
      `the window has ${count} samples${rate}; this bundle takes the last ${needed}; wait until there are as many, or record for longer`,
    );
  }
  const example = new Float32Array(length * channels);
  // Before the first sample there is nothing to be resampled.
  const cells = Math.min(length, Math.ceil((count * to) / from));
  for (let cell = 0; cell < cells; cell++) {
    const { first, weights } = from < to ? between(((cell + 0.5) * from) / to - 0.5) : overlap(cell, from, to);
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) {
        sum += weights[i]! * value(recorded, Math.max(0, count - 1 - first - i), channel, channels);
      }
      example[(length - 1 - cell) * channels + channel] = standard(how, sum, channel);
    }
  }
  for (let channel = 0; channel < channels && cells < length; channel++) {
    const first = standard(how, value(recorded, 0, channel, channels), channel);
    for (let cell = cells; cell < length; cell++) example[(length - 1 - cell) * channels + channel] = first;
  }
  return example;
}

function standard({ mean, std }: WindowPreprocessing, number: number, channel: number): number {
  const result = Math.fround((number - of(mean, channel)) / of(std, channel));
  if (!Number.isFinite(result)) throw badInput("the window holds NaN or infinity; check how it was recorded");
  return result;
}

/** One number of a sample; of one channel, where several are given, their mean. */
function value(recorded: Recorded, sample: number, channel: number, channels: number): number {
  return recorded.channels === channels ? recorded.at(sample, channel) : mixed(recorded, sample);
}

/** The two source samples around a position, in samples from the last one, and their shares. */
function between(position: number): Overlap {
  const first = Math.max(0, Math.floor(position));
  const share = Math.max(0, position - first);
  return { first, weights: Float32Array.of(1 - share, share) };
}

function of(numbers: number | readonly number[], channel: number): number {
  return typeof numbers === "number" ? numbers : numbers[channel]!;
}
