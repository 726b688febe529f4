// Files of sound: one recording a file, one folder a class.
import { openFiles } from "../files/open-files.ts";
import { sounds } from "../files/sounds/sounds.ts";
import type { Reader } from "./reader.ts";

export const sound: Reader = {
  spec: "sound:DIR",
  summary: "sound files, one folder a class",
  kind: "classification",
  files: sounds,
  open: (place, options) => openFiles("sound", sounds, place, options),
};
