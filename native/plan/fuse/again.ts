// Results of chains that cost less to compute where they are read than to write and read.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Chain, Operand, Step, Write } from "../steps.ts";
import { accessOf } from "../views.ts";
import { Code, type NumberOf } from "./code.ts";
import { costOf, together } from "./join.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";

export const again: Pass = {
  name: "again",
  why: "masks and the like of arrays that stay are computed sooner than they are read",
  apply(level, numberOf) {
    for (let at = level.length - 1; at >= 0; at--)
      for (const { store } of level.chain(at)?.writes.toReversed() ?? []) {
        const chain = level.chain(at);
        const write = chain?.writes.find((each) => each.store === store);
        if (write) inReaders(level, at, write, numberOf);
      }
  },
};

/** Readers of a result that are looked at, and calls that it may cost to compute. */
const tries = 8;
const mostCalls = 8;
/** Places of a walk that stays for other results, from which on one result less is worth something. */
const least = 256;

function inReaders(level: Level, at: number, write: Write, numberOf: NumberOf): void {
  const chain = level.chain(at)!;
  const { store } = write;
  if (write.how !== "set" || level.kept(store) || level.unsettled(store) || level.writers(store).length !== 1) return;
  const readers = level.readers(store);
  if (readers.length === 0 || readers.length > tries || !readers.every((reader) => level.chain(reader))) return;
  if (chain.writes.length > 1 && sizeOf(chain.shape) < least) return;
  const seen = [chain, ...readers.map((reader) => level.at(reader)!)];
  if (unchanged(write, seen)) return;
  const alone = cut(chain, write, level, numberOf);
  if (alone.code.length > mostCalls) return;
  if (alone.reads.some((read) => chain.reads.includes(read) && chain.writes.some((each) => each.store === read.store)))
    return;
  const stay = (reader: number) => alone.reads.every((read) => level.stays(read.store, at, reader));
  const rest = without(chain, write, numberOf);
  let saved = costOf(chain) - (rest ? costOf(rest) : 0);
  const made = new Map<number, Chain>();
  for (const reader of readers) {
    const step = level.chain(reader);
    const joined = step && stay(reader) && together(alone, step, () => false, numberOf);
    if (!step || !joined) return;
    made.set(reader, joined);
    saved += costOf(step) - costOf(joined);
  }
  if (saved < 0) return;
  for (const [reader, step] of made) level.put(reader, step);
  level.put(at, rest);
}

const looked = new WeakMap<Write, readonly Step[]>();

/** Whether these steps have been looked at before: passes are taken over and over. */
function unchanged(write: Write, seen: readonly Step[]): boolean {
  const before = looked.get(write);
  looked.set(write, seen);
  return before?.length === seen.length && before.every((step, i) => step === seen[i]);
}

/** The part of a chain that computes one result, from what it reads and what else it writes. */
function cut(chain: Chain, write: Write, level: Level, numberOf: NumberOf): Chain {
  const code = new Code(numberOf);
  const others = new Map<number, Write>();
  for (const other of chain.writes)
    if (other.store !== write.store && other.how === "set" && !level.unsettled(other.store))
      others.set(other.register, other);
  const registers: Operand[] = chain.reads.map((access) => code.read(access));
  for (const { name, operands } of chain.code) {
    const other = others.get(registers.length);
    const given = operands.map((each) => ("number" in each ? each : registers[each.register]!));
    registers.push(other ? code.read(accessOf(other)) : code.call(name, given));
  }
  return code.chain(chain.shape, [[write, registers[write.register]!]]);
}

function without(chain: Chain, write: Write, numberOf: NumberOf): Chain | undefined {
  const writes = chain.writes.filter((other) => other !== write);
  if (writes.length === 0) return undefined;
  const code = new Code(numberOf);
  const registers = code.include(
    chain.reads.map((access) => code.read(access)),
    chain.code,
  );
  return code.chain(
    chain.shape,
    writes.map((other) => [other, registers[other.register]!]),
  );
}
