// What a run does, before it has places in memory: steps over views of stores, in an order, turns of loops among them.
// This is what operators are made into, what passes join, and what becomes words (encode.ts) for the kernels (source/).
import type { DType } from "@innerloop/schemas/bundle";

/**
 * Where an array's numbers lie, one float32 each; integers and truth values too, which holds whole numbers up to 2^24. A store is written by the
 * steps of one place in the order, and read by later ones; only those that a loop hands on are written again.
 */
export interface Store {
  /** How many numbers. */
  readonly size: number;
  /** In which turns it changes: none (0: the numbers are known when the plan is made), those of runs (1), of a loop (2), of a loop in it (3), …. */
  readonly depth: number;
}

/** Numbers of a store as an array; distances in numbers, 0 along what is repeated. */
export interface View {
  readonly store: Store;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype: DType;
}

/** A place in a store, with distances along the axes of the step that reads or writes it. */
export interface Access {
  readonly store: Store;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Whether two accesses are of the same numbers by the same distances. */
export function sameAccess(a: Access, b: Access): boolean {
  if (a.store !== b.store || a.offset !== b.offset || a.strides.length !== b.strides.length) return false;
  for (let axis = 0; axis < a.strides.length; axis++) if (a.strides[axis] !== b.strides[axis]) return false;
  return true;
}

/** A left factor that is looked up: what lies where the table says, in pieces that lie together. */
export interface Lookup {
  /** Where piece `tap` of row `i` begins, in numbers from the factor's own offset: at `i * taps + tap`. Below zero: a piece of zeros. */
  readonly table: Int32Array;
  readonly taps: number;
  /** Numbers of a piece. A row has `taps * segment` numbers. */
  readonly segment: number;
}

/**
 * out = alpha · left · right + beta · added, then perhaps what is below zero made zero; for each place of the batch. ONNX's Gemm and MatMul.
 * Strides of the accesses are those of the batch axes, then (row, column) of the matrix: left [m, k], right [k, n], out [m, n], added [m, n]. The column stride
 * of `out` is 1.
 */
export interface Product {
  readonly kind: "product";
  readonly batch: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly left: Access;
  /**
   * The left factor is looked up. `rows`: row i of the factor is row i of the table. `columns`: the factor is the transpose of that, so that the m = taps · segment and
   * the sum goes over the table's rows.
   */
  readonly lookup?: Lookup & { readonly by: "rows" | "columns" };
  readonly right: Access;
  readonly out: Access;
  readonly added?: Access;
  readonly alpha: number;
  readonly beta: number;
  readonly relu: boolean;
}

/** Functions of a chain, of as many numbers as it says. Truth is 1 and 0. */
export const functions = {
  copy: 1,
  add: 2,
  subtract: 2,
  multiply: 2,
  divide: 2,
  minimum: 2,
  maximum: 2,
  equal: 2,
  less: 2,
  lessOrEqual: 2,
  greater: 2,
  greaterOrEqual: 2,
  /** a ≠ 0 ? b : c */
  where: 3,
  negative: 1,
  absolute: 1,
  sqrt: 1,
  reciprocal: 1,
  relu: 1,
  exp: 1,
  log: 1,
  tanh: 1,
  sigmoid: 1,
  floor: 1,
  ceil: 1,
  /** To the nearest, halves to even. */
  round: 1,
  /** Towards zero. */
  truncate: 1,
  sign: 1,
  /** 1 - a, of truth. */
  not: 1,
  /** 1 where a ≠ 0. */
  truth: 1,
  erf: 1,
  sin: 1,
  cos: 1,
  power: 2,
  /** c · (a > b) */
  ifGreater: 3,
  /** c · (1 - (a > b)) */
  unlessGreater: 3,
  /** The sum of the number along the last axis, at each of its places. */
  sumOfRow: 1,
} as const;

/** Numbers of the last axis of a chain that sums along it, and of rows (in 16s) of all that it reads and computes, at most. */
export const mostOfRows = { row: 1024, all: 16384 } as const;

export type FunctionName = keyof typeof functions;

/** What a chain computes with: what an earlier entry gave (an index into reads, then code), or a number. */
export type Operand = { readonly register: number } | { readonly number: number };

export interface Call {
  readonly name: FunctionName;
  readonly operands: readonly Operand[];
}

/**
 * For each place of `shape`: reads, calls one after another, writes. Registers are the reads, then the results of the calls. A write with `how` other than `set` has
 * stride 0 along the axes that it sums (or takes the largest, smallest of), and begins with nothing (0, −∞, ∞). With no call and one read it is a copy: transposes, pieces of a Concat, ….
 */
export interface Chain {
  readonly kind: "chain";
  readonly shape: readonly number[];
  readonly reads: readonly Access[];
  readonly code: readonly Call[];
  readonly writes: readonly Write[];
}

export interface Write extends Access {
  readonly register: number;
  readonly how: "set" | "sum" | "max" | "min";
}

/** ONNX LayerNormalization of rows that lie together. `gain` and `bias` are of one row or of `gainRows` rows in turn (row r has gain row r mod gainRows). */
export interface Norm {
  readonly kind: "norm";
  readonly rows: number;
  readonly size: number;
  readonly epsilon: number;
  readonly from: Access;
  readonly gain?: Access;
  readonly bias?: Access;
  readonly gainRows: number;
  readonly out: Access;
  /** One a row each. */
  readonly mean?: Access;
  readonly inverse?: Access;
}

/** Softmax, its logarithm, or where the largest number is (the first), of rows that lie together. `argmax` gives one number a row. */
export interface RowWise {
  readonly kind: "rowwise";
  readonly what: "softmax" | "logSoftmax" | "argmax";
  readonly rows: number;
  readonly size: number;
  readonly from: Access;
  readonly out: Access;
}

/**
 * out[o, i, :] = from[o, indices[i], :]. Indices are numbers of a store (`indices`), where they are computed or fed, or known (`table`). Below zero counts from the end (`limit`); what
 * is beyond the end of the axis ends the run with an error.
 */
export interface Rows {
  readonly kind: "rows";
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
  /** How long the axis is that is looked up. */
  readonly limit: number;
  readonly from: Access;
  readonly indices?: Access;
  readonly table?: Int32Array;
  readonly out: Access;
}

/**
 * out[r, :] = base[r, :], or zeros without one, for each of `limit` rows; then from[i, :] in its place, added to it, or the larger or smaller of both, at r = indices[i] for one i after
 * another. Indices are as {@link Rows} has them. Strides are those of rows.
 */
export interface Scatter {
  readonly kind: "scatter";
  readonly how: Write["how"];
  readonly count: number;
  readonly inner: number;
  /** How many rows there are. */
  readonly limit: number;
  readonly base?: Access;
  readonly from: Access;
  readonly indices?: Access;
  readonly table?: Int32Array;
  readonly out: Access;
  /** Without a base: what lies there is zeros already, as in an array that the system has just given. */
  readonly cleared?: true;
}

/**
 * Windows over rows and columns of arrays whose channels lie together, channel by channel. Tap i of the window at (row, column) is at (row · steps[0] + rows of the tap,
 * column · steps[1] + columns of the tap) of the field; what is not within the field counts for nothing. Strides of `field`, `out` and `where` are those of (example, row, column).
 * `sums`: out = bias + Σ field · weight. `weights`: weight = Σ field · out, over all windows. `maxima`: out is the largest number,
 * `where` its place in the field as an array [example, channel, row, column]. `back`: the field is zeros and, at each place of `where`, the sum of out.
 */
export interface Windows {
  readonly kind: "windows";
  readonly what: "sums" | "weights" | "maxima" | "back";
  readonly examples: number;
  readonly channels: number;
  /** How many windows there are. */
  readonly rows: number;
  readonly columns: number;
  readonly steps: readonly [number, number];
  /** Rows and columns of the field. */
  readonly size: readonly [number, number];
  /** Rows and columns further than the window, and the place of its weights among those of all taps, of each tap. */
  readonly taps: readonly (readonly [number, number, number])[];
  readonly field: Access;
  readonly out: Access;
  /** The stride is that of taps. */
  readonly weight?: Access;
  readonly bias?: Access;
  readonly where?: Access;
}

/**
 * Tiles of arrays, brought to points or back (Toom and Cook, Winograd), channel by channel. The tile at (row, column) begins at (row · steps[0] + first[0],
 * column · steps[1] + first[1]) of the field and has `tile` rows and columns. `points`: values[p · across + q] = Σ down[p, i] · across[q, j] · tile[i, j], where what
 * is not within the field is zeros. `places`: tile[i, j] = Σ down[i, p] · across[j, q] · values[…], and what is not within the field is written nowhere. With `beta` 1
 * they are added to what lies where they are written, which is set before, and tiles may lie over each other. A field with `odd` lies as four planes: steps are even then, and
 * strides of rows and columns those within a plane. Strides of
 * `field` are those of (example, row, column, channel), the last one 1 where it is read, of `values` those of (point, example, row, column), of matrices none: they lie without gaps, a row for each number that is given.
 */
export interface Points {
  readonly kind: "points";
  readonly what: "points" | "places";
  readonly beta?: 0 | 1;
  readonly examples: number;
  readonly channels: number;
  /** How many tiles there are. */
  readonly rows: number;
  readonly columns: number;
  readonly steps: readonly [number, number];
  readonly first: readonly [number, number];
  /** Rows and columns of the field, of a tile, and of its points. */
  readonly size: readonly [number, number];
  readonly tile: readonly [number, number];
  readonly points: readonly [number, number];
  /** How far odd rows, and odd columns, are from the even ones before them, where each parity is a plane of its own. */
  readonly odd?: readonly [number, number];
  readonly field: Access;
  readonly values: Access;
  readonly down: Access;
  readonly across: Access;
}

/** `size` numbers that lie together, from a place that moves with the turn (`fromStep` numbers a turn) to one that does. */
export interface Move {
  readonly kind: "move";
  readonly size: number;
  readonly from: Access;
  readonly fromStep: number;
  readonly to: Access;
  readonly toStep: number;
  /** Where the number of the turn is, if any step is not 0. */
  readonly turn?: Store;
}

/** Steps that are taken in each of some turns. */
export interface Turns {
  readonly kind: "turns";
  readonly count: number;
  /** Its one number is the turn, 0 at first. */
  readonly turn: Store;
  readonly body: readonly Step[];
}

/** Taps that windows have at most. */
export const mostTaps = 64;
/** Rows or columns of a tile, and of its points, at most. */
export const mostSide = 12;

export type Step = Product | Chain | Norm | RowWise | Rows | Scatter | Windows | Points | Move | Turns;

const given = (...accesses: readonly (Access | undefined)[]): Access[] =>
  accesses.filter((access) => access !== undefined);

/** What a step reads and writes, without the steps of turns in it. */
export function accessesOf(step: Exclude<Step, Turns>): {
  readonly reads: readonly Access[];
  readonly writes: readonly Access[];
} {
  if (step.kind === "product") {
    const { left, right, added, out } = step;
    return { reads: added ? [left, right, added] : [left, right], writes: [out] };
  }
  if (step.kind === "chain") return step;
  if (step.kind === "norm")
    return { reads: given(step.from, step.gain, step.bias), writes: given(step.out, step.mean, step.inverse) };
  if (step.kind === "rowwise") return { reads: [step.from], writes: [step.out] };
  if (step.kind === "rows") return { reads: given(step.from, step.indices), writes: [step.out] };
  if (step.kind === "scatter") return { reads: given(step.base, step.from, step.indices), writes: [step.out] };
  if (step.kind === "windows") {
    const { what, field, out, weight, bias, where } = step;
    if (what === "sums") return { reads: given(field, weight, bias), writes: [out] };
    if (what === "weights") return { reads: [field, out], writes: given(weight) };
    return what === "maxima"
      ? { reads: [field], writes: given(out, where) }
      : { reads: given(out, where), writes: [field] };
  }
  if (step.kind === "points") {
    const { what, beta, field, values, down, across } = step;
    const [from, to] = what === "points" ? [field, values] : [values, field];
    return { reads: beta ? [from, down, across, to] : [from, down, across], writes: [to] };
  }
  return { reads: [step.from], writes: [step.to] };
}
