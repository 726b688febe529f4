// Pictures that lie as four planes, one for each place of 2 x 2, found in the tables that products look up all of their windows of 3 x 3 places by.
import { alongTable } from "../bunch/table.ts";
import { nameOf } from "../fuse/code.ts";
import { Once } from "../once.ts";
import type { Access, Product, Step, Store } from "../steps.ts";
import { placesOf } from "../views.ts";
import { side } from "./pictures.ts";

const taps = side ** 2;
/** The middle of a window, and what is above and below. */
const [middle, above, below] = [4, 1, 7] as const;

/** A picture with a window around each of its places, and nothing around it. */
export interface Planes {
  readonly examples: number;
  readonly channels: number;
  /** Rows and columns. */
  readonly size: readonly [number, number];
  /** The strides are those of (example, row, column), within a plane. */
  readonly field: Access;
  /** How far odd rows, and odd columns, are from the even ones before them. */
  readonly odd: readonly [number, number];
  /** Whether windows have their taps the other way round. */
  readonly turned: boolean;
}

/**
 * The picture whose windows products look up, each those of some places, one after another; nothing, where they are none.
 *
 * @param writers steps that write what is looked up
 */
export function planesOf(products: readonly Product[], writers: readonly Step[]): Planes | undefined {
  const [{ left, lookup }] = products as [Product];
  const written = writtenIn(left.store, writers);
  const each = products.map(({ m, lookup }) => `${m}:${nameOf(lookup!.table)}`);
  const name = [...each, lookup!.segment, left.offset, left.store.size, ...written.map(({ name }) => name)].join(";");
  const found = layouts.of(lookup!.table, name, () => layoutOf(products, written));
  return found && { ...found, field: { ...left, ...found.field } };
}

/** Bunches of examples have their pictures alike, each in a store of its own. */
const layouts = new Once<Int32Array, ReturnType<typeof layoutOf>>();

function layoutOf(products: readonly Product[], written: readonly Written[]) {
  const [{ m, left, lookup }] = products as [Product];
  const { segment } = lookup!;
  const { rows, by } = alongTable(lookup!);
  const examples = m / rows;
  const windows: number[] = [];
  for (const { m: all, lookup: own } of products) {
    const along = alongTable(own!);
    if (all !== examples * along.rows || (examples > 1 && along.by !== by)) return undefined;
    for (let i = 0; i < along.rows * taps; i++) windows.push(own!.table[i]!);
  }
  const at = (place: number): number => windows[place * taps + middle]!;
  const places = windows.length / taps;
  const placed = new Map(Array.from({ length: places }, (_, place) => [at(place), place]));
  // The place below the first one is a row further on.
  const [next, last] = [below, above].map((tap) => placed.get(windows[tap]!) ?? 0) as [number, number];
  const turned = next === 0;
  const wide = turned ? last : next;
  const high = places / wide;
  if (placed.size < places || !(wide > 2) || !Number.isInteger(high) || high < 3) return undefined;
  const odd = [at(wide) - at(0), at(1) - at(0)] as const;
  const [ofRow, ofColumn] = [at(2 * wide) - at(0), at(2) - at(0)];
  // All in one plane is no matter of this.
  if (ofRow === 2 * odd[0] && ofColumn === 2 * odd[1]) return undefined;
  const isZeros = zerosIn(left, { segment, examples, by }, written);
  const placeOf = (y: number, x: number): number =>
    at(0) + (y >> 1) * ofRow + (y & 1) * odd[0] + (x >> 1) * ofColumn + (x & 1) * odd[1];
  for (let i = 0; i < windows.length; i++) {
    const [place, tap] = [Math.floor(i / taps), i % taps];
    const [down, across] = [Math.floor(tap / side) - 1, (tap % side) - 1];
    const y = Math.floor(place / wide) + (turned ? -down : down);
    const x = (place % wide) + (turned ? -across : across);
    const outside = y < 0 || x < 0 || y >= high || x >= wide;
    if (outside ? !isZeros(windows[i]!) : windows[i] !== placeOf(y, x)) return undefined;
  }
  const field = { offset: left.offset + at(0), strides: [examples > 1 ? by : 0, ofRow, ofColumn] };
  return { examples, channels: segment, size: [high, wide] as const, field, odd, turned };
}

interface Pieces {
  readonly segment: number;
  /** How far a piece of each is from that of the one before. */
  readonly examples: number;
  readonly by: number;
}

/** What is written to places of a store: zeros alone, or more. */
interface Written {
  /** The same for what is alike. */
  readonly name: string;
  readonly isZero: boolean;
  readonly places: () => Int32Array;
}

function writtenIn(store: Store, writers: readonly Step[]): Written[] {
  return writers.flatMap((step): Written[] => {
    if (step.kind !== "chain") return [{ name: "all", isZero: false, places: () => placesOf(wholeOf(store)) }];
    const { shape, code, writes, reads } = step;
    return writes.flatMap(({ store: to, offset, strides, register, how }) => {
      if (to !== store) return [];
      const made = code[register - reads.length];
      const operand = made?.operands[0];
      const isZero =
        how === "set" && made?.name === "copy" && operand !== undefined && "number" in operand && operand.number === 0;
      const name = [isZero, offset, "", ...shape, "", ...strides].join();
      return [{ name, isZero, places: () => placesOf({ offset, shape, strides }) }];
    });
  });
}

const wholeOf = ({ size }: Store) => ({ offset: 0, shape: [size], strides: [1] });

/** Whether a piece of a factor is zeros in each example for certain: it is none, or only zeros are written there. */
function zerosIn({ store, offset }: Access, { segment, examples, by }: Pieces, written: readonly Written[]) {
  let zeros: Uint8Array | undefined;
  return (at: number): boolean => {
    if (at < 0) return true;
    zeros ??= zerosOf(store, written);
    for (let example = 0; example < examples; example++) {
      const begin = offset + at + example * by;
      for (let i = begin; i < begin + segment; i++) if (zeros[i] !== 1) return false;
    }
    return true;
  };
}

/** Has 1 where nothing but zeros is written. */
function zerosOf({ size }: Store, written: readonly Written[]): Uint8Array {
  const zeros = new Uint8Array(size);
  for (const { isZero, places } of written) if (isZero) for (const place of places()) zeros[place] = 1;
  for (const { isZero, places } of written) if (!isZero) for (const place of places()) zeros[place] = 0;
  return zeros;
}
