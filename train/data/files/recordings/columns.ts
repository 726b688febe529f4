// From columns as a file has them to a recording: which column is the time, which are channels, and what of them is no number.
import { decimal, InnerloopError, show } from "@innerloop/schemas";
import { listed } from "../left-out.ts";
import { isMissing } from "../rows/cells.ts";
import type { Columns, Entry, Recording } from "./recording.ts";
import { rateOf, timesIn } from "./time.ts";

/** Columns that tell the class, or whose recording it is, and are no channel. */
const notChannel =
  /^(label|labels|class|target|category|activity|gesture|subject|user|person|participant|session|recording|file|device|id)$/i;

/** Missing samples in a row that are filled in between their neighbours; more are a hole. */
const longestGap = 5;

/** @throws InnerloopError `bad-recording`, `not-a-number` (status 1), that names the file and the place */
export function recordingOf(file: string, { names, columns, rate: said, at }: Columns): Recording {
  const broken = (code: string, what: string) => new InnerloopError(code, `${file}: ${what}`);
  const count = columns[0]?.length ?? 0;
  if (count < 2)
    throw broken("bad-recording", `it has ${count === 1 ? "one sample" : "no samples"}; two and more make a recording`);
  const done = new Set<string>();
  const numbers = columns.map((column) => Float64Array.from(column, (entry) => numberIn(entry, done)));
  const times = timesIn(columns, numbers, names);
  const named = (column: number): string => show(names?.[column] ?? `column ${column + 1}`);

  const channels: number[] = [];
  const [texts, others]: [string[], string[]] = [[], []];
  columns.forEach((column, i) => {
    if (i === times?.column) return;
    if (notChannel.test((names?.[i] ?? "").trim())) others.push(named(i));
    else if (column.every((entry) => isMissing(entry))) texts.push(named(i));
    else {
      const strays = column.flatMap((entry, sample) => (isStray(entry, numbers[i]![sample]!) ? [sample] : []));
      if (strays.length * 2 > count) texts.push(named(i));
      else if (strays.length > 0)
        throw broken(
          "not-a-number",
          `${named(i)} has ${strays.length} of ${count} samples that are no numbers: ` +
            `${listed(strays.map((sample) => `${show(column[sample])} (${at(sample)})`))}`,
        );
      else channels.push(i);
    }
  });
  if (texts.length > 0) done.add(`without ${listed(texts)}, which ${texts.length === 1 ? "has" : "have"} no numbers`);
  if (others.length > 0)
    done.add(
      `without ${listed(others)}, which by ${others.length === 1 ? "its name is" : "their names are"} no channel`,
    );
  if (channels.length === 0) throw broken("bad-recording", "it has no column of numbers beside its times");
  if (times && times.seconds === undefined) done.add(`without ${named(times.column)}, which counts samples`);
  if (times?.unit !== undefined) done.add(`with ${named(times.column)} as times, in ${times.unit}`);

  const kept = channels.map((i) => numbers[i]!);
  const { rate, planes } = evenly(kept, times?.seconds, broken, at, done);
  for (const plane of planes)
    if (fillGaps(plane)) done.add("with single samples that are missing put between their neighbours");
  const data = new Float32Array(planes[0]!.length * planes.length);
  planes.forEach((plane, channel) => {
    for (let i = 0; i < plane.length; i++) data[i * planes.length + channel] = plane[i]!;
  });
  const called = names ? channels.map((i) => names[i]!.trim().normalize()) : [];
  if (called.includes("") || new Set(called.map((name) => name.toLowerCase())).size < called.length) {
    done.add("with channels by their order, since not each has a name of its own");
    called.length = 0;
  }
  const finalRate = rate ?? said;
  return {
    data,
    channels: planes.length,
    ...(finalRate === undefined ? {} : { rate: finalRate }),
    ...(called.length > 0 ? { names: called } : {}),
    done: [...done],
  };
}

function numberIn(entry: Entry, done: Set<string>): number {
  if (typeof entry === "number") return entry;
  if (typeof entry === "boolean") return Number(entry);
  if (entry === null) return Number.NaN;
  const value = decimal(entry);
  if (!Number.isNaN(value) || !/^[+-]?\d*,\d+(e[+-]?\d+)?$/i.test(entry)) return value;
  done.add("with decimal commas");
  return decimal(entry.replace(",", "."));
}

/** Whether an entry is there and is no number that float32 has. */
const isStray = (entry: Entry, value: number): boolean => !isMissing(entry) && !Number.isFinite(Math.fround(value));

/** Samples at even distances in time, and how many a second. */
function evenly(
  planes: readonly Float64Array[],
  seconds: Float64Array | undefined,
  broken: (code: string, what: string) => Error,
  at: (sample: number) => string,
  done: Set<string>,
): { rate?: number; planes: readonly Float64Array[] } {
  if (seconds === undefined) return { planes };
  const lost = seconds.findIndex((time) => !Number.isFinite(time));
  if (lost >= 0) throw broken("bad-recording", `a time is missing (${at(lost)})`);
  const back = seconds.findIndex((time, i) => i > 0 && time < seconds[i - 1]!);
  if (back >= 0)
    throw broken("bad-recording", `its times go back (${at(back)}); put its samples in order, or cut it there`);
  const found = rateOf(seconds);
  if (!found) throw broken("bad-recording", "all its samples are of one time");
  const { rate, count } = found;
  if (!(rate < Number.POSITIVE_INFINITY))
    throw broken("bad-recording", "its times are too close together to tell a rate");
  if (count === undefined) return { rate, planes };
  if (count > 4 * seconds.length)
    throw broken(
      "bad-recording",
      `its ${seconds.length} samples lie in the time of ${count}, so that most are missing; cut it where it pauses`,
    );
  done.add("with samples at uneven times laid on an even grid");
  const step = (seconds.at(-1)! - seconds[0]!) / Math.max(1, count - 1);
  const grid = Float64Array.from({ length: count }, (_, i) => seconds[0]! + i * step);
  return { rate, planes: planes.map((plane) => onGrid(plane, seconds, grid)) };
}

/** The straight line between samples, at the times of a grid. */
function onGrid(plane: Float64Array, seconds: Float64Array, grid: Float64Array): Float64Array {
  let next = 1;
  return grid.map((time) => {
    while (next < seconds.length - 1 && seconds[next]! < time) next++;
    const [from, to] = [seconds[next - 1]!, seconds[next]!];
    const share = to > from ? Math.min(1, Math.max(0, (time - from) / (to - from))) : 0;
    return plane[next - 1]! * (1 - share) + plane[next]! * share;
  });
}

/** Fills short gaps in place. @returns whether there was one */
function fillGaps(plane: Float64Array): boolean {
  let filled = false;
  for (let i = 0; i < plane.length; i++) {
    if (Number.isFinite(plane[i]!)) continue;
    let end = i;
    while (end < plane.length && !Number.isFinite(plane[end]!)) end++;
    const [before, after] = [plane[i - 1] ?? plane[end], plane[end] ?? plane[i - 1]];
    if (end - i <= longestGap && before !== undefined && after !== undefined) {
      for (let k = i; k < end; k++) plane[k] = before + ((after - before) * (k - i + 1)) / (end - i + 1);
      filled = true;
    }
    i = end;
  }
  return filled;
}
