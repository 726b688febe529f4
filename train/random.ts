// Seedable random numbers: a named stream for every use, so that what is drawn depends on who asks for what, never on
// the order in which it is asked (workers, resumed runs and tests all see the same episodes).
import { InnerloopError, show } from "@innerloop/schemas";

/** A stream of random numbers; see {@link random}. */
export interface Random {
  /** The next 32 random bits, as an integer in [0, 2³²). */
  bits(): number;
  /** Uniform in [low, high), with the full 53 bits of a double. Default [0, 1). */
  uniform(low?: number, high?: number): number;
  /** Normal with the given mean and standard deviation (Box and Muller 1958). Default 0 and 1. */
  normal(mean?: number, deviation?: number): number;
  /** A uniform integer in [0, n), without bias; n from 1 to 2³². */
  integer(n: number): number;
  /** A new array with the same items in a random order (Fisher and Yates); the given one is unchanged. */
  shuffle<T>(items: readonly T[]): T[];
  /** k different integers of [0, n) in random order: k items drawn without replacement. Takes O(k), so n may be huge. */
  sample(n: number, k: number): number[];
}

const limit = 2 ** 32;

/**
 * The random stream that belongs to a seed and any further numbers (a split, an episode's index, a class): the same
 * arguments always give the same numbers, and different ones give unrelated numbers.
 *
 * The generator is xoshiro128** (Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators"). Its 128
 * bits of state come from four chains of the 32-bit finalizer of MurmurHash3 (Appleby), one a word, each over
 * the seed and the stream's numbers.
 *
 * @param seed a safe integer
 * @param stream safe integers that name the stream within the seed
 * @throws {InnerloopError} `bad-seed` if one of them is not a safe integer
 */
export function random(seed: number, ...stream: number[]): Random {
  return xoshiro128(stateOf([seed, ...stream]));
}

/** The generator itself from its four words of state (not all zero); `random` is the door for everyone else. */
export function xoshiro128(state: readonly [number, number, number, number]): Random {
  let [a, b, c, d] = state;
  let spare: number | undefined;

  function bits(): number {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  }

  function uniform(low = 0, high = 1): number {
    const unit = ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53;
    return low + (high - low) * unit;
  }

  function normal(mean = 0, deviation = 1): number {
    let value = spare;
    spare = undefined;
    if (value === undefined) {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      value = radius * Math.cos(angle);
      spare = radius * Math.sin(angle);
    }
    return mean + deviation * value;
  }

  function integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > limit)
      throw new InnerloopError("bad-range", `integer(${n}): n must be an integer from 1 to 2^32`, { exitStatus: 2 });
    const fair = limit - (limit % n);
    let value = bits();
    while (value >= fair) value = bits();
    return value % n;
  }

  function shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last--) {
      const other = integer(last + 1);
      [result[last], result[other]] = [result[other] as T, result[last] as T];
    }
    return result;
  }

  function sample(n: number, k: number): number[] {
    if (!Number.isInteger(k) || k < 0 || k > n)
      throw new InnerloopError("bad-range", `sample(${n}, ${k}): k must be an integer from 0 to n`, { exitStatus: 2 });
    // Fisher and Yates on the array 0…n−1, of which only the entries that moved are stored.
    const moved = new Map<number, number>();
    return Array.from({ length: k }, (_, index) => {
      const other = index + integer(n - index);
      const value = moved.get(other) ?? other;
      moved.set(other, moved.get(index) ?? index);
      return value;
    });
  }

  return { bits, uniform, normal, integer, shuffle, sample };
}

function stateOf(numbers: readonly number[]): [number, number, number, number] {
  const state: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  for (const number of numbers) {
    if (!Number.isSafeInteger(number))
      throw new InnerloopError("bad-seed", `The seed ${show(number)} cannot be used; give an integer such as 0 or 42`, {
        exitStatus: 2,
      });
    const low = number >>> 0;
    const high = Math.floor(number / limit) | 0;
    for (let word = 0; word < 4; word++) {
      state[word] = mix(mix(state[word]! + 0x9e3779b9 * (word + 1) + low) ^ high);
    }
  }
  // All zero is the one state that the generator cannot leave.
  if (state.every((word) => word === 0)) state[0] = 1;
  return state;
}

/** MurmurHash3's 32-bit finalizer: a bijection in which every input bit reaches every output bit. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
