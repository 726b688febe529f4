// What a compressed sound says of itself: its format, and how many samples it has, before any of them is decoded.

/** A format that a decoder is there for. */
export type Format = "flac" | "vorbis" | "opus" | "mp3";

export interface Header {
  readonly format: Format;
  /** Samples of each channel, where the file says so. */
  readonly samples?: number;
  readonly channels?: number;
  /** Whether it ends in the middle of something. */
  readonly cut?: true;
}

const textAt = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** What bytes are; nothing where that is not known. */
export function headerOf(bytes: Uint8Array): Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = tagged(bytes);
  if (textAt(bytes, start, 4) === "fLaC") return flac(view, start + 4);
  if (textAt(bytes, 0, 4) === "OggS") return ogg(bytes, view);
  if (bytes.length >= start + 4 && view.getUint16(start) >= 0xffe0 && (bytes[start + 1]! & 6) !== 0)
    return mp3(bytes, view, start);
  return undefined;
}

/** Where the sound begins after an ID3 tag. */
function tagged(bytes: Uint8Array): number {
  if (textAt(bytes, 0, 3) !== "ID3" || bytes.length < 10) return 0;
  return 10 + bytes.subarray(6, 10).reduce((size, byte) => size * 128 + (byte & 127), 0);
}

/** https://www.rfc-editor.org/rfc/rfc9639#name-streaminfo */
function flac(view: DataView, at: number): Header {
  if (view.byteLength < at + 38) return { format: "flac", cut: true };
  const channels = ((view.getUint8(at + 16) >> 1) & 7) + 1;
  const samples = (view.getUint8(at + 17) & 15) * 2 ** 32 + view.getUint32(at + 18);
  return { format: "flac", channels, ...(samples > 0 ? { samples } : {}) };
}

/** Pages: https://www.rfc-editor.org/rfc/rfc3533#section-6 */
function ogg(bytes: Uint8Array, view: DataView): Header | undefined {
  const first = 27 + (bytes[26] ?? 0);
  const opus = textAt(bytes, first, 8) === "OpusHead";
  const vorbis = textAt(bytes, first, 7) === "\x01vorbis";
  const inside = textAt(bytes, first, 5) === "\x7fFLAC";
  if (!opus && !vorbis && !inside) return bytes.length < first + 8 ? { format: "vorbis", cut: true } : undefined;
  const format = opus ? "opus" : vorbis ? "vorbis" : "flac";
  let last = 0;
  for (let at = 0; at + 27 <= bytes.length && textAt(bytes, at, 4) === "OggS"; ) {
    last = at;
    const lacing = bytes.subarray(at + 27, at + 27 + bytes[at + 26]!);
    at += 27 + bytes[at + 26]! + lacing.reduce((sum, size) => sum + size, 0);
    if (at > bytes.length) return { format, cut: true };
  }
  const samples = view.getUint32(last + 6, true) + view.getUint32(last + 10, true) * 2 ** 32;
  if (format === "flac") return { ...flac(view, first + 13), format };
  const channels = bytes[first + (opus ? 9 : 11)]!;
  // The first samples of Opus are for its decoder to settle, and those before the last page may be cut off on purpose.
  const skipped = opus && bytes.length > first + 12 ? view.getUint16(first + 10, true) : 0;
  return { format, channels, samples: Math.max(0, samples - skipped) };
}

/** Frames: http://www.mp3-tech.org/programmer/frame_header.html; a first one that LAME and others write counts those that follow. */
function mp3(bytes: Uint8Array, view: DataView, start: number): Header {
  const version = (bytes[start + 1]! >> 3) & 3;
  const of = version === 3 ? 1152 : 576;
  for (let at = start + 4; at < start + 44 && at + 12 <= bytes.length; at++) {
    if (!/^(Xing|Info)$/.test(textAt(bytes, at, 4)) || (view.getUint32(at + 4) & 1) === 0) continue;
    return { format: "mp3", samples: view.getUint32(at + 8) * of };
  }
  return { format: "mp3" };
}
