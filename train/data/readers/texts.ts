// Texts: a table with a column of them, or .txt files with one folder a class. What makes tokens of them belongs to an encoder.
import { openFiles } from "../files/open-files.ts";
import { textFiles } from "../files/texts.ts";
import type { Reader } from "./reader.ts";

export const texts: Reader = {
  spec: "texts:FILE",
  summary:
    "texts of a table, or .txt files with one folder a class, for an encoder with its tokenizer (innerloop adaptable)",
  kind: "classification",
  files: textFiles,
  open: (place, options) => openFiles("texts", textFiles, place, options),
};
