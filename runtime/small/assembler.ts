// WebAssembly, written instruction by instruction: nothing that compiles to it is part of the build.

export type Code = readonly number[];

const [i32, v128] = [0x7f, 0x7b];

function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...unsigned(value >>> 7)] : [low];
}

/** As `i32.const` has it: the last bit is the sign. */
function signed(value: number): number[] {
  const [low, rest] = [value & 0x7f, value >> 7];
  return rest === ((low & 0x40) === 0 ? 0 : -1) ? [low] : [low | 0x80, ...signed(rest)];
}

const list = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes];
const section = (id: number, items: readonly Code[]): number[] => [id, ...sized(list(items))];
const text = (name: string): number[] => sized([...new TextEncoder().encode(name)]);
const simd = (code: number): Code => [0xfd, ...unsigned(code)];
/** Words and vectors lie where words may lie. */
const at = (offset: number): Code => [2, ...unsigned(offset)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const word = (value: number): Code => [0x41, ...signed(value)];
export const sum = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const advance = (local: number, by: Code): Code => [...sum(get(local), by), ...set(local)];

export const loadWord = (from: Code, offset = 0): Code => [...from, 0x28, ...at(offset)];
export const storeWord = (to: Code, value: Code, offset = 0): Code => [...to, ...value, 0x36, ...at(offset)];
export const load = (from: Code, offset = 0): Code => [...from, ...simd(0x00), ...at(offset)];
export const loadSplat = (from: Code, offset = 0): Code => [...from, ...simd(0x09), ...at(offset)];
export const store = (to: Code, value: Code, offset = 0): Code => [...to, ...value, ...simd(0x0b), ...at(offset)];
/** The first of the four numbers of a vector. */
export const storeFirst = (to: Code, value: Code): Code => [...to, ...value, ...simd(0x5a), ...at(0), 0];
export const zeros: Code = [...simd(0x0c), ...new Array<number>(16).fill(0)];
/** A number four times over. */
export const splat = (value: number): Code => {
  const bytes = [...new Uint8Array(Float32Array.of(value).buffer)];
  return [...simd(0x0c), ...bytes, ...bytes, ...bytes, ...bytes];
};
/** An operator of vectors by its code. */
export const vectorOperator =
  (code: number) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), ...simd(code)];
/** Whether numbers are unlike, as all bits or none; `both`: the bits that both have. */
export const unlike = vectorOperator(0x42);
export const both = vectorOperator(0x4e);
export const plus = vectorOperator(0xe4);
export const minus = vectorOperator(0xe5);
export const times = vectorOperator(0xe6);
export const divided = vectorOperator(0xe7);
export const smaller = vectorOperator(0xe8);
export const larger = vectorOperator(0xe9);
/** Four of the eight numbers of two vectors. */
export const chosen = (a: Code, b: Code, lanes: readonly number[]): Code => [
  ...[...a, ...b, ...simd(0x0d)],
  ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];

/** The first four vectors turned around as a matrix, by way of the four after them. @param put what is done with each vector of the result */
export function turnedFour(vector: (i: number) => number, put: (column: Code, i: number) => Code): Code {
  const halves = (pairs: readonly (readonly [number, number])[], lanes: readonly (readonly number[])[]) =>
    pairs.flatMap(([a, b]) => lanes.map((each) => chosen(get(vector(a)), get(vector(b)), each)));
  return [
    ...halves(
      [
        [0, 1],
        [2, 3],
      ],
      [
        [0, 4, 1, 5],
        [2, 6, 3, 7],
      ],
    ).flatMap((pair, i) => [...pair, ...set(vector(4 + i))]),
    ...halves(
      [
        [4, 6],
        [5, 7],
      ],
      [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
      ],
    ).flatMap(put),
  ];
}

export const either = (holds: Code, then: Code, otherwise: Code): Code => [
  ...[...holds, 0x04, 0x40, ...then],
  ...[0x05, ...otherwise, 0x0b],
];

/** `body` while `count` is at least `by`, by which it goes down each time. */
export const repeated = (count: number, by: number, body: Code): Code => [
  ...[0x02, 0x40, 0x03, 0x40],
  ...[...word(by), ...get(count), 0x4a, 0x0d, 1],
  ...[...body, ...advance(count, word(-by)), 0x0c, 0, 0x0b, 0x0b],
];

/** The locals of a function by name: the words that it is given, its other words, its vectors. */
export interface Locals {
  readonly takes: readonly string[];
  readonly words?: readonly string[];
  readonly vectors?: number;
}

/** A function that gives nothing. */
export interface Routine {
  readonly locals: Locals;
  readonly code: Code;
}

/** The number of a local by its name, and the vectors' numbers. */
export function numbered<Taken extends string, Own extends string = never>(
  takes: readonly Taken[],
  words: readonly Own[] = [],
) {
  const names = [...takes, ...words];
  const numbers = Object.fromEntries(names.map((name, i) => [name, i])) as Record<Taken | Own, number>;
  return { ...numbers, vector: (i: number) => names.length + i };
}

/** A memory; the types of Node leave it out. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
const { WebAssembly: host } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: { readonly initial: number }) => Memory;
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  };
};

export const newMemory = (pages: number): Memory => new host.Memory({ initial: pages });

/** Functions over a memory, ready to be called. @throws where the host has no WebAssembly with vectors, or does not allow it */
export function compiled<Name extends string>(
  routines: Readonly<Record<Name, Routine>>,
  memory: Pick<Memory, "buffer">,
): Readonly<Record<Name, (...words: readonly number[]) => void>> {
  const { exports } = new host.Instance(new host.Module(moduleOf(routines)), { host: { memory } });
  return exports as Readonly<Record<Name, (...words: readonly number[]) => void>>;
}

/** A module of functions over the memory that the host gives it. */
function moduleOf(routines: Readonly<Record<string, Routine>>): Uint8Array {
  const all = Object.values(routines);
  const types = all.map(({ locals }) => [0x60, ...list(locals.takes.map(() => [i32])), 0]);
  const exported = Object.keys(routines).map((name, i) => [...text(name), 0, ...unsigned(i)]);
  const bodies = all.map(({ locals: { words = [], vectors = 0 }, code }) =>
    sized([
      ...list([
        [...unsigned(words.length), i32],
        [...unsigned(vectors), v128],
      ]),
      ...code,
      0x0b,
    ]),
  );
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, [[...text("host"), ...text("memory"), 2, 0, 1]]),
    ...section(
      3,
      all.map((_, i) => unsigned(i)),
    ),
    ...section(7, exported),
    ...section(10, bodies),
  ]);
}
