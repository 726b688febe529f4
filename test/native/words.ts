// Words read back into steps, so that they can be run in plain loops.
import {
  type Access,
  type FunctionName,
  functions,
  type Operand,
  type Step,
  type Store,
  type Write,
} from "@innerloop/native/plan";
import { runSteps } from "./reference.ts";

const functionNames = Object.keys(functions) as FunctionName[];
const toFloat = (word: number): number => new Float32Array(Int32Array.of(word).buffer)[0]!;

/** Places from here on are of arrays beside the memory, each of which begins at a piece. */
const [firstBeside, piece] = [2 ** 30, 2 ** 18];

/** Words read back: steps over one memory, whose tables are numbers of `tables`, and arrays beside it. */
export function decoded(words: Int32Array, memory: Store, tables: Int32Array, arrays: readonly Store[] = []): Step[] {
  const place = (at: number): Omit<Access, "strides"> => {
    let begin = firstBeside;
    for (const store of at < begin ? [] : arrays) {
      if (at < begin + store.size) return { store, offset: at - begin };
      begin += Math.ceil(store.size / piece) * piece;
    }
    return { store: memory, offset: at };
  };
  const steps: Step[] = [];
  for (let begin = 0; begin < words.length; begin += words[begin + 1]!) {
    const end = begin + words[begin + 1]!;
    let next = begin + 2;
    const take = (): number => {
      if (next >= end) throw new Error(`the instruction at ${begin} has more words than it says`);
      return words[next++]!;
    };
    const many = <Item>(count: number, item: () => Item): Item[] => Array.from({ length: count }, item);
    const access = (rank: number): Access => {
      const lies = place(take());
      return { ...lies, strides: many(rank, take) };
    };
    steps.push(
      instruction(words[begin]!, {
        take,
        many,
        access,
        place,
        inside: (body) => decoded(body, memory, tables, arrays),
        tables,
        rest: () => words.subarray(next, end),
        skip: () => (next = end),
      }),
    );
    if (next !== end) throw new Error(`the instruction at ${begin} of ${end - begin} words has ${next - begin}`);
  }
  return steps;
}

interface Reader {
  take(): number;
  many<Item>(count: number, item: () => Item): Item[];
  access(rank: number): Access;
  rest(): Int32Array;
  skip(): void;
  place(at: number): Omit<Access, "strides">;
  /** The steps of turns. */
  inside(body: Int32Array): Step[];
  readonly tables: Int32Array;
}

/** What is given, of accesses that may be none, as an object's part. */
const given = <Name extends string>(name: Name, access: Access) =>
  (access.offset < 0 ? {} : { [name]: access }) as { [Key in Name]?: Access };

function instruction(code: number, { take, many, access, tables, rest, skip, ...reader }: Reader): Step {
  const place = (offset: number): Access => ({ ...reader.place(offset), strides: [] });
  if (code === 1) {
    const flags = take();
    const [m, n, k] = [take(), take(), take()];
    const [alpha, beta] = [toFloat(take()), toFloat(take())];
    const [left, right] = [access(2), access(2)];
    const out = { ...place(take()), strides: [take(), 1] };
    const added = access(2);
    const [table, taps, segment] = [take(), take(), take()];
    const axes = many(take(), () => many(5, take));
    const batched = (to: Access, which: number): Access => ({
      ...to,
      strides: [...axes.map((axis) => axis[which]!), ...to.strides],
    });
    const by = flags & 4 ? "rows" : "columns";
    const lookup = {
      by,
      taps,
      segment,
      table: tables.subarray(table, table + taps * (by === "rows" ? m : k)),
    } as const;
    return {
      ...{ kind: "product", m, n, k, alpha, beta, batch: axes.map(([size]) => size!), relu: (flags & 2) > 0 },
      ...{ left: batched(left, 1), right: batched(right, 2), out: batched(out, 3) },
      ...(flags & 1 ? { added: batched(added, 4) } : {}),
      ...(flags & 12 ? { lookup } : {}),
    };
  }
  if (code === 2) {
    const rank = take();
    const shape = many(rank, take);
    const reads = many(take(), () => access(rank));
    const calls = many(take(), () => many(4, take));
    const hows = ["set", "sum", "max", "min"] as const;
    const writes = many(take(), (): Write => ({ ...access(rank), register: take(), how: hows[take()]! }));
    const numbers = many(take(), () => toFloat(take()));
    const operand = (word: number): Operand => (word >= 0 ? { register: word } : { number: numbers[-1 - word]! });
    return {
      ...{ kind: "chain", shape, reads, writes },
      code: calls.map(([number, ...words]) => {
        const name = functionNames[number!]!;
        return { name, operands: words.slice(0, functions[name]).map(operand) };
      }),
    };
  }
  if (code === 3) {
    const [rows, size, epsilon, from, gain, bias, gainRows] = [
      take(),
      take(),
      toFloat(take()),
      access(1),
      access(1),
      access(1),
      take(),
    ];
    const [out, mean, inverse] = [access(1), access(1), access(1)];
    return {
      kind: "norm",
      rows,
      size,
      epsilon,
      from,
      gainRows,
      out,
      ...given("gain", gain),
      ...given("bias", bias),
      ...given("mean", mean),
      ...given("inverse", inverse),
    };
  }
  if (code === 4) {
    const what = (["softmax", "logSoftmax", "argmax"] as const)[take()]!;
    return { kind: "rowwise", what, rows: take(), size: take(), from: access(1), out: access(1) };
  }
  if (code === 5) {
    const [outer, count, inner, limit, from, indices, table, out] = [
      take(),
      take(),
      take(),
      take(),
      access(2),
      access(1),
      take(),
      access(2),
    ];
    return {
      kind: "rows",
      outer,
      count,
      inner,
      limit,
      from,
      out,
      ...given("indices", indices),
      ...(table < 0 ? {} : { table: tables.subarray(table, table + count) }),
    };
  }
  if (code === 10) {
    const how = (["set", "sum", "max", "min"] as const)[take()]!;
    const [count, inner, limit] = [take(), take(), take()];
    const [base, from, indices, table, out] = [access(1), access(1), access(1), take(), access(1)];
    return {
      ...{ kind: "scatter", how, count, inner, limit, from, out },
      ...given("base", base),
      ...(base.offset === -2 && { cleared: true }),
      ...given("indices", indices),
      ...(table < 0 ? {} : { table: tables.subarray(table, table + count) }),
    };
  }
  if (code === 6) {
    const [size, from, fromStep, to, toStep, turn] = many(6, take) as [number, number, number, number, number, number];
    return {
      kind: "move",
      size,
      from: place(from),
      fromStep,
      to: place(to),
      toStep,
      ...(turn < 0 ? {} : { turn: turnAt(turn) }),
    };
  }
  if (code === 8) {
    const what = (["sums", "weights", "maxima", "back"] as const)[take()]!;
    const [examples, channels, rows, columns] = [take(), take(), take(), take()];
    const [steps, size] = [many(2, take) as [number, number], many(2, take) as [number, number]];
    const [field, out, weight, bias, where] = [access(3), access(3), access(1), access(1), access(3)];
    const taps = many(take(), () => many(3, take) as [number, number, number]);
    return {
      ...{ kind: "windows", what, examples, channels, rows, columns, steps, size, taps, field, out },
      // Words say how far from the first the weights of each tap begin.
      ...given("weight", { ...weight, strides: [1] }),
      ...given("bias", bias),
      ...given("where", where),
    };
  }
  if (code === 9) {
    const two = (): [number, number] => [take(), take()];
    const flags = take();
    const what = flags & 1 ? "places" : "points";
    const [examples, channels, rows, columns] = [take(), take(), take(), take()];
    const [steps, first, size, tile, points] = [two(), two(), two(), two(), two()];
    const [field, values, down, across] = [access(4), access(4), access(0), access(0)];
    const sizes = { examples, channels, rows, columns, steps, first, size, tile, points };
    const own = two();
    const odd = own.some((apart) => apart !== 0) ? { odd: own } : {};
    return { kind: "points", what, beta: flags & 2 ? 1 : 0, ...sizes, ...odd, field, values, down, across };
  }
  const [count, turn, length] = [take(), take(), take()];
  const body = rest();
  if (code !== 7 || body.length !== length) throw new Error(`turns of ${length} words have ${body.length}`);
  skip();
  return { kind: "turns", count, turn: turnAt(turn), body: reader.inside(body) };
}

/** Where the numbers of turns lie, which are stores of their own. */
const turnPlaces = new WeakMap<Store, number>();

function turnAt(place: number): Store {
  const store = { size: 1, depth: 1 };
  turnPlaces.set(store, place);
  return store;
}

/** Kernels in plain loops: words over a memory, as those in C take them. */
export const plainKernels = {
  run(
    code: Int32Array,
    memory: ArrayBuffer,
    offset: number,
    _threads?: number,
    results: readonly Float32Array[] = [],
    given: readonly Float32Array[] = [],
  ): number {
    const floats = new Float32Array(memory, offset);
    const tables = new Int32Array(memory, offset);
    const whole: Store = { size: floats.length, depth: 1 };
    const beside = [...results, ...given];
    const of = new Map(beside.map((numbers): [Store, Float32Array] => [{ size: numbers.length, depth: 1 }, numbers]));
    const steps = decoded(code, whole, tables, [...of.keys()]);
    return runSteps(steps, (store) => of.get(store) ?? floats.subarray(turnPlaces.get(store) ?? 0));
  },
  misaligned: (_: ArrayBuffer): number => 0,
};
