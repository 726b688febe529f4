// Tables as people have them become rows that a model sees: the same numbers as pandas makes, from every format; and what cannot be
// understood for certain is refused by its column and line.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { preprocess } from "@innerloop/runtime/input";
import type { ExamplesConfig, RowPreprocessing } from "@innerloop/schemas";
import { openTasks, readers } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { readRecorded } from "../support/recorded.ts";
import { refusal } from "../support/refusal.ts";

const folder = temporaryFolder("tables");
const files = readers.named("rows").files!;
let made = 0;

function written(content: string | Uint8Array, ending = "csv"): string {
  const file = join(folder, `table-${made++}.${ending}`);
  writeFileSync(file, content);
  return file;
}

/** What the reader makes of a table. */
async function understood(file: string, settings: ExamplesConfig = {}) {
  const { classes, leftOut, notes } = await files.find(file, settings);
  const items = classes.flatMap(({ name, items }) => items.map((item) => ({ item, label: name })));
  const read = await Promise.all(items.map(async (each) => ({ ...each, raw: await files.read(each.item) })));
  const { preprocessing, reasons } = files.choose(read, settings);
  const said = [...notes, ...reasons].join("\n").replaceAll(`${file}: `, "");
  const names = classes.map(({ name, items }) => `${name} ${items.length}`);
  return { names, leftOut, said, read, how: preprocessing as RowPreprocessing };
}

const columns = async (content: string, ending?: string): Promise<string[]> =>
  (await understood(written(content, ending))).how.columns.map(({ name }) => name);

describe("every format gives what pandas makes of the table", () => {
  const { labels, x, tables } = readRecorded<{
    labels: string[];
    x: number[][];
    tables: { name: string; text?: string; bytes?: string }[];
  }>("train/recorded/tables.json");
  it.each(tables.map((table) => [table.name, table] as const))("%s", async (name, { text, bytes }) => {
    const file = join(folder, name);
    writeFileSync(file, text ?? Buffer.from(bytes!, "base64"));
    const { read, how, names, said } = await understood(file);
    expect(names).toEqual(["kind 0 6", "kind 1 6", "kind 2 6", "kind 3 6"]);
    expect(said).toMatch(/3 numbers, standardized by mean and deviation, and 1 text, one number for each value/);
    expect(said).toMatch(/median.*"revenue" \(2, then .*"colour" \(1\)/);
    for (const { item, label, raw } of read) {
      const row = Number(item.name.split(":").at(-1)) - 1;
      expect(label).toBe(labels[row]);
      const seen = preprocess(how, raw);
      expect(seen.length).toBe(x[row]!.length);
      seen.forEach((value, i) => {
        expect(value).toBeCloseTo(x[row]![i]!, 5);
      });
    }
  });
});

describe("the column of the classes", () => {
  it("is the one called so, or the only one of texts that come again, and this is said", async () => {
    expect((await understood(written("label,a\nx,1\ny,2\n"))).said).not.toMatch(/Classes are taken/);
    const named = await understood(written("Species,a\nlynx,1\nwolf,2\nlynx,4\n"));
    expect([named.names, named.said]).toEqual([
      ["lynx 2", "wolf 1"],
      expect.stringContaining('Classes are taken from the column "Species"'),
    ]);
    const only = await understood(written("a,animal\n1,lynx\n2,wolf\n4,lynx\n6,wolf\n"));
    expect(only.said).toMatch(/the column "animal", the only one of texts that come again/);
  });

  it("is the one that is said, and its names are kept as they are given", async () => {
    const table = 'code,label,a\n007,x,1\n1.50,x,2\n"größe, 北京",y,3\n?,y,4\nNaN,y,5\n,y,6\n7,y,7\n';
    const { names, leftOut } = await understood(written(table), { label: "code" });
    expect(names).toEqual(["007 1", "1.50 1", "7 1", "? 1", "größe, 北京 1"]);
    expect(leftOut).toEqual([
      { why: 'rows without a class in "code"', count: 2, names: [expect.anything(), expect.anything()] },
    ]);
  });

  it("is asked for where it cannot be told, with those that could be meant", async () => {
    const file = written("a,b,c\n1,x,r\n2,x,s\n3,y,s\n4,y,r\n");
    expect(await refusal(openTasks(`rows:${file}`))).toMatchObject({
      code: "no-label",
      exitStatus: 2,
      message: expect.stringMatching(/--label, one of "b" \(2 values\), "c" \(2 values\)/),
    });
    expect((await refusal(openTasks(`rows:${file}`, { examples: { label: "d" } }))).message).toMatch(
      /no column "d"; its columns are "a", "b", "c"/,
    );
    const measured = await refusal(openTasks(`rows:${written("y,a\n1.5,1\n2.5,2\n3.5,3\n")}`));
    expect(measured.message).toMatch(/"y" has numbers with a fraction, which measure something/);
  });

  it("is what a bundle does not take, where one is known", async () => {
    const { how } = await understood(written("a,colour,kind\n1,r,x\n2,g,x\n3,r,y\n4,g,y\n"), { label: "kind" });
    for (const mine of ["kind,a,colour\ncat,1,r\ndog,2,g\n", "a,colour,animal\n1,r,cat\n4,g,dog\n2,g,dog\n3,r,cat\n"]) {
      const { classes } = await files.find(written(mine), {}, how);
      expect(classes.map(({ name }) => name)).toEqual(["cat", "dog"]);
    }
  });

  it("may lie beside one that says the split of each class", async () => {
    const lines = ["a", "b", "c", "d", "e", "f"].flatMap((name, i) =>
      [1, 2, 3].map((row) => `${name},${i * row},${["train", "valid", "test"][i % 3]}`),
    );
    const tasks = await openTasks(`rows:${written(`label,v,split\n${lines.join("\n")}\n`)}`);
    expect(["train", "val", "test"].map((split) => tasks.classCount(split as "val"))).toEqual([2, 2, 2]);
    expect(tasks.inputShape).toEqual([1]);
  });
});

describe("columns", () => {
  const rows = (make: (i: number) => string, length = 40): string =>
    Array.from({ length }, (_, i) => make(i)).join("\n");
  const label = (i: number): string => `class ${i % 8}`;

  it("that say nothing of an example, or too much, are left out, and this is said", async () => {
    const table = rows(
      (i) => `${i + 3},${(i * 37) % 41},a,2024-01-${(i % 28) + 1},note ${i},${1000 + (i % 8)},,${i % 7},${label(i)}`,
    );
    const { how, said } = await understood(written(`,user_id,same,day,note,code,none,v,label\n${table}\n`));
    expect(how.columns.map(({ name }) => name)).toEqual(["v"]);
    expect(said).toMatch(/without numbers of rows: "column 1", "user_id"/);
    expect(said).toMatch(/without columns of one value: "same"/);
    expect(said).toMatch(/without dates .*: "day"/);
    expect(said).toMatch(/texts that are different in nearly every row.*: "note"/);
    expect(said).toMatch(/another name of the class: "code"/);
    expect(said).toMatch(/columns of nothing: "none"/);
  });

  it("of many texts keep the frequent ones, where these are most of the rows", async () => {
    const table = rows((i) => `${i % 2 ? "often" : i % 4 ? "also" : `rare ${i}`},${i % 7},${label(i)}`, 160);
    const { how, said } = await understood(written(`t,v,label\n${table}\n`));
    expect(how.columns[0]).toEqual({ name: "t", kind: "category", values: ["also", "often"] });
    expect(said).toMatch(/the 2 most frequent of 42 values of "t", the others as none/);
  });

  it("with a number that stands for none are told", async () => {
    const table = rows((i) => `${i % 9 === 0 ? -999 : i / 10},${label(i)}`);
    expect((await understood(written(`v,label\n${table}\n`))).said).toMatch(
      /-999 in "v" .* 5 times and far from all others/,
    );
  });

  it("of which none is left are refused", async () => {
    const error = await refusal(openTasks(`rows:${written("label,a\nx,1\ny,1\n")}`));
    expect(error).toMatchObject({ exitStatus: 2, message: expect.stringMatching(/no column beside "label" .*"a"/) });
  });
});

describe("numbers", () => {
  const values = async (column: readonly string[], delimiter = ","): Promise<{ numbers: unknown[]; said: string }> => {
    const lines = column.map((field, i) =>
      [field.includes(delimiter) ? `"${field}"` : field, i, `k${i}`].join(delimiter),
    );
    const { read, said } = await understood(written(`v${delimiter}n${delimiter}label\n${lines.join("\n")}\n`));
    return { numbers: read.map(({ raw }) => (raw as Record<string, unknown>).v), said };
  };
  it.each([
    ["units", ["12 cm", "3.5cm", "4 cm"], [12, 3.5, 4], /"v" is in cm/],
    [
      "units of one measure",
      ["12 cm", "35 mm", "4 cm", "1 m"],
      [12, 3.5, 4, 100],
      /2 in cm, 1 in mm, 1 in m.* put into cm/,
    ],
    ["temperatures", ["0 °C", "212 °F", "300 K", "5 °C"], [0, 100, 26.85, 5], /put into °C/],
    ["a unit that some leave out", ["45 %", "50", "12.5%"], [45, 50, 12.5], /"v" is in %, as 1 of its numbers/],
    ["money", ["$3", "$4.50", "$1,200.00"], [3, 4.5, 1200], /commas between thousands.*\n.*in \$/],
    ["magnitudes", ["950", "1.2k", "3M"], [950, 1200, 3e6], /1k, taken as 1000/],
    ["a unit nobody knows, the same everywhere", ["3 blorp", "4 blorp", "5 blorp"], [3, 4, 5], /in blorp/],
    ["thousands", ["1,234", "5,678,901", "12"], [1234, 5678901, 12], /commas between thousands/],
    ["blanks between thousands", ["1 234", "5\u202f678", "12"], [1234, 5678, 12], /./],
    ["a true minus", ["−3", "4", "1e3"], [-3, 4, 1000], /./],
  ])("with %s", async (_, column, expected, words) => {
    const { numbers, said } = await values(column);
    numbers.forEach((number, i) => {
      expect(number).toBeCloseTo(expected[i]!, 9);
    });
    expect(said).toMatch(words);
  });

  it("have decimal commas where these lie between semicolons, or the column proves it", async () => {
    expect((await values(["1,500", "2,250"], ";")).numbers).toEqual([1.5, 2.25]);
    expect((await values(["1.234,5", "2.000"], ";")).numbers).toEqual([1234.5, 2000]);
    expect((await values(["1.234", "2.345"], ";")).numbers).toEqual([1.234, 2.345]);
    const proved = await values(["1,5", "2,250"]);
    expect(proved).toEqual({ numbers: [1.5, 2.25], said: expect.stringMatching(/"v" has decimal commas, as "1,5"/) });
  });

  it("are no numbers where zeros before them would be lost, or a letter behind them is no unit", async () => {
    expect((await values(["007", "010", "007"])).numbers).toEqual(["007", "010", "007"]);
    expect((await values(["12a", "3b", "12a", "3b"])).numbers).toContain("12a");
  });

  it.each([
    ["mixed units", ["12 kg", "13 cm"], "mixed-units", /1 in kg, 1 in cm \(line 2, line 3\)/],
    ["currencies", ["$3", "€4"], "mixed-units", /1 in \$, 1 in €/],
    ["both signs of fractions", ["1.5", "2,5", "3"], "not-a-number", /as "1.5" and "2,5"/],
    ["a text among them", ["1", "2", "3", "4", "err", "6"], "not-a-number", /"err" \(line 6\)/],
    ["one that is too large", ["1", "2", "1e39"], "not-a-number", /"1e39" \(line 4\)/],
  ])("with %s are refused", async (_, column, code, words) => {
    expect(await refusal(values(column))).toMatchObject({ code, exitStatus: 1, message: expect.stringMatching(words) });
  });
});

describe("files", () => {
  it.each([
    ["a row with other fields", "a,label\n1,x\n2,x,3\n", "csv", 1, /:2 has 3 fields and the first line 2 \(line 3/],
    ["two columns of a name", "a,a,label\n1,2,x\n", "csv", 1, /two columns "a"/],
    ["no names", "1,2\n3,4\n", "csv", 1, /starts with numbers/],
    ["no rows", "a,label\n", "csv", 1, /no examples/],
    ["no list", '{"a": 1}', "json", 1, /holds no list/],
    ["no objects", "[1, 2]", "json", 1, /:1 is 1; a list of objects/],
    ["a line that is no JSON", '{"a":1,"label":"x"}\n{"a"\n', "jsonl", 1, /line 2: .* is no JSON/],
    ["no Parquet", "PAR1 and nothing else PAR1", "parquet", 1, /no Parquet that can be read/],
    ["a sheet", "PK", "xlsx", 2, /Save the sheet as CSV/],
  ])("with %s are refused", async (_, content, ending, exitStatus, words) => {
    expect(await refusal(openTasks(`rows:${written(content, ending)}`))).toMatchObject({
      exitStatus,
      message: expect.stringMatching(words),
    });
  });

  it("of objects may have lists of numbers, and leave out what they do not have", async () => {
    const list = [
      { x: [1, 2], ok: true, label: 3 },
      { x: [2, 4], label: 3, deep: { a: 1 } },
      { x: [3, 5], ok: false, label: 4 },
    ];
    const { how, names, said } = await understood(written(JSON.stringify(list), "json"));
    expect(names).toEqual(["3 2", "4 1"]);
    expect(how.columns.map(({ name }) => name)).toEqual(["x1", "x2", "ok"]);
    expect(said).toMatch(/without lists or objects: "deep"/);
    expect(await columns(list.map((row) => JSON.stringify(row)).join("\n"), "ndjson")).toEqual(["x1", "x2", "ok"]);
  });
});
