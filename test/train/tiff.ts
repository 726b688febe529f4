// Writes TIFF files (revision 6.0) of any kind of numbers, which libraries make into bytes first.

/** An element type of Section 19, SampleFormat: whole, signed, IEEE floating point. */
const FORMATS = { u: 1, i: 2, f: 3 } as const;

/**
 * An uncompressed little-endian TIFF of one strip.
 *
 * @param kind `u16`, `f32`, …: the format and bits of a sample
 * @param data the samples as they are stored, channel after channel of each pixel
 */
export function tiff(width: number, height: number, channels: number, kind: string, data: ArrayBufferView): Uint8Array {
  const bits = Number(kind.slice(1));
  const each = (value: number): number[] => new Array<number>(channels).fill(value);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const [short, long] = [3, 4];
  const entries: (readonly [tag: number, type: number, values: readonly number[]])[] = [
    [256, long, [width]],
    [257, long, [height]],
    [258, short, each(bits)],
    [259, short, [1]],
    [262, short, [channels >= 3 ? 2 : 1]],
    [273, long, [0]],
    [277, short, [channels]],
    [278, long, [height]],
    [279, long, [bytes.length]],
    [339, short, each(FORMATS[kind[0] as "u"])],
  ];
  const sizeOf = (type: number, values: readonly number[]): number => values.length * (type === short ? 2 : 4);
  const values = 8 + 2 + 12 * entries.length + 4;
  const further = entries.reduce((sum, [, type, list]) => sum + (sizeOf(type, list) > 4 ? sizeOf(type, list) : 0), 0);
  const start = values + further;
  const file = new Uint8Array(start + bytes.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x002a4949, true);
  view.setUint32(4, 8, true);
  view.setUint16(8, entries.length, true);
  let next = values;
  entries.forEach(([tag, type, list], i) => {
    const at = 10 + 12 * i;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, list.length, true);
    let place = at + 8;
    if (sizeOf(type, list) > 4) {
      view.setUint32(place, next, true);
      place = next;
      next += sizeOf(type, list);
    }
    for (const value of tag === 273 ? [start] : list) {
      if (type === short) view.setUint16(place, value, true);
      else view.setUint32(place, value, true);
      place += type === short ? 2 : 4;
    }
  });
  file.set(bytes, start);
  return file;
}
