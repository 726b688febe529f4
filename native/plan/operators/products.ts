// Products of matrices. A left factor that is gathered is looked up where its numbers lie.
import { sizeOf } from "@innerloop/schemas/bundle";
import { type Pieces, rowsIn } from "../pieces.ts";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import type { Access, Product } from "../steps.ts";
import { accessOf, at, broadcast, deepest, expanded, permuted, reshaped, type Value, withOnes } from "../views.ts";
import { computed, floatOf, intOf, present, shapedAs } from "./parts.ts";
import { atPoints, bySmall, noteProduct } from "./points.ts";
import { remembered } from "./remembered.ts";

interface Factors {
  /** [lead…, m, k] */
  readonly left: Value;
  /** [lead…, k, n] */
  readonly right: Value;
  /** Of a shape that is repeated to [lead…, m, n]. */
  readonly added?: Value;
  readonly alpha?: number;
  readonly beta?: number;
}

/** alpha · left · right + beta · added, for each place of the axes before the last two. */
export function product(plan: Plan, { left, right, added, alpha = 1, beta = 1 }: Factors): Value {
  const [m, k, n] = [left.shape.at(-2)!, left.shape.at(-1)!, right.shape.at(-1)!];
  if (k !== right.shape.at(-2)) throw refused(`a product of [${left.shape}] and [${right.shape}]`);
  if (k === 1 && n >= leastColumns && m > 1 && !plan.pending.piecesOf(left.store)) {
    const sum = added ? [added] : [];
    return computed(plan, [left, right, ...sum], "float32", (code, a, b, c) => {
      const each = code.call("multiply", code.call("multiply", a!, b!), alpha);
      return c === undefined ? each : code.call("add", each, code.call("multiply", c, beta));
    });
  }
  const tiles = added || alpha !== 1 ? undefined : (atPoints(plan, left, right) ?? bySmall(plan, left, right));
  if (tiles) return tiles;
  // Of two that lie turned around, the product lies so too: what has its channels last keeps them there.
  if (isTurned(left) && isTurned(right) && !added && !plan.pending.piecesOf(left.store))
    return turned(product(plan, { left: turned(right), right: turned(left), alpha }));
  const lead = broadcast([left.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const out = plan.room([...lead, m, n], "float32", deepest(left, right, added));
  const rows = joinable(plan, left, right, n) ? left : plan.written(left);
  const terms = { left: expanded(rows, [...lead, m, k]), right: expanded(right, [...lead, k, n]), out };
  const sum = added ? { ...terms, added: expanded(plan.real(added), [...lead, m, n]) } : terms;
  multiply(plan, out.depth, { ...folded(sum), alpha, beta });
  if (!added && alpha === 1) noteProduct(left, right, out);
  return out;
}

/**
 * Products of a column and a row are written row by row, from so many columns on: kernels of products would go over memory tile by tile. Fewer columns are one tile, and chains would bring
 * short rows together before they compute.
 */
const leastColumns = 49;

const isTurned = ({ shape, strides }: Value): boolean =>
  shape.at(-2)! > 1 && strides.at(-2) === 1 && shape.at(-1)! > 1 && strides.at(-1) !== 1;

/** With its last two axes exchanged. */
function turned(value: Value): Value {
  const axes = value.shape.map((_, axis) => axis);
  return permuted(value, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** From this many columns on a copy of the left factor is little beside what a product of all its rows saves. */
const mostApart = 32;

/** Whether all rows of the left factor can be those of one product, or are not worth a copy. */
function joinable(plan: Plan, left: Value, right: Value, columns: number): boolean {
  if (right.shape.length > 2 || left.shape.length < 3 || columns < mostApart) return true;
  if (plan.pending.piecesOf(left.store)) return true;
  return reshaped(left, [sizeOf(left.shape.slice(0, -1)), left.shape.at(-1)!]) !== undefined;
}

interface Terms {
  readonly left: Value;
  readonly right: Value;
  readonly out: Value;
  readonly added?: Value;
}

/** Rows of all left factors below each other, for the last axes along which there is one right factor. */
function folded(terms: Terms): Terms {
  const { left, right, out, added } = terms;
  const rank = out.shape.length;
  if (rank < 3) return terms;
  const axis = rank - 3;
  const [size, m] = [out.shape[axis]!, out.shape[rank - 2]!];
  if (right.strides[axis] !== 0 && size !== 1) return terms;
  const joined = (value: Value): Value | undefined =>
    reshaped(value, [...value.shape.slice(0, axis), size * m, value.shape[rank - 1]!]);
  const [rows, results, more] = [joined(left), joined(out), added && joined(added)];
  if (!rows || !results || (added && !more)) return terms;
  return folded({ left: rows, right: at(right, axis, 0), out: results, ...(more ? { added: more } : {}) });
}

/** Sizes from which on kernels go through what lies together faster than through what they look up, by more than writing takes, where nothing is there twice. */
const [manyRows, manyColumns] = [64, 256];

function multiply(
  plan: Plan,
  depth: number,
  { left, right, out, added, alpha, beta }: Terms & { readonly alpha: number; readonly beta: number },
): void {
  const lead = out.shape.slice(0, -2);
  const [m = 1, n = 1] = out.shape.slice(-2);
  const k = left.shape.at(-1)!;
  const pieces = plan.pending.piecesOf(left.store);
  const written = pieces && n >= manyColumns && m >= manyRows && sizeOf(left.shape) <= 2 * pieces.from.store.size;
  const looked = pieces && !written ? lookedUp(plan, left, pieces) : undefined;
  if (looked === "by places") {
    // What each place of the batch looks up lies elsewhere.
    for (let i = 0; i < lead[0]!; i++) {
      const [one, other, to] = [left, right, out].map((value) => at(value, 0, i)) as [Value, Value, Value];
      const more = added ? { added: at(added, 0, i) } : {};
      multiply(plan, depth, { left: one, right: other, out: to, ...more, alpha, beta });
    }
    return;
  }
  const step: Product = {
    ...{ kind: "product", batch: lead, m, n, k, alpha, beta, relu: false },
    ...(looked ?? { left: accessOf(plan.real(left)) }),
    right: accessOf(plan.real(right)),
    out: accessOf(out),
    ...(added ? { added: accessOf(plan.real(added)) } : {}),
  };
  plan.step(depth, step);
}

/** A left factor as pieces that are looked up; nothing where its rows or columns are no whole pieces. */
function lookedUp(
  plan: Plan,
  left: Value,
  pieces: Pieces,
): { readonly left: Access; readonly lookup: NonNullable<Product["lookup"]> } | "by places" | undefined {
  const rank = left.shape.length;
  const ways = [
    {
      by: "rows",
      rows: left.shape[rank - 2]!,
      row: left.strides[rank - 2]!,
      width: left.shape[rank - 1]!,
      next: left.strides[rank - 1]!,
    },
    {
      by: "columns",
      rows: left.shape[rank - 1]!,
      row: left.strides[rank - 1]!,
      width: left.shape[rank - 2]!,
      next: left.strides[rank - 2]!,
    },
  ] as const;
  if (sizeOf(left.shape) === 0) return undefined;
  for (const { by, rows, row, width, next } of ways) {
    if (next !== 1 && width !== 1) continue;
    const [lead, along] = [left.shape.slice(0, -2), left.strides.slice(0, -2)];
    const found = rowsIn(pieces, { offset: left.offset, lead, along, rows, row, width });
    if (!found) continue;
    if (found === "apart") return "by places";
    const { steps, table, ...lookup } = found;
    return {
      left: { store: pieces.from.store, offset: 0, strides: [...steps, 0, 0] },
      lookup: { ...lookup, table: plan.tables.one(table), by },
    };
  }
  return undefined;
}

const matMul: Compute = (plan, [a, b], node) => {
  const [x, y] = [present(a, node), present(b, node)];
  const [left, right] = [x.shape.length === 1 ? withOnes(x, [0]) : x, y.shape.length === 1 ? withOnes(y, [1]) : y];
  if (left.shape.length < 2 || right.shape.length < 2) throw refused("a product with a single number");
  const out = remembered(plan, left, right) ?? product(plan, { left, right });
  const lead = out.shape.slice(0, -2);
  const rows = x.shape.length === 1 ? [] : [out.shape.at(-2)!];
  const columns = y.shape.length === 1 ? [] : [out.shape.at(-1)!];
  return [shapedAs(plan, out, [...lead, ...rows, ...columns])];
};

const gemm: Compute = (plan, [a, b, c], node) => {
  const turned = (value: Value, name: string): Value => (intOf(node, name, 0) === 1 ? permuted(value, [1, 0]) : value);
  const [left, right] = [turned(present(a, node), "transA"), turned(present(b, node), "transB")];
  if (left.shape.length !== 2 || right.shape.length !== 2) throw refused("a Gemm of other arrays than matrices");
  const [alpha, beta] = [floatOf(node, "alpha", 1), floatOf(node, "beta", 1)];
  return [product(plan, { left, right, alpha, beta, ...(c && beta !== 0 ? { added: c } : {}) })];
};

/** Sums of products over axes that have the same letter. */
const einsum: Compute = (plan, inputs, node) => {
  const equation = node.attributes.equation?.text?.replaceAll(" ", "") ?? "";
  const [from = "", to] = equation.split("->");
  const terms = from.split(",");
  const [a, b] = inputs;
  if (to === undefined || equation.includes(".") || terms.length !== 2 || !a || !b) throw refused(`Einsum ${equation}`);
  const [x = "", y = ""] = terms;
  if ([x, y, to].some((term) => new Set(term).size !== term.length)) throw refused(`Einsum ${equation}`);
  const letters = [...new Set(x + y)];
  const both = letters.filter((letter) => x.includes(letter) && y.includes(letter));
  const [batch, summed] = [both.filter((letter) => to.includes(letter)), both.filter((letter) => !to.includes(letter))];
  const [rows, columns] = [x, y].map((term) => [...term].filter((letter) => !both.includes(letter))) as [
    string[],
    string[],
  ];
  if ([...rows, ...columns].some((letter) => !to.includes(letter))) throw refused(`Einsum ${equation}`);
  const sizeOfLetter = (letter: string): number =>
    x.includes(letter) ? a.shape[x.indexOf(letter)]! : b.shape[y.indexOf(letter)]!;
  const sizes = (list: readonly string[]): number[] => list.map(sizeOfLetter);
  const matrix = (value: Value, term: string, ...groups: readonly (readonly string[])[]): Value => {
    const order = permuted(
      value,
      [...batch, ...groups.flat()].map((letter) => term.indexOf(letter)),
    );
    return shapedAs(plan, order, [...sizes(batch), ...groups.map((group) => sizeOf(sizes(group)))]);
  };
  const out = product(plan, { left: matrix(a, x, rows, summed), right: matrix(b, y, summed, columns) });
  const made = [...batch, ...rows, ...columns];
  return [
    permuted(
      shapedAs(plan, out, sizes(made)),
      [...to].map((letter) => made.indexOf(letter)),
    ),
  ];
};

export const products: Readonly<Record<string, Compute>> = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
