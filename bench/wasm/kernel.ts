// The best that a product of matrices written by hand for WebAssembly could do: a kernel that keeps a tile of the result in registers, over
// factors that lie as it reads them. It is here to be timed.

/** What the types of Node leave out. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: {
    validate(bytes: Uint8Array): boolean;
    readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer };
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
  };
};

/** Rows and vectors of four columns of a tile, and whether it multiplies and adds in one instruction (relaxed SIMD). */
export interface Tile {
  readonly rows: number;
  readonly vectors: number;
  readonly fused: boolean;
}

/** Steps of the sum in a turn of the loop. */
const unrolled = 4;

function leb(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...leb(value >>> 7)] : [low];
}

/** As `i32.const` has it: the next bit up is the sign. */
const signed = (value: number): number[] => {
  const bytes = leb(value);
  return (bytes.at(-1)! & 0x40) === 0 ? bytes : [...bytes.slice(0, -1), bytes.at(-1)! | 0x80, 0];
};

const vector = (bytes: readonly number[], count = bytes.length): number[] => [...leb(count), ...bytes];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...vector(bytes)];
const text = (name: string): number[] => vector([...new TextEncoder().encode(name)]);

const [i32, v128] = [0x7f, 0x7b];
const get = (local: number) => [0x20, ...leb(local)];
const set = (local: number) => [0x21, ...leb(local)];
const simd = (code: number) => [0xfd, ...leb(code)];
const [load, loadSplat, store, add, multiply, multiplyAdd] = [0x00, 0x09, 0x0b, 0xe4, 0xe6, 0x105].map(simd);
const at = (offset: number) => [2, ...leb(offset)];

/** Of the function `tile(a, b, c, k, ldc)`: places in bytes of the packed factors and of the result, and how far its rows lie apart. */
const [a, b, c, k, ldc, locals] = [0, 1, 2, 3, 4, 5];

/** A module with the function; k is a multiple of {@link unrolled}. */
function moduleOf({ rows, vectors, fused }: Tile): Uint8Array {
  const sums = (row: number, v: number) => locals + row * vectors + v;
  const columns = (v: number) => locals + rows * vectors + v;
  const value = locals + (rows + 1) * vectors;
  const all = Array.from({ length: vectors }, (_, v) => v);
  const step = (i: number): number[] => [
    ...all.flatMap((v) => [...get(b), ...load!, ...at(16 * (i * vectors + v)), ...set(columns(v))]),
    ...Array.from({ length: rows }, (_, row) => [
      ...[...get(a), ...loadSplat!, ...at(4 * (i * rows + row)), ...set(value)],
      ...all.flatMap((v) =>
        fused
          ? [...get(value), ...get(columns(v)), ...get(sums(row, v)), ...multiplyAdd!, ...set(sums(row, v))]
          : [...get(sums(row, v)), ...get(value), ...get(columns(v)), ...multiply!, ...add!, ...set(sums(row, v))],
      ),
    ]).flat(),
  ];
  const more = (local: number, by: number) => [...get(local), 0x41, ...signed(by), 0x6a, ...set(local)];
  const body = [
    ...[1, ...leb((rows + 1) * vectors + 1), v128],
    ...[0x03, 0x40],
    ...Array.from({ length: unrolled }, (_, i) => step(i)).flat(),
    ...more(a, 4 * unrolled * rows),
    ...more(b, 16 * unrolled * vectors),
    ...[...get(k), 0x41, ...signed(unrolled), 0x6b, 0x22, ...leb(k), 0x0d, 0, 0x0b],
    ...Array.from({ length: rows }, (_, row) => [
      ...all.flatMap((v) => [...get(c), ...get(sums(row, v)), ...store!, ...at(16 * v)]),
      ...[...get(c), ...get(ldc), 0x6a, ...set(c)],
    ]).flat(),
    0x0b,
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([0x60, ...vector([i32, i32, i32, i32, i32]), 0], 1)),
    ...section(2, vector([...text("host"), ...text("memory"), 2, 0, 1], 1)),
    ...section(3, vector([0], 1)),
    ...section(7, vector([...text("tile"), 0, 0], 1)),
    ...section(10, vector(vector(body), 1)),
  ]);
}

/** Whether this host takes such a kernel. */
export const isPossible = (tile: Tile): boolean => wasm.validate(moduleOf(tile));

const upTo = (size: number, multiple: number) => Math.ceil(size / multiple) * multiple;

/**
 * A product of `a` [m, k] and `b` [k, n], row by row, made ready.
 * @param n a multiple of the tile's columns
 * @returns what multiplies, and the result [m, n], which it writes
 */
export function handProduct(
  tile: Tile,
  [m, k, n]: readonly [number, number, number],
  left: Float32Array,
  right: Float32Array,
) {
  const [rows, columns] = [tile.rows, 4 * tile.vectors];
  const [height, depth] = [upTo(m, rows), upTo(k, unrolled)];
  const places = [0, height * depth, height * depth + depth * n, height * depth + depth * n + height * n];
  const memory = new wasm.Memory({ initial: Math.ceil((4 * places[3]!) / 65536) });
  const numbers = new Float32Array(memory.buffer);
  for (let i = 0; i < m; i++)
    for (let s = 0; s < k; s++) numbers[Math.floor(i / rows) * rows * depth + s * rows + (i % rows)] = left[i * k + s]!;
  for (let s = 0; s < k; s++)
    for (let j = 0; j < n; j++)
      numbers[places[1]! + Math.floor(j / columns) * columns * depth + s * columns + (j % columns)] = right[s * n + j]!;
  const { exports } = new wasm.Instance(new wasm.Module(moduleOf(tile)), { host: { memory } });
  const run = exports.tile as (a: number, b: number, c: number, k: number, ldc: number) => void;
  const multiply = (): void => {
    for (let j = 0; j < n; j += columns)
      for (let i = 0; i < height; i += rows)
        run(4 * i * depth, 4 * (places[1]! + j * depth), 4 * (places[2]! + i * n + j), depth, 4 * n);
  };
  return { multiply, result: numbers.subarray(places[2], places[2]! + m * n) };
}
