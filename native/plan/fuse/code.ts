// The code of a chain as it is put together: the same read or call once, with known numbers in place of reads, and nothing that changes nothing.
import {
  type Access,
  type Call,
  type Chain,
  type FunctionName,
  type Operand,
  type Store,
  sameAccess,
  type Write,
} from "../steps.ts";

/** The number that all numbers of a store are, where that is known. */
export type NumberOf = (store: Store) => number | undefined;

/** Nothing is known of any store. */
export const unknown: NumberOf = () => undefined;

const unordered: ReadonlySet<FunctionName> = new Set<FunctionName>(["add", "multiply", "equal"]);
const truths: ReadonlySet<FunctionName> = new Set<FunctionName>([
  "equal",
  "less",
  "lessOrEqual",
  "greater",
  "greaterOrEqual",
  "truth",
]);

/** What functions that are worth folding give for numbers. */
const folded: { readonly [name in FunctionName]?: (a: number, b: number) => number } = {
  copy: (a) => a,
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  equal: (a, b) => Number(a === b),
  less: (a, b) => Number(a < b),
  lessOrEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterOrEqual: (a, b) => Number(a >= b),
  negative: (a) => -a,
  absolute: Math.abs,
  sqrt: Math.sqrt,
  reciprocal: (a) => 1 / a,
  relu: (a) => Math.max(a, 0),
  not: (a) => 1 - a,
  truth: (a) => Number(a !== 0),
};

/** So many times the least number that float32 holds in full is one. */
const steepest = 2 ** 126;

const numbers = new WeakMap<object, number>();
let last = 0;

/** A name of a store, or of a table, that no other has. */
export function nameOf(store: object): number {
  const known = numbers.get(store);
  if (known !== undefined) return known;
  numbers.set(store, ++last);
  return last;
}

const numberIn = (operand: Operand | undefined): number | undefined =>
  operand && "number" in operand ? operand.number : undefined;

function sameOperand(a: Operand, b: Operand): boolean {
  if ("register" in a) return "register" in b && a.register === b.register;
  return "number" in b && (a.number === b.number || (Number.isNaN(a.number) && Number.isNaN(b.number)));
}

function sameCall(a: Call, name: FunctionName, operands: readonly Operand[]): boolean {
  if (a.name !== name) return false;
  const [x, y] = [a.operands, operands];
  if (unordered.has(name) && sameOperand(x[0]!, y[1]!) && sameOperand(x[1]!, y[0]!)) return true;
  for (let i = 0; i < x.length; i++) if (!sameOperand(x[i]!, y[i]!)) return false;
  return true;
}

/** Few enough entries are in a chain for a search from the first on, which needs no keys. */
export class Code {
  readonly #numberOf: NumberOf;
  /** Reads and calls, in an order in which each has what it needs. */
  readonly #entries: (Access | Call)[] = [];

  constructor(numberOf: NumberOf) {
    this.#numberOf = numberOf;
  }

  read(access: Access): Operand {
    const number = this.#numberOf(access.store);
    if (number !== undefined) return { number };
    const entries = this.#entries;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if ("store" in entry && sameAccess(entry, access)) return { register: i };
    }
    return { register: entries.push(access) - 1 };
  }

  call(name: FunctionName, operands: readonly Operand[]): Operand {
    const simple = this.#simplified(name, operands);
    if (simple) return simple;
    return this.#entry(name, operands);
  }

  /** The results of another chain's code, whose reads are given. */
  include(reads: readonly Operand[], code: readonly Call[]): readonly Operand[] {
    const registers = reads.slice();
    for (let i = 0; i < code.length; i++) {
      const { name, operands } = code[i]!;
      registers.push(this.call(name, exchanged(operands, registers)));
    }
    return registers;
  }

  /** The results of a chain that was put together as here, whose reads are others. */
  begin(chain: Chain, reads: readonly Access[]): readonly Operand[] {
    const isFirst = this.#entries.length === 0 && isSimple(chain, this.#numberOf);
    const given = reads.map((access) => this.read(access));
    // As long as each read is one by itself, as it was there, calls are what they were; but a copy is one of a number, for a write.
    if (!isFirst || this.#entries.length < reads.length || chain.code.some(({ name }) => name === "copy"))
      return this.include(given, chain.code);
    this.#entries.push(...chain.code);
    return this.#entries.map((_, register) => ({ register }));
  }

  /** The chain of all that its writes need. */
  chain(
    shape: readonly number[],
    writes: readonly (readonly [write: Omit<Write, "register">, value: Operand])[],
  ): Chain {
    // A write takes a register, so that a number goes through a call.
    const values = writes.map(([, value]) => ("number" in value ? this.#entry("copy", [value]) : value));
    const entries = this.#entries;
    const needed = neededFor(entries, values);
    const registers: Operand[] = [];
    const reads: Access[] = [];
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (needed[i] && "store" in entry) registers[i] = { register: reads.push(entry) - 1 };
    }
    const code: Call[] = [];
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (!needed[i] || !("operands" in entry)) continue;
      registers[i] = { register: reads.length + code.length };
      code.push({ name: entry.name, operands: exchanged(entry.operands, registers) });
    }
    const made: Write[] = [];
    for (let i = 0; i < writes.length; i++)
      made.push({ ...writes[i]![0], register: registerOf(registers[registerOf(values[i]!)]!) });
    return { kind: "chain", shape, reads, code, writes: made };
  }

  #entry(name: FunctionName, operands: readonly Operand[]): Operand {
    const entries = this.#entries;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if ("operands" in entry && sameCall(entry, name, operands)) return { register: i };
    }
    return { register: entries.push({ name, operands }) - 1 };
  }

  /** The call that gave an operand. */
  #from(operand: Operand): Call | undefined {
    if ("number" in operand) return undefined;
    const entry = this.#entries[operand.register]!;
    return "operands" in entry ? entry : undefined;
  }

  #simplified(name: FunctionName, operands: readonly Operand[]): Operand | undefined {
    const a = operands[0]!;
    const b = operands[1]!;
    const c = operands[2]!;
    const x = numberIn(a);
    const y = numberIn(b);
    const fold = folded[name];
    if (fold && x !== undefined && (operands.length === 1 || y !== undefined)) return { number: fold(x, y ?? 0) };
    // What is met most comes first.
    if (name === "multiply") {
      if (x === 1) return b;
      if (y === 1) return a;
      if (x !== undefined) return this.#times(b, x);
      if (y !== undefined) return this.#times(a, y);
      const left = this.#negated(a);
      const right = left && this.#negated(b);
      return right && this.call("multiply", [left, right]);
    }
    if (name === "add") {
      if (x === 0) return b;
      if (y === 0) return a;
      const right = this.#negated(b);
      if (right) return this.call("subtract", [a, right]);
      const left = this.#negated(a);
      return left && this.call("subtract", [b, left]);
    }
    if (name === "subtract") {
      if (y === 0) return a;
      const right = this.#negated(b);
      if (right) return this.call("add", [a, right]);
      return x === 0 ? this.call("negative", [b]) : undefined;
    }
    if (name === "copy") return a;
    if (name === "where") return x === undefined ? undefined : x !== 0 ? b : c;
    if (name === "divide") return y === 1 ? a : undefined;
    if (name === "power") return y === undefined ? undefined : this.#raised(a, y);
    const from = this.#from(a);
    if (name === "negative") {
      if (from?.name === "negative") return from.operands[0];
      if (from?.name === "subtract") return this.call("subtract", from.operands.toReversed());
      return this.#scaled(from, -1);
    }
    if (name === "relu" || name === "absolute") return from?.name === name ? a : undefined;
    if (name === "truth") return from && truths.has(from.name) ? a : undefined;
    if (name === "minimum" || name === "maximum") {
      if ("register" in a && "register" in b && a.register === b.register) return a;
      return name === "minimum" && y === 1 ? this.#step(from) : undefined;
    }
    return undefined;
  }

  /** Whether a number is above zero, as graphs tell it without a comparison: so many times the number, between 0 and 1. */
  #step(from: Call | undefined): Operand | undefined {
    const steep = from?.name === "relu" ? this.#from(from.operands[0]!) : undefined;
    if (steep?.name !== "multiply") return undefined;
    const [a, b] = steep.operands as [Operand, Operand];
    if ((numberIn(b) ?? 0) >= steepest) return this.call("greater", [a, { number: 0 }]);
    if ((numberIn(a) ?? 0) >= steepest) return this.call("greater", [b, { number: 0 }]);
    return undefined;
  }

  /** What an operand is the negative of. */
  #negated(operand: Operand): Operand | undefined {
    const from = this.#from(operand);
    return from?.name === "negative" ? from.operands[0] : undefined;
  }

  /** Powers that are products, or a root. */
  #raised(operand: Operand, to: number): Operand | undefined {
    const times = (a: Operand, b: Operand): Operand => this.call("multiply", [a, b]);
    if (to === 1) return operand;
    if (to === 0.5) return this.call("sqrt", [operand]);
    if (to !== 2 && to !== 3 && to !== 4) return undefined;
    const square = times(operand, operand);
    return to === 2 ? square : times(square, to === 3 ? operand : square);
  }

  #times(operand: Operand, by: number): Operand | undefined {
    if (by === -1) return this.call("negative", [operand]);
    const from = this.#from(operand);
    if (from?.name === "negative") return this.call("multiply", [from.operands[0]!, { number: -by }]);
    return this.#scaled(from, by);
  }

  /** A product with a number, times another number. */
  #scaled(from: Call | undefined, by: number): Operand | undefined {
    if (from?.name !== "multiply") return undefined;
    const [a, b] = from.operands as [Operand, Operand];
    const [x, y] = [numberIn(a), numberIn(b)];
    if (x !== undefined) return this.call("multiply", [b, { number: x * by }]);
    if (y !== undefined) return this.call("multiply", [a, { number: y * by }]);
    return undefined;
  }
}

const registerOf = (operand: Operand): number => (operand as { readonly register: number }).register;

/** Of entries, those that some need, with all that they need. */
function neededFor(entries: readonly (Access | Call)[], values: readonly Operand[]): Uint8Array {
  const needed = new Uint8Array(entries.length);
  for (let i = 0; i < values.length; i++) needed[registerOf(values[i]!)] = 1;
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i]!;
    if (!needed[i] || !("operands" in entry)) continue;
    for (let k = 0; k < entry.operands.length; k++) {
      const operand = entry.operands[k]!;
      if ("register" in operand) needed[operand.register] = 1;
    }
  }
  return needed;
}

/** Operands with other registers for theirs. */
function exchanged(operands: readonly Operand[], registers: readonly Operand[]): Operand[] {
  const made: Operand[] = [];
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i]!;
    made.push("number" in operand ? operand : registers[operand.register]!);
  }
  return made;
}

/** Chains in which nothing is left that changes nothing, with what was known of stores. */
const simple = new WeakMap<Chain, NumberOf>();

export const isSimple = (chain: Chain, numberOf: NumberOf): boolean => simple.get(chain) === numberOf;

/** Notes that a chain's code was put together as {@link Code} does. */
export function noted(chain: Chain, numberOf: NumberOf): Chain {
  simple.set(chain, numberOf);
  return chain;
}

/** A chain without what changes nothing, and with known numbers in it. */
export function simplified(chain: Chain, numberOf: NumberOf): Chain {
  // Most chains of a plan are copies.
  const [read] = chain.reads;
  if (read && chain.reads.length === 1 && chain.code.length === 0 && numberOf(read.store) === undefined) return chain;
  const code = new Code(numberOf);
  const registers = code.include(
    chain.reads.map((access) => code.read(access)),
    chain.code,
  );
  const made = code.chain(
    chain.shape,
    chain.writes.map(({ register, ...write }) => [write, registers[register]!]),
  );
  if (made.reads.length !== chain.reads.length || made.code.length !== chain.code.length) return made;
  const same = chain.code.every(
    ({ name, operands }, i) =>
      made.code[i]!.name === name && operands.every((operand, k) => sameOperand(operand, made.code[i]!.operands[k]!)),
  );
  return same ? chain : made;
}
