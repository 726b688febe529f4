// WAV files (RIFF): the one format of sound that needs no decoder. What a file says of its sizes is compared with its bytes before
// arrays are made. https://learn.microsoft.com/windows/win32/api/mmreg/ns-mmreg-waveformatextensible
import type { Samples } from "@innerloop/runtime/input";
import { broken, checkNumbers } from "./refusals.ts";

type Sampled = Float32Array | Int16Array;

/** Of PCM (1) and floats (3), by their bits: how samples lie in a file. */
const formats: Readonly<Record<string, (view: DataView, count: number) => Sampled>> = {
  "1 8": (view, count) => Float32Array.from({ length: count }, (_, i) => (view.getUint8(i) - 128) / 128),
  "1 16": (view, count) => Int16Array.from({ length: count }, (_, i) => view.getInt16(2 * i, true)),
  "1 24": (view, count) =>
    Float32Array.from(
      { length: count },
      (_, i) => (view.getUint16(3 * i, true) + 65_536 * view.getInt8(3 * i + 2)) / 2 ** 23,
    ),
  "1 32": (view, count) => Float32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true) / 2 ** 31),
  "3 32": (view, count) => Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true)),
  "3 64": (view, count) => Float32Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true)),
};

/** Where a writer that cannot go back does not know how much will follow. */
const untold = 0x7f_ff_00_00;

/** Whether bytes are a WAV file's. */
export const isWav = (bytes: Uint8Array): boolean => textAt(bytes, 0) === "RIFF" && textAt(bytes, 8) === "WAVE";

const textAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/**
 * The samples of a WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64.
 *
 * @throws InnerloopError `sound-broken`, `sound-unread`, `sound-too-large` (status 1), naming the file
 */
export function readWav(bytes: Uint8Array, file: string): Samples {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format:
    | { readonly tag: number; readonly bits: number; readonly channels: number; readonly rate: number }
    | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    const name = textAt(bytes, at);
    if (name === "fmt " && size >= 16 && start + size <= bytes.length) {
      const tag = view.getUint16(start, true);
      format = {
        // An extensible one has its tag in front of a fixed identifier.
        tag: tag === 0xfffe && size >= 26 ? view.getUint16(start + 24, true) : tag,
        channels: view.getUint16(start + 2, true),
        rate: view.getUint32(start + 4, true),
        bits: 8 * Math.ceil(view.getUint16(start + 14, true) / 8),
      };
    }
    if (name === "data") {
      if (!format) throw broken(file, "its samples come before it says what they are");
      return samplesOf(view, file, format, start, size);
    }
    at = start + size + (size % 2);
  }
  throw broken(
    file,
    format ? "it has no samples; it is cut short" : "it does not say what its samples are; it is cut short",
  );
}

function samplesOf(
  view: DataView,
  file: string,
  { tag, bits, channels, rate }: { tag: number; bits: number; channels: number; rate: number },
  start: number,
  size: number,
): Samples {
  const read = formats[`${tag} ${bits}`];
  if (!read)
    throw broken(
      file,
      `its samples are of WAV format ${tag} with ${bits} bits; PCM of 8, 16, 24 or 32 bits and floats are read: save it as 16-bit PCM`,
      "sound-unread",
    );
  if (channels === 0 || rate === 0)
    throw broken(file, `it says that it has ${channels} channels and ${rate} samples a second`);
  const there = view.byteLength - start;
  if (size > there && size < untold)
    throw broken(file, `it is cut short: ${there} of ${size} bytes of samples are there`);
  const count = channels * Math.floor(Math.min(size, there) / (channels * (bits / 8)));
  checkNumbers(file, count);
  return { data: read(new DataView(view.buffer, view.byteOffset + start, there), count), rate, channels };
}
