// Two chains as one: the second takes what the first computes where it would read it, or both go over the same places anyway.
import { sizeOf } from "@innerloop/schemas/bundle";
import {
  type Access,
  type Chain,
  type FunctionName,
  type Operand,
  type Store,
  sameAccess,
  type Write,
} from "../steps.ts";
import { Code, type NumberOf, noted } from "./code.ts";
import { type Course, courseOf, distinct, followed, joined, type Split, sameCourse, split, whole } from "./places.ts";

/** What a chain may have, at most, so that a piece of each register stays in the processor's nearest memory. */
const most = { reads: 24, calls: 64, axes: 8 };

/** A step itself takes as long as about so many calls of a number. */
const perStep = 1000;

/** Functions that take longer than an addition, by how much. */
const slow: { readonly [name in FunctionName]?: number } = {
  divide: 2,
  sqrt: 2,
  reciprocal: 2,
  exp: 8,
  log: 8,
  tanh: 12,
  sigmoid: 10,
  erf: 12,
  sin: 12,
  cos: 12,
  power: 20,
};

/** Stores from this size on are not in the processor's nearest memory when they are read. */
const near = 4096;
const readCost = (size: number): number => (size < near ? 1 : 3);
const writeCost = (size: number): number => (size < near ? 1 : 4);
/** What is one number for so many places together is computed once for them. */
const run = 256;

const costs = new WeakMap<Chain, number>();

/** About how long a chain takes, in calls of a number. */
export function costOf(chain: Chain): number {
  let cost = costs.get(chain);
  if (cost === undefined) {
    cost = computedCost(chain);
    costs.set(chain, cost);
  }
  return cost;
}

function computedCost({ shape, reads, code, writes }: Chain): number {
  const runs: number[] = [];
  let each = 0;
  for (let i = 0; i < reads.length; i++) {
    const { store, strides } = reads[i]!;
    const still = stillOf(shape, strides);
    runs.push(still);
    if (still < run) each += readCost(store.size);
  }
  for (let i = 0; i < writes.length; i++) each += writes[i]!.how === "set" ? writeCost(writes[i]!.store.size) : 1;
  for (let i = 0; i < code.length; i++) {
    const { name, operands } = code[i]!;
    let still = Number.POSITIVE_INFINITY;
    for (let k = 0; k < operands.length; k++) {
      const operand = operands[k]!;
      if ("register" in operand && runs[operand.register]! < still) still = runs[operand.register]!;
    }
    runs.push(still);
    if (still < run) each += slow[name] ?? 1;
  }
  return perStep + sizeOf(shape) * each;
}

/** For how many places together a read is one number. */
function stillOf(shape: readonly number[], strides: readonly number[]): number {
  let still = 1;
  for (let axis = shape.length - 1; axis >= 0 && strides[axis] === 0; axis--) still *= shape[axis]!;
  return still;
}

export const fits = ({ shape, reads, code }: Chain): boolean =>
  reads.length <= most.reads && code.length <= most.calls && shape.length <= most.axes;

const isSplit = (found: Course | Split): found is Split => "inner" in found;

/** Numbers that the first chain has in a register and in a store. */
interface Held extends Access {
  readonly register: number;
}

interface Taken {
  readonly course: Course;
  readonly register: number;
}

/** The second chain, its axes split so that each read that has sources follows one of them, and which. */
interface Laid {
  readonly chain: Chain;
  readonly taken: readonly (Taken | undefined)[];
}

function laid(
  first: Chain,
  second: Chain,
  sourcesOf: (access: Access, i: number) => readonly Held[],
): Laid | undefined {
  let chain = second;
  while (chain.shape.length <= most.axes) {
    let splitting: Split | undefined;
    const taken: (Taken | undefined)[] = [];
    for (let i = 0; i < chain.reads.length; i++) {
      const access = chain.reads[i]!;
      const sources = sourcesOf(access, i);
      let found: Taken | undefined;
      for (let k = 0; k < sources.length; k++) {
        const source = sources[k]!;
        const course = courseOf({ shape: first.shape, access: source }, { shape: chain.shape, access });
        if (course && isSplit(course)) splitting ??= course;
        else if (course) found ??= { course, register: source.register };
      }
      if (sources.length > 0 && !found && !splitting) return undefined;
      taken.push(found);
    }
    if (!splitting) return { chain, taken };
    chain = split(chain, splitting);
  }
  return undefined;
}

/**
 * The first chain and the second as one, which writes what the second does, and of the first what `keeps` asks for. Nothing where they cannot be one. That the order
 * allows it is the caller's care.
 */
export function together(
  first: Chain,
  second: Chain,
  keeps: (store: Store) => boolean,
  numberOf: NumberOf,
): Chain | undefined {
  const reads = ({ reads }: Chain, store: Store) => reads.some((access) => access.store === store);
  if (first.writes.some(({ how, store }) => how !== "set" && (reads(first, store) || reads(second, store))))
    return undefined;
  const written = ({ store }: Access) => first.writes.filter((write) => write.store === store);
  const keeping = first.writes.filter(({ store, how }) => how !== "set" || keeps(store));
  const found = laid(first, second, written);
  if (!found) return undefined;
  if (keeping.length === 0) return combined(first, found, [], undefined, numberOf);
  const over = ({ chain, taken }: Laid): Course | undefined =>
    taken.find((each, i) => each && whole(first.shape, { shape: chain.shape, access: chain.reads[i]! }))?.course;
  const course = over(found);
  if (course) return combined(first, found, keeping, course, numberOf);
  // Neither reads what the other writes of all places: both may read the same numbers.
  for (const [register, access] of first.reads.entries())
    for (const [which, target] of second.reads.entries()) {
      if (target.store !== access.store || !whole(first.shape, { shape: second.shape, access: target })) continue;
      const shared = laid(first, second, (each, i) => (i === which ? [{ ...access, register }] : written(each)));
      const along = shared?.taken[which]?.course;
      if (along) return combined(first, shared, keeping, along, numberOf);
    }
  return undefined;
}

function combined(
  first: Chain,
  { chain, taken }: Laid,
  keeping: readonly Write[],
  along: Course | undefined,
  numberOf: NumberOf,
): Chain | undefined {
  const code = new Code(numberOf);
  const results: { readonly course: Course; readonly registers: readonly Operand[] }[] = [];
  const follow = (course: Course): readonly Operand[] => {
    for (const known of results) if (sameCourse(known.course, course)) return known.registers;
    const made = code.begin(
      first,
      first.reads.map((access) => followed(access, course)),
    );
    results.push({ course, registers: made });
    return made;
  };
  const kept = along ? keeping.map((write) => [followed(write, along), follow(along)[write.register]!] as const) : [];
  const reads = chain.reads.map((access, i) => {
    const from = taken[i];
    return from ? follow(from.course)[from.register]! : code.read(access);
  });
  const registers = code.include(reads, chain.code);
  const own = chain.writes.map((write) => [write, registers[write.register]!] as const);
  const result = joined(code.chain(chain.shape, [...kept, ...own]));
  return fits(result) && inPlace(result) ? noted(result, numberOf) : undefined;
}

/** Whether what a chain writes over is read before, by the same places. */
export function inPlace({ shape, reads, code, writes }: Chain): boolean {
  return writes.every((write) => {
    const own = reads.flatMap((access, i) => (access.store === write.store ? [i] : []));
    if (own.length === 0) return true;
    const [only] = own as [number];
    const places = own.length === 1 && write.how === "set" && sameAccess(reads[only]!, write);
    if (!places || !distinct({ shape, access: write })) return false;
    if (writes.some((other) => other !== write && (other.store === write.store || other.register === only)))
      return false;
    // A result is computed where it is written, so that later calls no longer have what was there.
    return code.every(
      ({ operands }, i) =>
        reads.length + i <= write.register || !operands.some((each) => "register" in each && each.register === only),
    );
  });
}
