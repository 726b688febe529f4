// Recordings of sensors, one a file in one folder a class: each becomes one window of samples, or several where it is long.
import { preprocess } from "@innerloop/runtime/input";
import { InnerloopError, type WindowPreprocessing } from "@innerloop/schemas";
import { naming } from "./failures.ts";
import type { FileItem, FileKind } from "./file-kind.ts";
import { inFolders } from "./in-folders.ts";
import { isRecording, readRecording } from "./recordings/read.ts";
import type { Recording } from "./recordings/recording.ts";
import { chooseWindows, endsOf } from "./recordings/windows.ts";
import type { Wanted } from "./walk.ts";

const recordings: Wanted = {
  noun: ["recording", "recordings"],
  formats: "CSV, TSV, JSON, npy or wav files, one recording each",
  takes: isRecording,
};

export const windowFiles: FileKind<FileItem, Recording, Float32Array, WindowPreprocessing> = {
  kind: "window",
  what: "recordings (CSV, TSV, JSON, npy, wav)",
  settings: ["length", "hop", "sampleRate"],
  ...inFolders(recordings),

  read: ({ file }) => readRecording(file),

  choose: chooseWindows,

  examples({ file }, recording, how, settings) {
    const { data, channels } = recording;
    if (holes(data, channels) > 0)
      throw new InnerloopError(
        "not-a-number",
        `${file}: ${holes(data, channels)} of its ${data.length / channels} samples have no numbers`,
      );
    return endsOf(recording, how, settings).map((end) =>
      naming(file, () => preprocess(how, { ...recording, data: data.subarray(0, end * channels) })),
    );
  },

  flaw(kept, { channels }) {
    for (let i = channels; i < kept.length; i++) if (kept[i] !== kept[i % channels]) return undefined;
    return "windows in which nothing changes, from which nothing can be learned,";
  },

  write(kept, _, target, offset) {
    target.set(kept, offset);
  },
};

/** Samples that have a number in a channel that is none. */
function holes(data: Float32Array, channels: number): number {
  let count = 0;
  for (let i = 0; i < data.length; i += channels)
    for (let channel = 0; channel < channels; channel++)
      if (!Number.isFinite(data[i + channel]!)) {
        count++;
        break;
      }
  return count;
}
