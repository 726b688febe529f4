// Whether some recordings are in other units than the rest: accelerations in g beside m/s², thousandths beside wholes, degrees
// beside radians.
import { listed } from "../left-out.ts";
import { median } from "../statistics.ts";
import type { ReadFile } from "./recording.ts";

/** By how much numbers of one thing differ in two units, and which these are. */
const ratios: readonly (readonly [number, string])[] = [
  [9.80665, "g and m/s²"],
  [1000, "thousandths and wholes, as mg and g"],
  [180 / Math.PI, "radians and degrees"],
];

/** How far a ratio may be from one of them, since no two recordings are of the same movement. */
const near = 1.25;
/** Files of one unit lie closer together than this, and those of another at least so far off. */
const apart = 3;

/** One sentence where files fall into two groups whose numbers differ by what two units do. */
export function mixedUnits(read: readonly ReadFile[], channels: number): string[] {
  if (read.length < 4) return [];
  const sized = read
    .map(({ item, raw }) => ({ name: item.name, size: sizeOf(raw.data, channels) }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => a.size - b.size);
  let cut = 0;
  for (let i = 1; i < sized.length; i++)
    if (cut === 0 || sized[i]!.size / sized[i - 1]!.size > sized[cut]!.size / sized[cut - 1]!.size) cut = i;
  const [small, large] = [sized.slice(0, cut), sized.slice(cut)];
  if (cut === 0 || large[0]!.size / small.at(-1)!.size < apart) return [];
  const ratio = median(large.map(({ size }) => size)) / median(small.map(({ size }) => size));
  const found = ratios.find(([factor]) => ratio / factor < near && factor / ratio < near);
  if (!found) return [];
  const fewer = small.length <= large.length ? small : large;
  return [
    `probably in mixed units, ${found[1]}: the numbers in ${fewer.length} of ${read.length} files are ${Number(ratio.toPrecision(3))} times ` +
      `${fewer === small ? "smaller" : "larger"} than in the others (${listed(fewer.map(({ name }) => name).sort())})`,
  ];
}

/** The usual length of a sample, as a vector of its channels. */
function sizeOf(data: Float32Array, channels: number): number {
  const lengths: number[] = [];
  for (let i = 0; i < data.length; i += channels) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += data[i + channel]! ** 2;
    if (Number.isFinite(sum)) lengths.push(Math.sqrt(sum));
  }
  return median(lengths) || 0;
}
