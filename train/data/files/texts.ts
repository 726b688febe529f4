// Texts, each an example: files in folders of which each is a class, or a column of a table beside that of the classes.
import { statSync } from "node:fs";
import { basename, extname } from "node:path";
import { loadTokenizers, preprocess } from "@innerloop/runtime/input";
import { InnerloopError, show, type TextPreprocessing } from "@innerloop/schemas";
import { naming } from "./failures.ts";
import type { FileItem, FileKind, Found } from "./file-kind.ts";
import { inFolders } from "./in-folders.ts";
import { leftOut, listed } from "./left-out.ts";
import { type Labels, labelsOf } from "./rows/label.ts";
import { isTable, readWholeTable, type Table } from "./rows/table.ts";
import { readText, refusing } from "./text.ts";

/** A text that is read already, or a file of one. */
interface TextItem extends FileItem {
  readonly text?: string;
}

/** Names that people give the column of the texts, the likeliest first. */
const usual = [
  "text",
  "sentence",
  "document",
  "review",
  "message",
  "utterance",
  "question",
  "content",
  "body",
  "title",
];

const isText = (name: string): boolean => /\.(txt|text|md)$/i.test(name);
const folders = inFolders({ noun: ["text", "texts"], formats: "texts (.txt)", takes: isText });
const refuse = refusing(1);
const wrongCall = (code: string, message: string) => new InnerloopError(code, message, { exitStatus: 2 });

/** The rows of a table that have a text. */
interface TextTable {
  readonly labels: Labels | undefined;
  /** Of each row; null where there is none. */
  readonly items: readonly (TextItem | null)[];
}

export const textFiles: FileKind<TextItem, string, Float32Array, TextPreprocessing> = {
  kind: "text",
  what: "texts (.txt, or a column of CSV, TSV, JSON, Parquet)",
  settings: ["label"],
  // Notes about data are written as .md, so that it is no sign of texts to learn from.
  takes: (file) => (isText(file) && !/\.md$/i.test(file)) || isTable(file),

  async find(place, { label }): Promise<Found<TextItem>> {
    if (isFolder(place)) return folders.find(place, {});
    if (statSync(place).size === 0)
      throw refuse("bad-table", `${place} is empty; a table with a column of texts was expected`);
    if (!isTable(place) || isText(place))
      throw wrongCall(
        "data-missing",
        `${place} is no table; texts of several classes lie in a folder with a sub-folder of .txt files for each, or in a table with a column of classes`,
      );
    const { labels, items } = await readTexts(place, label, true);
    const classes = new Map<string, TextItem[]>();
    const none: string[] = [];
    items.forEach((item, row) => {
      const of = labels?.of[row];
      if (!item || of === null || of === undefined) none.push(item?.name ?? `${basename(place)}:${row + 1}`);
      else if (classes.has(of)) classes.get(of)?.push(item);
      else classes.set(of, [item]);
    });
    const found = [...classes].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      classes: found.map(([name, items]) => ({ name, items })),
      leftOut: leftOut("rows without a text or a class", none),
      notes: labels?.notes ?? [],
    };
  },

  async items(place, { label }) {
    if (isFolder(place)) return folders.items(place, {});
    if (isText(place) || !isTable(place)) return [{ name: place, file: place }];
    return (await readTexts(place, label, false)).items.filter((item) => item !== null);
  },

  async read({ file, text }) {
    await loadTokenizers();
    return text ?? (await readText(file, refuse));
  },

  choose() {
    throw wrongCall(
      "no-tokenizer",
      "texts become tokens by the tokenizer of an encoder, and a new network has none; train on what an encoder makes of them: innerloop adaptable " +
        "encoder.onnx --tokenizer tokenizer.json --data texts:FILE --out bundle; to look at them as a bundle has them, give --from bundle",
    );
  },

  examples: ({ name }, raw, preprocessing) => [naming(name, () => preprocess(preprocessing, raw))],

  write(kept, _, target, offset) {
    target.set(kept, offset);
  },
};

function isFolder(place: string): boolean {
  const info = statSync(place, { throwIfNoEntry: false });
  if (!info) throw wrongCall("data-missing", `${place} does not exist; texts were expected (.txt, or a table)`);
  return info.isDirectory();
}

async function readTexts(file: string, label: string | undefined, classes: boolean): Promise<TextTable> {
  const table = await readWholeTable(file);
  const column = textColumn(table, label);
  const texts = table.fields[table.names.indexOf(column)] ?? [];
  return {
    labels: classes ? labelsOf(table, label, [column]) : undefined,
    items: texts.map((field, row) => {
      const text = field === null ? "" : String(field).trim();
      return text === "" ? null : { name: `${basename(file)}:${row + 1}`, file, text };
    }),
  };
}

/** The column that has the texts: by its name, or the one whose texts are longest. */
function textColumn({ file, names, fields }: Table, label: string | undefined): string {
  const others = names.filter((name) => name !== label);
  const named = usual.flatMap((name) => others.filter((other) => other.trim().toLowerCase() === name));
  if (named[0] !== undefined) return named[0];
  const lengths = others.map((name) => {
    const column = fields[names.indexOf(name)] ?? [];
    const texts = column.filter((field) => typeof field === "string");
    return { name, length: texts.reduce((sum, text) => sum + text.length, 0) / Math.max(1, column.length) };
  });
  const [longest] = lengths.sort((a, b) => b.length - a.length);
  if (longest && longest.length > 0) return longest.name;
  throw wrongCall(
    "data-missing",
    `${file} (${extname(file)}) has no column of texts; its columns are ${listed(names.map(show))}; call that of the texts "text"`,
  );
}
