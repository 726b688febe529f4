// Raw input of every kind that is the same in every run: what was recorded with numpy, and random ones for comparisons to the bit.
import type { RawInput } from "@innerloop/runtime/input";
import type { Preprocessing } from "@innerloop/schemas";
import { uniformNumbers } from "../support/numbers.ts";
import { readRecorded } from "../support/recorded.ts";

interface Recorded {
  readonly name: string;
  readonly seed: number;
  readonly how: Preprocessing;
  readonly samples?: Noise & { readonly rate?: number };
  readonly pixels?: { readonly width: number; readonly height: number; readonly channels: number };
  readonly row?: RawInput;
  readonly example: readonly number[];
}

interface Noise {
  readonly count: number;
  readonly channels: number;
  readonly middle: number;
  readonly width: number;
}

/** Noise that is loudest in its middle. */
export function noise(seed: number, { count, channels, middle, width }: Noise): Float64Array {
  const next = uniformNumbers(seed);
  return Float64Array.from({ length: count * channels }, (_, i) => {
    const away = (Math.floor(i / channels) - middle) / width;
    return (next() - 0.5) * (1 / (1 + away * away));
  });
}

/** What record_preprocessing.py made of inputs. */
export const recorded = readRecorded<Recorded[]>("runtime/recorded/preprocessing.json").map(
  ({ name, seed, how, samples, pixels, row, example }) => {
    const next = uniformNumbers(seed);
    const input: RawInput | undefined = samples
      ? {
          data: noise(seed, samples),
          channels: samples.channels,
          ...(samples.rate === undefined ? {} : { rate: samples.rate }),
        }
      : pixels
        ? {
            data: Uint8Array.from({ length: pixels.width * pixels.height * pixels.channels }, () =>
              Math.floor(next() * 256),
            ),
            ...pixels,
          }
        : row;
    return { name, how, input: input!, example };
  },
);
