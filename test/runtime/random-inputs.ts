// Raw input of all four kinds with preprocessing of all settings, by chance and the same in every run, in Node and in a page.
import type { RawInput } from "@innerloop/runtime/input";
import type { ImagePreprocessing, Preprocessing, RowPreprocessing } from "@innerloop/schemas";
import { uniformNumbers } from "../support/numbers.ts";

/** Raw input, and how it becomes an example. */
export interface Given {
  readonly how: Preprocessing;
  readonly input: RawInput;
}

/** Numbers by chance: `between(a, b)` is a whole number, `one(list)` an entry. */
function chance(seed: number) {
  const next = uniformNumbers(seed * 7919 + 1);
  // The first numbers of seeds that are near each other are, too.
  for (let i = 0; i < 8; i++) next();
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  const one = <T>(list: readonly T[]): T => list[between(0, list.length - 1)]!;
  return { next, between, one };
}

type Chance = ReturnType<typeof chance>;

const kinds: readonly ((chance: Chance) => Given)[] = [picture, window, sound, row];

/** The input of a number; each kind has one of four. */
export const randomInput = (number: number): Given => kinds[number % kinds.length]!(chance(number));

function picture({ next, between, one }: Chance): Given {
  const [width, height, channels] = [between(1, 60), between(1, 60), one([1, 3, 4])];
  const data = Uint8ClampedArray.from({ length: width * height * channels }, () => Math.floor(next() * 256));
  const how: ImagePreprocessing = {
    ...{ kind: "image", width: between(1, 24), height: between(1, 24), channels: one([1, 3]), invert: next() < 0.5 },
    ...{ mean: next(), std: 0.1 + next() },
    ...(next() < 0.5 ? {} : { margin: 0.24 * next(), ...(next() < 0.5 ? {} : { ground: between(0, 255) }) }),
  };
  return { how, input: { data, width, height } };
}

/** Samples of a sensor or sound, loud in places; as floats, whole numbers or what Web Audio has. */
function samples({ next, between, one }: Chance, count: number, channels: number, rate: number): RawInput {
  const [middle, width] = [count * next(), 1 + count * next()];
  const values = Float32Array.from({ length: count * channels }, (_, i) => {
    const away = (Math.floor(i / channels) - middle) / width;
    return (2 * next() - 1) / (1 + away * away);
  });
  const whole = Int16Array.from(values, (value) => Math.round(value * 32767));
  if (one([true, false])) return { data: one([values, Float64Array.from(values), whole]), rate, channels };
  const planes = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length: count }, (_, i) => values[i * channels + channel]!),
  );
  between(0, 1);
  return { sampleRate: rate, numberOfChannels: channels, length: count, getChannelData: (channel) => planes[channel]! };
}

function window(by: Chance): Given {
  const { next, between, one } = by;
  const [length, channels, pad] = [between(1, 60), between(1, 4), one([true, false])];
  const [to, from] = [between(20, 100), one([between(20, 100), 20 + 80 * next()])];
  const needed = Math.ceil((length * from) / to);
  const count = pad ? between(Math.ceil(from / to), 2 * needed + 5) : needed + between(0, 40);
  const each = () => (one([true, false]) ? next() : Array.from({ length: channels }, next));
  const spread = Array.from({ length: channels }, () => 0.1 + next());
  return {
    how: { kind: "window", length, pad, channels, rate: to, mean: each(), std: one([spread, 0.5 + next()]) },
    input: samples(by, count, channels, from),
  };
}

function sound(by: Chance): Given {
  const { next, between, one } = by;
  const rate = one([8000, 16_000, 11_025, 7999.5]);
  const from = one([8000, 16_000, 22_050, 44_100, 48_000, 12_345.6]);
  const frame = between(100, 500);
  const length = frame + between(0, 3000);
  return {
    how: {
      ...{ kind: "sound", rate, length, frame, hop: between(Math.ceil(frame / 4), frame), bands: between(1, 20) },
      ...{ lowest: 100 * next(), highest: (rate / 2) * (0.8 + 0.2 * next()), relative: one([true, false]) },
      ...{ floor: one([1e-2, 1e-4, 1e-9]), mean: -4 * next(), std: 0.5 + next() },
    },
    input: samples(by, between(3, 6000), between(1, 2), from),
  };
}

function row({ next, between, one }: Chance): Given {
  const values = ["a", "b", "", "7", "true", "größer"];
  const columns: RowPreprocessing["columns"] = Array.from({ length: between(1, 12) }, (_, i) =>
    one([true, false])
      ? { name: `n${i}`, kind: "number", mean: 100 * next(), std: 0.01 + next(), missing: next() }
      : { name: `c ${i}`, kind: "category", values: values.slice(between(0, 2), between(3, 6)) },
  );
  const cells = columns.map(({ kind }) =>
    kind === "number"
      ? one([1000 * next(), String(next()), `${next().toExponential(3)} `, true, null, ""])
      : one([...values, 7, true, null, "other"]),
  );
  const entries = columns.map(({ name }, i) => [name, cells[i]] as const);
  return {
    how: { kind: "row", columns },
    input: one([true, false]) ? cells : { id: "x", ...Object.fromEntries(entries) },
  };
}
