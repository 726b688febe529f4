// Sums of rows that are taken in the walk that needs them: as a derivative of a softmax or a norm does.
import { type Access, type Chain, mostOfRows, type Operand, sameAccess, type Write } from "../steps.ts";
import { Code, type NumberOf } from "./code.ts";
import { fits } from "./join.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";

/** Taken once, behind all others: to those each number of a chain is by itself. */
export const rowSums: Pass = {
  name: "row sums",
  why: "rows are in the processor's nearest memory still when their sums are known",
  last: true,
  apply(level, numberOf) {
    for (let at = level.length - 1; at >= 0; at--) {
      const first = level.chain(at);
      const sums = first?.writes.filter(isOfRows) ?? [];
      for (const { store } of sums) {
        const [user, ...others] = level.readers(store);
        if (user === undefined || others.length > 0 || user <= at || !level.chain(user)) continue;
        const made = joined(level, at, user, numberOf);
        if (!made) continue;
        level.put(at, undefined);
        level.put(user, undefined);
        level.put(made.at, made.chain);
        break;
      }
    }
  },
};

/** Whether it sums all of each row, and each row by itself. */
const isOfRows = ({ how, strides }: Write): boolean =>
  how === "sum" &&
  strides.length > 0 &&
  strides.every((stride, axis) => (stride === 0) === (axis === strides.length - 1));

/** Both chains as one, at the place of either. */
function joined(level: Level, at: number, user: number, numberOf: NumberOf) {
  const [first, second] = [level.chain(at)!, level.chain(user)!];
  if (first.shape.join() !== second.shape.join()) return undefined;
  const down = level.firstAfter(at) === user;
  if (!down && level.lastBefore(user) !== at) return undefined;
  const chain = together(level, user, first, second, numberOf);
  return chain && { chain, at: down ? user : at };
}

function together(level: Level, user: number, first: Chain, second: Chain, numberOf: NumberOf): Chain | undefined {
  const written = new Set([...first.writes, ...second.writes].map(({ store }) => store));
  if (written.size < first.writes.length + second.writes.length) return undefined;
  if ([...written].some((store) => level.unsettled(store) || level.writers(store).length !== 1)) return undefined;
  const code = new Code(numberOf);
  const registers = code.include(
    first.reads.map((access) => code.read(access)),
    first.code,
  );
  const reads: Operand[] = [];
  for (const access of second.reads) {
    const write = first.writes.find(({ store }) => store === access.store);
    const read = write ? taken(write, access, registers, code) : code.read(access);
    if (!read) return undefined;
    reads.push(read);
  }
  const results = code.include(reads, second.code);
  const needed = ({ store }: Access): boolean => level.kept(store) || level.readBeside(store, user);
  const chain = code.chain(second.shape, [
    ...first.writes.filter(needed).map((write) => [write, registers[write.register]!] as const),
    ...second.writes.map((write) => [write, results[write.register]!] as const),
  ]);
  return fits(chain) && within(chain) ? chain : undefined;
}

/** What the second chain reads that the first one writes, as long as it is the same number or the sum of the same row. */
function taken(write: Write, access: Access, registers: readonly Operand[], code: Code): Operand | undefined {
  if (!sameAccess(write, access)) return undefined;
  const own = registers[write.register]!;
  if (write.how === "set") return own;
  return isOfRows(write) ? code.call("sumOfRow", [own]) : undefined;
}

/** Whether kernels have room for whole rows of all that it computes with, and no read is written over. */
function within({ shape, reads, code, writes }: Chain): boolean {
  const row = shape.at(-1)!;
  const room = (reads.length + code.length) * Math.ceil(row / 16) * 16;
  const apart = reads.every((read) => writes.every(({ store }) => store !== read.store));
  return row <= mostOfRows.row && room <= mostOfRows.all && apart;
}
