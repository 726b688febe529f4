// Samples as people and platforms give them, of sensors or sound, read alike whatever becomes of them.
import { kindOf, show } from "@innerloop/schemas/bundle";
import { badInput } from "./refusal.ts";

/** Samples in the order of time. */
export interface Samples {
  /** Channel after channel of each sample; integers of 16 bits become −1…1. */
  readonly data: Float32Array | Float64Array | Int16Array | readonly number[];
  /** Samples a second; the bundle's when not given. */
  readonly rate?: number;
  /** When not given, the bundle's, which of sounds is 1. */
  readonly channels?: number;
  /** What the channels are called; a bundle that has names for its own puts them into its order. */
  readonly names?: readonly string[];
}

/** What Web Audio records and decodes: an AudioBuffer. */
export interface Sound {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  readonly length: number;
  getChannelData(channel: number): Float32Array;
}

/** The numbers of samples and channels, and each number. */
export interface Recorded {
  readonly count: number;
  readonly channels: number;
  readonly rate: number | undefined;
  at(sample: number, channel: number): number;
}

/**
 * @param noun how messages name it
 * @param fallback the channels of samples that do not say how many they have
 * @throws InnerloopError `bad-input` for what are no samples
 */
export function readSamples(input: Samples | Sound, noun: "window" | "sound", fallback: number): Recorded {
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
  if (other >= 0) throw badInput(`the ${noun} holds ${show(data[other])} at position ${other}; numbers were expected`);
  if (rate !== undefined && !(rate > 0 && rate < Infinity))
    throw badInput(`the rate ${rate} was given; samples a second were expected, a number above 0`);
  const count = data.length / channels;
  if (!(Number.isInteger(channels) && channels > 0 && Number.isInteger(count)))
    throw badInput(`${data.length} numbers were given for ${channels} channels; expected one of each channel a sample`);
  return { count, channels, rate, at: (sample, channel) => data[sample * channels + channel]! * scale };
}

/** The mean of a sample's channels. */
export function mixed({ at, channels }: Recorded, sample: number): number {
  let sum = 0;
  for (let channel = 0; channel < channels; channel++) sum += at(sample, channel);
  return sum / channels;
}

/**
 * Channels in the order in which a bundle has them, where both have names for them. Capital letters make no difference.
 * @throws InnerloopError `bad-input` where their names are others
 */
export function inOrder(
  recorded: Recorded,
  expected: readonly string[] | undefined,
  given: readonly string[] | undefined,
): Recorded {
  if (expected === undefined || given === undefined) return recorded;
  const plain = (names: readonly string[]) => names.map((name) => name.normalize().trim().toLowerCase());
  const [names, there] = [plain(expected), plain(given)];
  const order = names.map((name) => there.indexOf(name));
  if (order.includes(-1) || there.length !== recorded.channels || there.length !== names.length)
    throw badInput(
      `the window has the channels ${given.map(show).join(", ")}; this bundle takes ${expected.map(show).join(", ")}`,
    );
  if (order.every((from, to) => from === to)) return recorded;
  return { ...recorded, at: (sample, channel) => recorded.at(sample, order[channel]!) };
}
