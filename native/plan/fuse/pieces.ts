// A chain over an array that is written in pieces, as a chain for each piece.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Chain } from "../steps.ts";
import type { NumberOf } from "./code.ts";
import { together } from "./join.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";
import { courseOf, followed, split, whole } from "./places.ts";

export const pieces: Pass = {
  name: "pieces",
  why: "arrays one after another need not be written as one, where what reads the one goes from number to number",
  apply(level, numberOf) {
    const made = new Map<number, readonly Chain[]>();
    const gone = new Set<number>();
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      const found = chain && piecesOf(level, at, chain, numberOf);
      if (!found || found.writers.some((writer) => gone.has(writer) || made.has(writer))) continue;
      for (const writer of found.writers) gone.add(writer);
      made.set(at, found.chains);
    }
    for (const writer of gone) level.put(writer, undefined);
    level.spread(made);
  },
};

/** The chains of the pieces, and the steps that write these now. */
function piecesOf(level: Level, at: number, chain: Chain, numberOf: NumberOf) {
  const { shape, reads, writes } = chain;
  for (const access of reads) {
    const { store } = access;
    const writers = level.writers(store);
    if (writers.length < 2 || level.kept(store) || level.unsettled(store) || level.readers(store).length !== 1)
      continue;
    if (writes.some((write) => write.how !== "set" || reads.some((read) => read.store === write.store)))
      return undefined;
    if (reads.filter((read) => read.store === store).length !== 1 || !whole(shape, { shape, access })) continue;
    if (writes.some((write) => level.unsettled(write.store))) continue;
    const chains = writers.map((writer) => pieceOf(level, at, writer, { chain, access, numberOf }));
    if (!chains.every((piece) => piece !== undefined)) continue;
    if (chains.reduce((sum, piece) => sum + sizeOf(piece.shape), 0) === sizeOf(shape)) return { writers, chains };
  }
  return undefined;
}

interface Whole {
  readonly chain: Chain;
  readonly access: Chain["reads"][number];
  readonly numberOf: NumberOf;
}

function pieceOf(level: Level, at: number, writer: number, { chain, access, numberOf }: Whole): Chain | undefined {
  let piece = level.chain(writer);
  if (piece?.writes.length !== 1 || level.firstAfter(writer) !== at) return undefined;
  for (;;) {
    const [write] = piece.writes as [Chain["writes"][number]];
    if (write.how !== "set" || write.store !== access.store) return undefined;
    const course = courseOf({ shape: chain.shape, access }, { shape: piece.shape, access: write });
    if (!course) return undefined;
    if ("inner" in course) {
      piece = split(piece, course);
      continue;
    }
    const [reads, writes] = [
      chain.reads.map((each) => followed(each, course)),
      chain.writes.map((each) => followed(each, course)),
    ];
    return together(piece, { ...chain, shape: piece.shape, reads, writes }, () => false, numberOf);
  }
}
