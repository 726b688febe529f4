// How recordings become windows: how long these are, at which rate, from where to where, by what the recordings are like.
import { type ExamplesConfig, InnerloopError, show, type WindowPreprocessing } from "@innerloop/schemas";
import type { Chosen } from "../file-kind.ts";
import { listed } from "../left-out.ts";
import { median, momentsOf, quantile } from "../statistics.ts";
import type { ReadFile, Recording } from "./recording.ts";
import { mixedUnits } from "./scales.ts";

/** Samples of a window at most, where nobody says another number: beyond, a model of windows learns slowly. */
const longest = 1024;

/** Seconds of a window of what goes on and on, as activities do; what is usual for them (Anguita et al. 2013). */
const usualSeconds = 2.56;
/** And samples, where nobody knows the rate. */
const usualSamples = 128;

const wrongData = (message: string) => new InnerloopError("wrong-data", message, { exitStatus: 2 });

/** @throws InnerloopError `wrong-data` (status 2) where the channels of files do not go together */
export function chooseWindows(read: readonly ReadFile[], settings: ExamplesConfig): Chosen<WindowPreprocessing> {
  if (read.length === 0) throw wrongData("no recording can be read, so that nothing can be chosen by them");
  const { channels, names, reasons: ofChannels } = channelsOf(read);
  const { rate, reasons: ofRate } = rateOf(read, settings.sampleRate);
  const counts = read.map(({ raw }) => (raw.data.length / channels) * ratioOf(rate, raw.rate));
  const { length, reason } = lengthOf(counts, rate, settings.length);
  const pad = counts.some((count) => count < length - 1e-6);
  const { mean, std, still } = scalesOf(read, channels, names);
  const preprocessing: WindowPreprocessing = {
    kind: "window",
    length,
    ...(pad ? { pad } : {}),
    channels,
    ...(names ? { names: [...names] } : {}),
    ...(rate === undefined ? {} : { rate }),
    mean,
    std,
  };
  const shortest = Math.min(...counts);
  const several = read.filter(({ raw }) => endsOf(raw, preprocessing, settings).length > 1).length;
  const hop = settings.hop ?? length;
  return {
    preprocessing,
    reasons: [
      reason,
      ...(pad
        ? [`shorter ones, from ${Math.floor(shortest)} samples on, begin with their first sample, repeated`]
        : []),
      ...(several > 0
        ? [
            `one every ${hop} samples of a recording that has several` +
              (hop < length ? ", which share samples: what is measured on them is better than on new recordings" : ""),
          ]
        : []),
      ...ofRate,
      ...ofChannels,
      ...still,
      "standardized by the mean and the deviation of each channel",
      ...mixedUnits(read, channels),
      ...doneOf(read),
    ],
  };
}

/** How many samples at one rate become one at another; rates that are not known are equal. */
const ratioOf = (to: number | undefined, from: number | undefined): number =>
  to === undefined || from === undefined ? 1 : to / from;

/**
 * Where the windows of a recording end, in its samples, the last one first: one, or one every `hop` where it has half as much again
 * as a window.
 */
export function endsOf(
  { data, channels, rate }: Recording,
  how: WindowPreprocessing,
  { hop }: ExamplesConfig,
): number[] {
  const count = data.length / channels;
  const ratio = ratioOf(rate, how.rate ?? rate);
  const [needed, step] = [how.length * ratio, (hop ?? how.length) * ratio];
  if (count < 1.5 * needed && hop === undefined) return [count];
  const ends = [count];
  for (let k = 1; ; k++) {
    const end = count - Math.round(k * step);
    if (end < needed - 1e-6 || end >= ends.at(-1)!) return ends;
    ends.push(end);
  }
}

function channelsOf(read: readonly ReadFile[]): { channels: number; names?: readonly string[]; reasons: string[] } {
  const named = (raw: Recording): string => raw.names?.join(", ") ?? `${raw.channels} without names`;
  const kinds = new Map<string, ReadFile[]>();
  for (const one of read) {
    const key = one.raw.names ? [...one.raw.names].map(plain).sort().join(", ") : String(one.raw.channels);
    kinds.set(key, [...(kinds.get(key) ?? []), one]);
  }
  const groups = [...kinds.values()].sort((a, b) => b.length - a.length);
  const { raw } = groups[0]![0]!;
  const withNames = groups.filter((group) => group[0]!.raw.names !== undefined);
  if (groups.some((group) => group[0]!.raw.channels !== raw.channels) || withNames.length > 1)
    throw wrongData(
      `Recordings have different channels: ${listed(
        groups.map(
          (group) =>
            `${group.length} have ${named(group[0]!.raw)} (${listed(group.slice(0, 2).map(({ item }) => item.name))})`,
        ),
      )}. Give all the same channels, under the same names`,
    );
  const names = withNames[0] && usualOrder(withNames[0]);
  const turned = names ? read.filter(({ raw }) => raw.names?.some((name, i) => plain(name) !== plain(names[i]!))) : [];
  const without = names ? read.filter(({ raw }) => raw.names === undefined) : [];
  return {
    channels: raw.channels,
    ...(names ? { names: [...names] } : {}),
    reasons: [
      `of ${raw.channels === 1 ? "one channel" : `${raw.channels} channels`}${names ? `, ${names.map(show).join(", ")}` : ""}`,
      ...(turned.length > 0
        ? [`channels in that order also where files have another: ${listed(turned.map(nameOf))}`]
        : []),
      ...(without.length > 0
        ? [`files without names have their channels in that order: ${listed(without.map(nameOf))}`]
        : []),
    ],
  };
}

/** The order of channels that most files have. */
function usualOrder(files: readonly ReadFile[]): readonly string[] | undefined {
  const counted = new Map<string, { names: readonly string[] | undefined; count: number }>();
  for (const { raw } of files) {
    const key = (raw.names ?? []).map(plain).join();
    const there = counted.get(key);
    counted.set(key, { names: there?.names ?? raw.names, count: (there?.count ?? 0) + 1 });
  }
  return [...counted.values()].reduce((a, b) => (b.count > a.count ? b : a)).names;
}

const plain = (name: string): string => name.trim().toLowerCase();
const nameOf = ({ item }: ReadFile): string => item.name;

function rateOf(read: readonly ReadFile[], given: number | undefined): { rate?: number; reasons: string[] } {
  const counted = new Map<number, number>();
  for (const { raw } of read) if (raw.rate !== undefined) counted.set(raw.rate, (counted.get(raw.rate) ?? 0) + 1);
  const rates = [...counted].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const without = read.filter(({ raw }) => raw.rate === undefined);
  const [most] = rates;
  const rate = given ?? most?.[0];
  if (rate === undefined) return { reasons: ["samples as they come, since no file tells their times"] };
  const others = rates.filter(([each]) => each !== rate);
  return {
    rate,
    reasons: [
      `at ${rate} samples a second` +
        (others.length > 0
          ? `, to which others are resampled (${listed(rates.map(([each, count]) => `${count} at ${each}`))})`
          : ""),
      ...(without.length > 0 && without.length < read.length
        ? [`files that tell no times are taken to be of that rate: ${listed(without.map(nameOf))}`]
        : without.length > 0
          ? ["no file tells times, so that all are taken to be of that rate"]
          : []),
    ],
  };
}

function lengthOf(
  counts: readonly number[],
  rate: number | undefined,
  given: number | undefined,
): { length: number; reason: string } {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const shown =
    Math.round(least) === Math.round(most)
      ? `all have ${Math.round(most)}`
      : `recordings have ${Math.round(least)} to ${Math.round(most)}`;
  if (given !== undefined) return { length: given, reason: `windows of ${given} samples (${shown})` };
  const nearly = quantile(counts, 0.95);
  const seconds = rate === undefined ? undefined : median(counts) / rate;
  const isOne =
    nearly <= longest &&
    nearly <= 4 * median(counts) &&
    (seconds === undefined || seconds <= 10 || nearly <= usualSamples);
  // Of a spread that clocks make, the smaller number needs nothing before it.
  if (isOne && most - least <= 0.02 * most)
    return {
      length: Math.max(2, Math.floor(least + 1e-6)),
      reason: `windows of ${Math.max(2, Math.floor(least + 1e-6))} samples, since ${shown}`,
    };
  if (isOne)
    return {
      length: Math.max(2, Math.ceil(nearly - 1e-6)),
      reason: `windows of ${Math.max(2, Math.ceil(nearly - 1e-6))} samples, which 95 % of the recordings fit in (${shown})`,
    };
  const usual = rate === undefined ? usualSamples : Math.min(longest, Math.max(32, Math.round(usualSeconds * rate)));
  const length = Math.max(2, Math.min(usual, Math.floor(median(counts))));
  const time = rate === undefined ? "" : `, ${Number((length / rate).toPrecision(3))} s,`;
  return {
    length,
    reason: `windows of ${length} samples${time} since recordings go on for longer than one (${shown})`,
  };
}

function scalesOf(
  read: readonly ReadFile[],
  channels: number,
  names: readonly string[] | undefined,
): { mean: number[]; std: number[]; still: string[] } {
  const still: string[] = [];
  const moments = Array.from({ length: channels }, (_, channel) => {
    const numbers = read.flatMap(({ raw }) => {
      const at = names && raw.names ? raw.names.findIndex((name) => plain(name) === plain(names[channel]!)) : channel;
      return Array.from({ length: raw.data.length / channels }, (_, i) => raw.data[i * channels + at]!).filter(
        Number.isFinite,
      );
    });
    const { mean, std } = numbers.length > 0 ? momentsOf(numbers) : { mean: 0, std: 0 };
    if (std > 1e-7 * Math.abs(mean)) return { mean, std };
    still.push(names ? show(names[channel]!) : `channel ${channel + 1}`);
    return { mean, std: 1 };
  });
  return {
    mean: moments.map(({ mean }) => mean),
    std: moments.map(({ std }) => std),
    still: still.length > 0 ? [`with ${listed(still)}, which never ${still.length === 1 ? "changes" : "change"}`] : [],
  };
}

/** What was done to read files, with how many of them. */
function doneOf(read: readonly ReadFile[]): string[] {
  const files = new Map<string, string[]>();
  for (const { raw, item } of read)
    for (const words of raw.done) files.set(words, [...(files.get(words) ?? []), item.name]);
  return [...files].map(([words, names]) => `${words}${names.length === read.length ? "" : ` (in ${listed(names)})`}`);
}
