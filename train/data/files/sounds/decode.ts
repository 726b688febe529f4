// A file of sound becomes samples: WAV by itself, FLAC, Ogg Vorbis, Opus and MP3 by decoders that are kept elsewhere (WebAssembly in
// npm packages), each loaded when a file needs it.
import { readFile, stat } from "node:fs/promises";
import type { Samples } from "@innerloop/runtime/input";
import { InnerloopError, mistaken } from "@innerloop/schemas";
import { type Format, type Header, headerOf } from "./headers.ts";
import { broken, checkNumbers } from "./refusals.ts";
import { isWav, readWav } from "./wav.ts";

/** More than a recording of one thing has, as bytes of its file. */
const mostBytes = 2 ** 28;

/** Bytes that are decoded at a time, so that a small file which becomes much is stopped midway. */
const chunkBytes = 2 ** 14;

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
  readonly errors?: readonly unknown[];
}

interface Decoder {
  decode(bytes: Uint8Array): Decoded;
  flush?(): Decoded;
  free(): void;
}

const decoders: Readonly<Record<Format, () => Promise<Decoder>>> = {
  flac: async () => (await import("@audio/decode-flac")).decoder(),
  vorbis: async () => (await import("@audio/decode-vorbis")).decoder(),
  opus: async () => (await import("@audio/decode-opus")).decoder(),
  mp3: async () => (await import("@audio/decode-mp3")).decoder(),
};

/**
 * A file's samples, of all its channels.
 *
 * @throws InnerloopError `sound-broken`, `sound-unread`, `sound-too-large` (status 1), naming the file
 */
export async function readSound(file: string): Promise<Samples> {
  const { size } = await stat(file).catch((cause) => {
    throw broken(file, `it cannot be read (${(cause as NodeJS.ErrnoException).code})`);
  });
  if (size > mostBytes)
    throw broken(
      file,
      `it has ${size} bytes, and ${mostBytes} are read at most; cut it into recordings of one thing each`,
      "sound-too-large",
    );
  const bytes = await readFile(file).catch((cause) => {
    throw broken(file, `it cannot be read (${(cause as NodeJS.ErrnoException).code})`);
  });
  return samplesOf(bytes, file);
}

/** The samples of a file's bytes. @throws InnerloopError as {@link readSound} */
async function samplesOf(bytes: Uint8Array, file: string): Promise<Samples> {
  if (isWav(bytes)) return readWav(bytes, file);
  const header = headerOf(bytes);
  if (!header) {
    const instead = mistaken(bytes);
    throw instead
      ? broken(file, instead)
      : broken(
          file,
          "it is no sound that is read; WAV, FLAC, Ogg Vorbis, Opus and MP3 are: save it as one of these",
          "sound-unread",
        );
  }
  const cut = () => broken(file, "it is cut short");
  if (header.cut) throw cut();
  if (header.samples !== undefined) checkNumbers(file, header.samples * (header.channels ?? 1));
  const { planes, rate } = await decoded(bytes, file, header);
  const count = planes[0]?.length ?? 0;
  if (count === 0) throw broken(file, "no samples can be decoded; it is cut short or damaged");
  // Of MP3 the first and last frame may be left out, and none counts its samples exactly.
  const missing = (header.samples ?? 0) - count - (header.format === "mp3" ? 2 * 1152 : 0);
  if (missing > 0)
    throw broken(file, `it is cut short or damaged: ${count} of ${header.samples} samples can be decoded`);
  const channels = planes.length;
  const data = new Float32Array(count * channels);
  planes.forEach((plane, channel) => {
    for (let i = 0; i < count; i++) data[i * channels + channel] = plane[i]!;
  });
  return { data, rate, channels };
}

/** All channels, decoded piece by piece. */
async function decoded(
  bytes: Uint8Array,
  file: string,
  { format }: Header,
): Promise<{ planes: Float32Array[]; rate: number }> {
  const decoder = await decoders[format]();
  const pieces: Decoded[] = [];
  let count = 0;
  const take = (piece: Decoded | undefined): void => {
    if (!piece) return;
    if ((piece.errors?.length ?? 0) > 0) throw broken(file, "it is damaged, and cannot be decoded to its end");
    const length = piece.channelData[0]?.length ?? 0;
    if (length === 0) return;
    count += length * piece.channelData.length;
    checkNumbers(file, count);
    pieces.push(piece);
  };
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes)
      take(quietly(() => decoder.decode(bytes.subarray(at, at + chunkBytes))));
    take(quietly(() => decoder.flush?.()));
  } catch (cause) {
    if (cause instanceof InnerloopError) throw cause;
    throw broken(file, `it cannot be decoded (${(cause as Error).message})`);
  } finally {
    decoder.free();
  }
  const rate = pieces[0]?.sampleRate ?? 0;
  const channels = pieces[0]?.channelData.length ?? 0;
  if (pieces.some((piece) => piece.sampleRate !== rate || piece.channelData.length !== channels))
    throw broken(file, "its rate or its channels change midway; save it as one recording");
  const planes = Array.from({ length: channels }, (_, channel) =>
    joined(pieces.map((piece) => piece.channelData[channel]!)),
  );
  return { planes, rate };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Decoders write what is wrong with a file to the console, where it is told once more and better. */
function quietly<T>(work: () => T): T {
  const { error, warn } = console;
  console.error = console.warn = () => undefined;
  try {
    return work();
  } finally {
    Object.assign(console, { error, warn });
  }
}
