// Tables of lookups, of which each example has a piece that is the first one's, elsewhere.
import { Once } from "../once.ts";
import { stepOf } from "../pieces.ts";
import type { Lookup } from "../steps.ts";

/** After how many rows a table is the same again, but for how far its numbers are from those. */
export interface Along {
  readonly rows: number;
  readonly by: number;
}

const along = new Once<Int32Array, Along>();
const reaches = new Once<Int32Array, readonly [least: number, end: number]>();
const parts = new Once<Int32Array, Int32Array>();

export const alongTable = ({ table, taps }: Lookup): Along =>
  along.of(table, String(taps), () => {
    const rows = table.length / taps;
    for (let some = 1; 2 * some <= rows; some++) {
      if (rows % some !== 0) continue;
      const by = stepOf(table, some * taps);
      if (by !== undefined) return { rows: some, by };
    }
    return { rows, by: 0 };
  });

/** Whether what the first rows read lies there. */
export function withinTable(
  { table, taps, segment }: Lookup,
  rows: number,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  const [least, end] = reaches.of(table, `${rows * taps}`, () => reachOf(table, rows * taps));
  return least >= from && end + segment <= to;
}

function reachOf(table: Int32Array, places: number): [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < places; i++) {
    const at = table[i]!;
    if (at < 0) continue;
    if (at < least) least = at;
    if (at > most) most = at;
  }
  return [least, most];
}

/** The table of the first rows: one for all that ask. */
export const partOf = ({ table, taps }: Lookup, rows: number): Int32Array =>
  rows * taps === table.length ? table : parts.of(table, `${rows * taps}`, () => table.slice(0, rows * taps));
