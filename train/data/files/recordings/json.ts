// Recordings in JSON, in the forms in which programs write them: samples as lists or as objects, columns by their names, and
// any of these beside a rate.
import { InnerloopError, show } from "@innerloop/schemas";
import type { Columns, Entry } from "./recording.ts";

const expected =
  'samples were expected, as { "rate": 50, "data": [[x, y, z], …] }, [[x, y, z], …], [{ "t": 0, "x": 1 }, …] or { "t": […], "x": […] }';

/** @throws InnerloopError `bad-recording` (status 1) for what is no recording */
export function columnsIn(file: string, value: unknown): Columns {
  const broken = (what: string) => new InnerloopError("bad-recording", `${file}: ${what}; ${expected}`);
  if (Array.isArray(value)) return ofSamples(value, undefined, broken);
  if (typeof value !== "object" || value === null) throw broken(`it holds ${show(value)}`);
  const object = new Map(Object.entries(value));
  const rate = first(object, ["rate", "sampleRate", "sample_rate", "samplerate", "frequency", "fs", "hz"]);
  if (rate !== undefined && !(typeof rate === "number" && rate > 0 && rate < 1e9))
    throw broken(`its rate is ${show(rate)}, and samples a second are a number above 0`);
  const data = first(object, ["data", "samples", "values", "x"]);
  const names = first(object, ["channels", "columns", "names", "axes"]);
  const found =
    Array.isArray(data) && (typeof data[0] === "object" || !hasColumns(object))
      ? ofSamples(data, namesIn(names), broken)
      : ofColumns(object, broken);
  return { ...found, ...(rate === undefined ? {} : { rate }) };
}

function first(object: ReadonlyMap<string, unknown>, names: readonly string[]): unknown {
  const name = names.find((each) => object.has(each));
  return name === undefined ? undefined : object.get(name);
}

const namesIn = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) && value.every((name) => typeof name === "string") ? value : undefined;

const isEntry = (value: unknown): value is Entry => value === null || /^(string|number|boolean)$/.test(typeof value);

const isColumn = (value: unknown): value is readonly Entry[] =>
  Array.isArray(value) && value.length > 1 && value.every(isEntry);

/** Whether lists of one length stand under several names. */
const hasColumns = (object: ReadonlyMap<string, unknown>): boolean =>
  [...object].filter(([name, value]) => isColumn(value) && !/^(channels|columns|names|axes)$/.test(name)).length > 1;

const at = (sample: number): string => `sample ${sample + 1}`;

function ofColumns(object: ReadonlyMap<string, unknown>, broken: (what: string) => Error): Columns {
  const lists = [...object].filter(([, value]) => isColumn(value)) as [string, readonly Entry[]][];
  const [longest] = lists.sort(([, a], [, b]) => b.length - a.length);
  if (!longest) throw broken("it has no samples");
  const columns = lists.filter(([, { length }]) => length === longest[1].length);
  const order = [...object.keys()];
  columns.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const shorter = lists.find(([, { length }]) => length < longest[1].length && length > 16);
  if (shorter)
    throw broken(`${show(shorter[0])} has ${shorter[1].length} samples and ${show(longest[0])} ${longest[1].length}`);
  return { names: columns.map(([name]) => name), columns: columns.map(([, column]) => column), at };
}

function ofSamples(
  samples: readonly unknown[],
  given: readonly string[] | undefined,
  broken: (what: string) => Error,
): Columns {
  const [one] = samples;
  if (isEntry(one) && one !== null) {
    if (!isColumn(samples)) throw broken(`its samples are ${show(samples)}`);
    return { ...(given?.length === 1 ? { names: given } : {}), columns: [samples], at };
  }
  if (Array.isArray(one)) {
    const odd = samples.findIndex(
      (sample) => !Array.isArray(sample) || sample.length !== one.length || !sample.every(isEntry),
    );
    if (odd >= 0) throw broken(`${at(odd)} is ${show(samples[odd])}, and the first has ${one.length} numbers`);
    const rows = samples as readonly (readonly Entry[])[];
    return {
      ...(given?.length === one.length ? { names: given } : {}),
      columns: one.map((_, i) => rows.map((sample) => sample[i]!)),
      at,
    };
  }
  if (typeof one !== "object" || one === null) throw broken("it has no samples");
  const rows = samples.map((sample, i) => {
    if (typeof sample !== "object" || sample === null || Array.isArray(sample))
      throw broken(`${at(i)} is ${show(sample)}`);
    return new Map(flat(sample));
  });
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))].filter((name) =>
    rows.every((row) => isEntry(row.get(name) ?? null)),
  );
  return { names, columns: names.map((name) => rows.map((row) => (row.get(name) ?? null) as Entry)), at };
}

/** The fields of a sample, those of an object in it under both names: `acceleration.x`. */
function flat(sample: object): [string, unknown][] {
  return Object.entries(sample).flatMap(([name, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, entry]): [string, unknown] => [`${name}.${inner}`, entry])
      : [[name, value]],
  );
}
