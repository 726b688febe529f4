// Tables of whole numbers that words look up by: they lie behind all else of a memory.
import { enter } from "./lists.ts";
import { apart } from "./taken.ts";

/** The first table that is met stands for all that have the same numbers, so that what is found out of it is found once. */
export class Alike {
  readonly #byHash = new Map<number, Int32Array[]>();

  one(numbers: Int32Array): Int32Array {
    const hash = hashOf(numbers);
    const same = this.#byHash.get(hash)?.find((table) => bytesOf(table).equals(bytesOf(numbers)));
    if (!same) enter(this.#byHash, hash, numbers);
    return same ?? numbers;
  }
}

/** Those that are alike once. */
export class Tables {
  readonly #alike = new Alike();
  readonly #places = new Map<Int32Array, number>();
  readonly #from: number;
  #end: number;

  constructor(from: number) {
    this.#from = from;
    this.#end = from;
  }

  at(numbers: Int32Array): number {
    const known = this.#places.get(numbers);
    if (known !== undefined) return known;
    const one = this.#alike.one(numbers);
    const at = this.#places.get(one) ?? this.#end;
    if (one === numbers) this.#end += Math.ceil(numbers.length / apart) * apart;
    this.#places.set(numbers, at);
    return at;
  }

  /** All of them, from where the first begins. */
  written(): Int32Array {
    const all = new Int32Array(this.#end - this.#from);
    for (const [numbers, at] of this.#places) all.set(numbers, at - this.#from);
    return all;
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** Of how many numbers a table's hash is, about: tables that differ do so in more than a few. */
const hashed = 64;

function hashOf(numbers: Int32Array): number {
  const step = Math.ceil(numbers.length / hashed);
  let hash = numbers.length;
  for (let i = 0; i < numbers.length; i += step) hash = Math.imul(hash ^ numbers[i]!, 0x01000193);
  return hash;
}
