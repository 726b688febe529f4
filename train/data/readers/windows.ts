// Recordings of sensors, one a file in one folder a class: CSV, TSV, JSON, npy or wav.
import { openFiles } from "../files/open-files.ts";
import { windowFiles } from "../files/windows.ts";
import type { Reader } from "./reader.ts";

export const windows: Reader = {
  spec: "windows:DIR",
  summary: "recordings of sensors (CSV, TSV, JSON, npy, wav), one folder a class",
  kind: "classification",
  files: windowFiles,
  open: (place, options) => openFiles("windows", windowFiles, place, options),
};
