// What small arrays are computed with, in WebAssembly with vectors. Places and distances are in bytes. A row is written in whole vectors, so
// that up to three numbers after it are spoilt: rows are written in their order, and after each array there is room.
import {
  advance,
  both,
  type Code,
  divided,
  either,
  get,
  larger,
  load,
  loadSplat,
  minus,
  numbered,
  plus,
  type Routine,
  repeated,
  set,
  smaller,
  splat,
  store,
  sum,
  times,
  turnedFour,
  unlike,
  vectorOperator,
  word,
  zeros,
} from "./assembler.ts";

const bytes = 16;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const moved = (local: number, from: Code): Code => [...from, ...set(local)];

const one = splat(1);
const truth =
  (code: number) =>
  (a: Code, b: Code): Code =>
    both(vectorOperator(code)(a, b), one);

type Function = (...operands: readonly Code[]) => Code;

/** Functions of two numbers, truth being 1 and 0. */
const binary = {
  Add: plus,
  Sub: minus,
  Mul: times,
  Div: divided,
  Min: smaller,
  Max: larger,
  Equal: truth(0x41) as Function,
  Less: truth(0x43) as Function,
  Greater: truth(0x44) as Function,
  LessOrEqual: truth(0x45) as Function,
  GreaterOrEqual: truth(0x46) as Function,
} satisfies Readonly<Record<string, Function>>;

/** Functions of one number. */
const unary = {
  Abs: vectorOperator(0xe0),
  Neg: vectorOperator(0xe1),
  Sqrt: vectorOperator(0xe3),
  Floor: vectorOperator(0x68),
  Truncated: vectorOperator(0x69),
  Relu: (x: Code) => larger(x, zeros),
  Reciprocal: (x: Code) => divided(one, x),
  Not: (x: Code) => minus(one, x),
  Truth: (x: Code) => both(unlike(x, zeros), one),
  Copy: (x: Code) => x,
} satisfies Readonly<Record<string, Function>>;

const where = (condition: Code, yes: Code, no: Code): Code => vectorOperator(0x52)(yes, no, unlike(condition, zeros));

/** How operands are read: `v`, number by number; `s`, one for a whole row. */
type Modes = readonly ("v" | "s")[];

/** A function of rows of numbers. `rows` of `vectors`; `step`: how far the rows of each operand lie apart. */
function elementwise(function_: Function, modes: Modes): Routine {
  const takes = [...["out", "outStep", "rows", "vectors"], ...modes.flatMap((_, i) => [`from${i}`, `step${i}`])];
  const words = ["to", "left", ...modes.map((_, i) => `at${i}`)];
  const { vector, ...local } = numbered(takes, words);
  const of = (name: string): number => (local as Readonly<Record<string, number>>)[name]!;
  const operands = modes.map((mode, i) => (mode === "v" ? load(get(of(`at${i}`))) : get(vector(i))));
  return {
    locals: { takes, words, vectors: modes.length },
    code: repeated(of("rows"), 1, [
      ...moved(of("to"), get(of("out"))),
      ...moved(of("left"), get(of("vectors"))),
      ...modes.flatMap((mode, i) =>
        mode === "v" ? moved(of(`at${i}`), get(of(`from${i}`))) : moved(vector(i), loadSplat(get(of(`from${i}`)))),
      ),
      ...repeated(of("left"), 1, [
        ...store(get(of("to")), function_(...operands)),
        ...advance(of("to"), word(bytes)),
        ...modes.flatMap((mode, i) => (mode === "v" ? advance(of(`at${i}`), word(bytes)) : [])),
      ]),
      ...advance(of("out"), get(of("outStep"))),
      ...modes.flatMap((_, i) => advance(of(`from${i}`), get(of(`step${i}`)))),
    ]),
  };
}

/** All ways to read so many operands. */
const waysOf = (count: number): Modes[] =>
  count === 0 ? [[]] : waysOf(count - 1).flatMap((modes) => [[...modes, "v"] as Modes, [...modes, "s"] as Modes]);

const allWays = (functions: Readonly<Record<string, Function>>, count: number): [string, Routine][] =>
  Object.entries(functions).flatMap(([name, function_]) =>
    waysOf(count).map((modes): [string, Routine] => [`${name} ${modes.join("")}`, elementwise(function_, modes)]),
  );

/**
 * A product of matrices, c [m, n] of a [m, k] and b [k, n]. `aRow`, `aTerm`: how far rows and terms of a lie apart; `bRow`: rows of b, 0 for one row
 * that all terms have. Columns go from the last to the first, so that what a panel spoils of the next row is written after it.
 */
function product(): Routine {
  const takes = ["a", "b", "c", "m", "n", "k", "aRow", "aTerm", "bRow"] as const;
  const words = [
    "columns",
    "panel",
    "to",
    "rows",
    "from",
    "right",
    "terms",
    "at0",
    "at1",
    "at2",
    "at3",
    "cRow",
  ] as const;
  const local = numbered(takes, words);
  const { a, b, c, m, n, k, aRow, aTerm, bRow, columns, panel, to, rows, from, right, terms, cRow, vector } = local;
  const at = [local.at0, local.at1, local.at2, local.at3];
  const [widest, most] = [2, 4];
  const sums = (row: number, v: number) => vector(row * widest + v);
  const factors = (v: number) => vector(most * widest + v);
  const value = vector((most + 1) * widest);
  /** So many rows of a panel, so many vectors wide. */
  const tile = (height: number, wide: number): Code => [
    ...upTo(height).flatMap((row) => [
      ...moved(at[row]!, row === 0 ? get(from) : sum(get(at[row - 1]!), get(aRow))),
      ...upTo(wide).flatMap((v) => moved(sums(row, v), zeros)),
    ]),
    ...moved(from, sum(get(at[height - 1]!), get(aRow))),
    ...[...moved(right, get(panel)), ...moved(terms, get(k))],
    ...repeated(terms, 1, [
      ...upTo(wide).flatMap((v) => moved(factors(v), load(get(right), bytes * v))),
      ...advance(right, get(bRow)),
      ...upTo(height).flatMap((row) => [
        ...[...moved(value, loadSplat(get(at[row]!))), ...advance(at[row]!, get(aTerm))],
        ...upTo(wide).flatMap((v) => moved(sums(row, v), plus(get(sums(row, v)), times(get(value), get(factors(v)))))),
      ]),
    ]),
    ...upTo(height).flatMap((row) => [
      ...upTo(wide).flatMap((v) => store(get(to), get(sums(row, v)), bytes * v)),
      ...advance(to, get(cRow)),
    ]),
  ];
  const allRows = (wide: number): Code => [
    ...[...moved(from, get(a)), ...moved(rows, get(m))],
    ...[4, 2, 1].flatMap((height) => repeated(rows, height, tile(height, wide))),
  ];
  /** The panel before. */
  const back = (wide: number): Code => [
    ...moved(panel, sum(get(b), times4(get(columns)))),
    ...moved(to, sum(get(c), times4(get(columns)))),
    ...allRows(wide),
  ];
  const less = (by: number): Code => moved(columns, sum(get(columns), word(-by)));
  const over = (of: number): Code => [...get(n), ...word(of - 1), 0x71];
  return {
    locals: { takes, words, vectors: (most + 1) * widest + 1 },
    code: [
      ...moved(cRow, times4(get(n))),
      // The columns before the last panel, of which not all are there.
      ...moved(columns, [...get(n), ...word(-8), 0x71]),
      // More than four of eight are left, up to four, or none.
      ...either([...over(8), ...word(4), 0x4a], back(2), either(over(8), back(1), [])),
      ...repeated(columns, 8, [...less(8), ...back(2), ...less(-8)]),
    ],
  };
}

const times4 = (value: Code): Code => [...value, ...word(2), 0x74];

/** A matrix turned around, of whose rows and columns there are multiples of four; their number in fours. */
function turn(): Routine {
  const takes = ["from", "to", "rows", "columns", "fromRow", "toRow"] as const;
  const words = ["source", "target", "left"] as const;
  const { from, to, rows, columns, fromRow, toRow, source, target, left, vector } = numbered(takes, words);
  const rowOf = (start: Code, step: number, row: number): Code =>
    upTo(row).reduce<Code>((place) => sum(place, get(step)), start);
  return {
    locals: { takes, words, vectors: 8 },
    code: repeated(rows, 1, [
      ...[...moved(source, get(from)), ...moved(target, get(to)), ...moved(left, get(columns))],
      ...repeated(left, 1, [
        ...upTo(4).flatMap((row) => moved(vector(row), load(rowOf(get(source), fromRow, row)))),
        ...turnedFour(vector, (value, row) => store(rowOf(get(target), toRow, row), value)),
        ...advance(source, word(bytes)),
        ...moved(target, rowOf(get(target), toRow, 4)),
      ]),
      ...moved(from, rowOf(get(from), fromRow, 4)),
      ...advance(to, word(bytes)),
    ]),
  };
}

export const routines: Readonly<Record<string, Routine>> = {
  product: product(),
  turn: turn(),
  ...Object.fromEntries([...allWays(unary, 1), ...allWays(binary, 2), ...allWays({ Where: where }, 3)]),
};

export const unaryNames: ReadonlySet<string> = new Set(Object.keys(unary));
export const binaryNames: ReadonlySet<string> = new Set(Object.keys(binary));
