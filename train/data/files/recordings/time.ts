// The column of a recording that has the times of its samples: how it is known, what it counts in, and the rate that it tells.
import { median } from "../statistics.ts";
import type { Entry } from "./recording.ts";

/** The column of times, found. */
export interface Times {
  readonly column: number;
  /** Seconds of each sample; nothing where it counts samples. */
  readonly seconds?: Float64Array;
  /** What it counts in, as words. */
  readonly unit?: string;
}

/** What a recording's times make of it. */
export interface Rate {
  readonly rate: number;
  /** How many samples lie on an even grid in its time, where they were not recorded on one. */
  readonly count?: number;
}

const timeName =
  /^(t|time|times|timestamps?|ts|epoch|date|datetime|clock|seconds?|secs?|millis(econds)?|(seconds_)?elapsed( time)?)$/i;
const counterName = /^(|#|i|n|index|idx|sample|samples|frame|frames|row|no|nr|id|unnamed: 0|column \d+)$/i;
const unitName = /(?:^|[\s_([]+)(ns|us|µs|ms|s|secs?|seconds|milliseconds|microseconds|nanoseconds|min)[)\]]*$/i;

const factors: Readonly<Record<string, number>> = {
  ...{
    ns: 1e-9,
    nanoseconds: 1e-9,
    us: 1e-6,
    µs: 1e-6,
    microseconds: 1e-6,
    ms: 1e-3,
    milliseconds: 1e-3,
    millis: 1e-3,
  },
  ...{ s: 1, sec: 1, secs: 1, second: 1, seconds: 1, min: 60 },
};

const dateText = /^\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?$/i;
const clockText = /^(\d{1,2}):(\d{2}):(\d{2}(?:[.,]\d+)?)$/;

/**
 * The column of times: by its name, or a first column without one that rises evenly.
 *
 * @param numbers of each column its numbers, NaN where there is none
 */
export function timesIn(
  columns: readonly (readonly Entry[])[],
  numbers: readonly Float64Array[],
  names: readonly string[] | undefined,
): Times | undefined {
  const named = (names ?? []).findIndex(
    (name) => timeName.test(bare(name)) || factors[name.trim().toLowerCase()] !== undefined,
  );
  if (named >= 0) return inSeconds(named, columns[named]!, numbers[named]!, names![named]!);
  const first = numbers[0];
  if (!first || first.length < 8 || columns.length < 2) return undefined;
  const counts = counterName.test((names?.[0] ?? "").trim()) || names === undefined;
  const dates = columns[0]!.every(
    (entry) => typeof entry === "string" && (dateText.test(entry) || clockText.test(entry)),
  );
  if (dates) return inSeconds(0, columns[0]!, first, "");
  return counts && risesEvenly(first) ? inSeconds(0, columns[0]!, first, "") : undefined;
}

/** A name without the unit in it. */
const bare = (name: string): string =>
  name
    .trim()
    .replace(unitName, "")
    .replace(/[\s_([]+$/, "")
    .trim();

/** Whether each is above the one before, most by as much as the others. */
function risesEvenly(times: Float64Array): boolean {
  const steps = stepsOf(times);
  const usual = median([...steps]);
  if (!(usual > 0) || steps.some((step) => !(step > 0))) return false;
  return steps.filter((step) => Math.abs(step - usual) <= 0.2 * usual).length >= 0.95 * steps.length;
}

const stepsOf = (times: Float64Array): Float64Array => times.slice(1).map((time, i) => time - times[i]!);

function inSeconds(column: number, entries: readonly Entry[], numbers: Float64Array, name: string): Times | undefined {
  if (entries.some((entry) => typeof entry === "string" && (dateText.test(entry) || clockText.test(entry)))) {
    return { column, seconds: Float64Array.from(entries, secondsIn), unit: "dates" };
  }
  const [, said = ""] = unitName.exec(name) ?? [];
  const known = factors[said.toLowerCase()] ?? factors[name.trim().toLowerCase()];
  const steps = stepsOf(numbers).filter((step) => step > 0);
  const usual = median([...steps]);
  if (known === undefined && counts(numbers)) return { column };
  const factor = known ?? guessed(numbers[0] ?? 0, usual);
  return {
    column,
    seconds: numbers.map((time) => time * factor),
    ...(known === undefined ? { unit: unitOf(factor) } : {}),
  };
}

/** Whether it counts samples: 0, 1, 2, …. */
const counts = (numbers: Float64Array): boolean =>
  numbers.every((value, i) => value - numbers[0]! === i && Number.isInteger(value));

/** By the steps of sensors and where clocks stand in this century: between one and some thousand samples a second. */
function guessed(first: number, step: number): number {
  if (step >= 2e5) return 1e-9;
  if (first > 1e14) return 1e-6;
  if (first > 1e11) return 1e-3;
  if (first > 1e8) return 1;
  return step >= 2e3 ? 1e-6 : step > 1 ? 1e-3 : 1;
}

const unitOf = (factor: number): string =>
  factor === 1 ? "seconds" : factor === 1e-3 ? "milliseconds" : factor === 1e-6 ? "microseconds" : "nanoseconds";

function secondsIn(entry: Entry): number {
  if (typeof entry !== "string") return Number.NaN;
  const [, hours, minutes, seconds] = clockText.exec(entry) ?? [];
  if (hours !== undefined) return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds!.replace(",", "."));
  const [day = "", fraction = ""] = entry.replace(",", ".").split(/(?=\.\d+)/, 2);
  const [digits = "", zone = ""] = /^(\.\d+)(.*)$/.exec(fraction)?.slice(1) ?? [];
  // Date keeps milliseconds, and sensors write more.
  return Date.parse(`${day.replace(" ", "T")}${zone.trim()}`) / 1000 + (digits === "" ? 0 : Number(digits));
}

/**
 * The rate that times tell, and whether samples have to be laid on an even grid.
 *
 * @param seconds rising
 */
export function rateOf(seconds: Float64Array): Rate | undefined {
  const steps = stepsOf(seconds);
  const usual = median([...steps].filter((step) => step > 0));
  if (!(usual > 0)) return undefined;
  const even = steps.every((step) => step >= 0.4 * usual && step <= 1.6 * usual);
  const span = seconds.at(-1)! - seconds[0]!;
  if (even) return { rate: rounded(steps.length / span) };
  return { rate: rounded(1 / usual), count: Math.floor(span / usual + 1e-6) + 1 };
}

/** A rate as it was meant: clocks of recorders are a hair off, and 99.8 in one file and 100.1 in the next are one rate. */
function rounded(rate: number): number {
  const near = [2, 3].map((digits) => Number(rate.toPrecision(digits)));
  return (
    near.find((value, i) => Math.abs(value - rate) <= (i === 0 ? 0.01 : 0.001) * rate) ?? Number(rate.toPrecision(4))
  );
}
