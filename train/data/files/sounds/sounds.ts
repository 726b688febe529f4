// Files of sound as examples: one recording a file, one folder a class.
import { preprocess, type Samples } from "@innerloop/runtime/input";
import { InnerloopError, type SoundPreprocessing } from "@innerloop/schemas";
import type { FileItem, FileKind } from "../file-kind.ts";
import { inFolders } from "../in-folders.ts";
import type { Wanted } from "../walk.ts";
import { readSound } from "./decode.ts";
import { chooseSounds, lookAt } from "./look.ts";
import { broken } from "./refusals.ts";

/** Sound files, as folders are searched for them. */
const soundFiles: Wanted = {
  noun: ["sound", "sounds"],
  formats: "WAV, FLAC, Ogg Vorbis, Opus or MP3 files",
  takes: (name) => /\.(wav|wave|flac|ogg|oga|opus|mp3)$/i.test(name),
};

/** What is kept of a recording: the numbers of an example, which are few beside its samples. */
export interface KeptSound {
  readonly numbers: Float32Array;
  readonly flaw?: string;
}

/** Below this, −80 dB, a recording is of the noise of its numbers. */
const silent = 1e-4;

/** Seconds that something has to be heard for. */
const shortest = 0.02;

/** Why nothing can be learned from a recording. */
function flawOf(samples: Samples): string | undefined {
  const { peak, heard, seconds, clipped } = lookAt(samples);
  if (seconds < shortest) return `recordings of less than ${1000 * shortest} ms`;
  if (peak < silent || heard === 0) return "recordings of silence";
  return clipped > 0.5 ? "recordings that are clipped all over" : undefined;
}

export const sounds: FileKind<FileItem, Samples, KeptSound, SoundPreprocessing> = {
  kind: "sound",
  what: "sounds (WAV, FLAC, Ogg Vorbis, Opus, MP3)",
  settings: ["length", "sampleRate", "bands"],
  ...inFolders(soundFiles),
  read: ({ file }) => readSound(file),
  choose: (read, settings) =>
    chooseSounds(
      read.map(({ raw }) => raw),
      settings,
    ),
  examples({ file }, samples, preprocessing) {
    const flaw = flawOf(samples);
    try {
      return [{ numbers: preprocess(preprocessing, samples), ...(flaw === undefined ? {} : { flaw }) }];
    } catch (cause) {
      if (cause instanceof InnerloopError) throw broken(file, cause.message);
      throw cause;
    }
  },
  flaw: ({ flaw }) => flaw,
  write: ({ numbers }, _, target, offset) => target.set(numbers, offset),
};
