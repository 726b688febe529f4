// Inputs that are nearly right: a sound value with a few places changed into what makes readers stumble. Random bytes
// hardly ever come past the first check of a format; these do.
import fc from "fast-check";

/** Names that objects have anyway, lead elsewhere, are long, or do something to a terminal. */
const names: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "",
  " ",
  "../../x",
  "/etc/x",
  "a\0b",
  "\u001b[2J\u001b]0;t\u0007",
  "\u202eabc",
  "\ud800",
  "x".repeat(10_000),
  "NaN",
  "1e999",
  "0",
];

const numbers: readonly number[] = [
  0,
  -0,
  1,
  -1,
  2,
  3,
  7,
  0.5,
  1e-300,
  255,
  1000,
  65_536,
  50_000_000,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 40,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  2 ** 63,
  1e308,
];

/** Of these, what a length may be written as. */
const lengths = numbers.filter((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 64);

const ring: unknown[] = [];
ring.push(ring);

/** Values of every kind, of which most are not the one that is wanted. */
export const strangers: readonly unknown[] = [
  undefined,
  null,
  true,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1n,
  () => 0,
  [],
  [[]],
  {},
  ring,
  new Date(0),
  new Map(),
  new Uint8Array(3),
  new Float32Array(2),
  new ArrayBuffer(8),
  new Proxy({}, {}),
  ...numbers,
  ...names,
];

/** One change: at which place, how, and to what. All are numbers, so that a failing input shrinks. */
interface Change {
  readonly place: number;
  readonly how: number;
  readonly by: number;
}

const changes = (most: number): fc.Arbitrary<Change[]> =>
  fc.array(fc.record({ place: fc.nat(), how: fc.nat(11), by: fc.nat() }), { minLength: 1, maxLength: most });

type Holder = Record<string | number, unknown>;

/** Every place in a tree of objects and lists. */
function placesOf(root: unknown): { holder: Holder; key: string | number }[] {
  const places: { holder: Holder; key: string | number }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      places.push({ holder: value as Holder, key });
      visit((value as Holder)[key]);
    }
  };
  visit(root);
  return places;
}

/** A deep copy of plain data; typed arrays are copied too, and accessors and prototypes are left behind. */
function copyOf<T>(value: T): T {
  if (ArrayBuffer.isView(value)) return (value as unknown as Uint8Array).slice() as T;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)])) as T;
}

/** How a place may change. */
export interface TreeOptions {
  /** Values keep their kind, as a binary format gives it to them: numbers become numbers, texts texts. */
  readonly typed?: boolean;
  readonly most?: number;
}

/** A tree of plain data in which a few places were replaced, removed, doubled, emptied or swapped. */
export function mutatedTree<T>(base: T, { typed = false, most = 4 }: TreeOptions = {}): fc.Arbitrary<T> {
  return changes(most).map((list) => {
    const root = { root: copyOf(base) };
    for (const { place, how, by } of list) {
      const places = placesOf(root);
      const { holder, key } = places[place % places.length]!;
      const other = places[by % places.length]!;
      const old = holder[key];
      const pick = <V>(values: readonly V[]): V => values[by % values.length]!;
      const same = (): unknown => {
        if (typeof old === "number" || typeof old === "bigint") return pick(numbers);
        if (typeof old === "string") return pick(names);
        if (old instanceof Uint8Array) return old.slice(0, by % (old.length + 1));
        return old;
      };
      if (how < 4) holder[key] = typed ? same() : pick([...numbers, ...names, null, true, [], {}, [[]]]);
      else if (how < 6) holder[key] = same();
      else if (how === 6) remove(holder, key);
      else if (how === 7 && Array.isArray(holder)) holder.splice(Number(key), 0, copyOf(old));
      else if (how === 8 && Array.isArray(old)) holder[key] = [];
      else if (how === 9 && Array.isArray(old))
        holder[key] = Array.from({ length: 1 + (by % 40) }, () => copyOf(old[0]));
      else if (how === 10 && String(other.key) === String(key)) holder[key] = copyOf(other.holder[other.key]);
      else if (how === 11) {
        // A value of the same kind from elsewhere, as a name that stands for another thing.
        const alike = places.filter((it) => typeof it.holder[it.key] === typeof old && !Array.isArray(old));
        if (typeof old !== "object" && alike.length > 0) holder[key] = pick(alike.map((it) => it.holder[it.key]));
      }
    }
    return root.root;
  });
}

function remove(holder: Holder, key: string | number): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (key !== "root") delete holder[key];
}

/** Bytes of which some were changed, left out, doubled or cut off. */
export function mutatedBytes(base: Uint8Array, most = 4): fc.Arbitrary<Uint8Array> {
  return changes(most).map((list) => {
    let bytes = new Uint8Array(base);
    for (const { place, how, by } of list) {
      const at = place % Math.max(1, bytes.length);
      if (how < 3) bytes[at] = by;
      else if (how < 5) bytes[at]! ^= 1 << (by % 8);
      else if (how < 7) bytes = bytes.slice(0, at);
      else if (how === 7) bytes.fill(by % 2 ? 255 : 0, at, at + 1 + (by % 9));
      else if (how === 8)
        bytes = joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + (by % 16))));
      else if (how === 9) bytes = joined(bytes.subarray(0, at), bytes.subarray(Math.max(0, at - (by % 64))));
      else if (how === 10 && bytes.length >= at + 8)
        new DataView(bytes.buffer).setBigUint64(at, BigInt(lengths[by % lengths.length]!), true);
      else bytes = joined(bytes, new Uint8Array(by % 32).fill(by));
    }
    return bytes;
  });
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** A text with a few letters changed, left out, doubled or cut off, and now and then something that the format means. */
export function mutatedText(base: string, words: readonly string[], most = 6): fc.Arbitrary<string> {
  return changes(most).map((list) => {
    let text = base;
    for (const { place, how, by } of list) {
      const at = place % (text.length + 1);
      const word = how % 3 === 0 ? names[by % names.length]! : words[by % words.length]!;
      if (how < 5) text = text.slice(0, at) + word + text.slice(at);
      else if (how < 8) text = text.slice(0, at) + word + text.slice(at + 1 + (by % 4));
      else if (how < 10) text = text.slice(0, at) + text.slice(at + 1 + (by % 16));
      else text = text.slice(0, at);
    }
    return text;
  });
}
