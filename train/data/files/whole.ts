// Files of any kind, each an example by its bytes, in folders of which each is a class.
import { readFile, stat } from "node:fs/promises";
import { preprocess } from "@innerloop/runtime/input";
import { type BytesPreprocessing, InnerloopError } from "@innerloop/schemas";
import { naming } from "./failures.ts";
import type { FileItem, FileKind } from "./file-kind.ts";
import { inFolders } from "./in-folders.ts";

/** Larger ones are refused; of most, a few kilobytes are looked at. */
const mostBytes = 2 ** 30;

export const wholeFiles: FileKind<FileItem, Uint8Array, Float32Array, BytesPreprocessing> = {
  kind: "bytes",
  what: "files of any kind",
  settings: [],
  ...inFolders({ noun: ["file", "files"], formats: "files", takes: () => true }),

  async read({ file }) {
    const info = await stat(file);
    if (!info.isFile())
      throw new InnerloopError("file-unreadable", `${file} is a folder, a pipe or a device; a file was expected`);
    if (info.size > mostBytes)
      throw new InnerloopError(
        "too-large",
        `${file} has ${info.size} bytes; files of at most ${mostBytes} are read; give its beginning and end`,
      );
    return readFile(file);
  },

  choose() {
    throw new InnerloopError(
      "no-model",
      "bytes of files are for a model that was trained on such; make a bundle of one: innerloop adaptable model.onnx --kind bytes --out bundle",
      { exitStatus: 2 },
    );
  },

  examples: ({ name }, raw, preprocessing) => [naming(name, () => preprocess(preprocessing, raw))],

  write(kept, _, target, offset) {
    target.set(kept, offset);
  },
};
