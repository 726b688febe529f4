// Products of matrices as steps of a plan.
import { sizeOf } from "@innerloop/schemas/bundle";
import { refused } from "./file.ts";
import { deepest, type Plan, type Value } from "./plan.ts";
import { broadcast, called, distances, mostCalls, places, type Shape } from "./steps.ts";

interface Matrix {
  readonly value: Value;
  /** In numbers. */
  readonly row: number;
  readonly term: number;
}

/** Products of matrices, one or a batch of them. */
export function product(plan: Plan, a: Value, b: Value): Value {
  const [aRank, bRank] = [a.shape.length, b.shape.length];
  if (aRank < 2 || bRank < 2) throw refused("a product with a vector");
  if (a.shape[aRank - 1] !== b.shape[bRank - 2]) throw refused(`a product of [${a.shape}] and [${b.shape}]`);
  const [m, k, n] = [a.shape[aRank - 2]!, a.shape[aRank - 1]!, b.shape[bRank - 1]!];
  const left: Matrix = a.turned ? { value: a.turned, row: 1, term: m } : { value: a, row: k, term: 1 };
  const right = plan.written(b);
  const [aLead, bLead] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const lead = broadcast([aLead, bLead]);
  const out = plan.room([...lead, m, n], "float32", deepest(a, b));
  const scaled = (shape: Shape, size: number) => distances(shape, lead).map((step) => step * size);
  // One right factor for all: rows of the left ones below each other.
  const joined = sizeOf(bLead) === 1 && !a.turned;
  const [rows, outer] = joined ? [sizeOf(aLead) * m, []] : [m, lead];
  const starts = places(outer, [scaled(aLead, m * k), scaled(bLead, k * n), scaled(lead, m * n)]);
  if (starts.length > mostCalls) throw refused(`${starts.length} products at once`);
  for (const [x = 0, y = 0, z = 0] of starts)
    multiply(plan, out.depth, {
      left: { ...left, value: { ...left.value, at: left.value.at + 4 * x } },
      right: { value: { ...right, at: right.at + 4 * y }, row: n },
      out: { ...out, at: out.at + 4 * z },
      m: rows,
      n,
      k,
    });
  return out;
}

interface Product {
  readonly left: Matrix;
  readonly right: { readonly value: Value; readonly row: number };
  readonly out: Value;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export function multiply(plan: Plan, depth: number, { left, right, out, m, n, k }: Product): void {
  if (m * n === 0) return;
  const words = [left.value.at, right.value.at, out.at, m, n, k, 4 * left.row, 4 * left.term, 4 * right.row];
  plan.works(depth, m * n * k);
  plan.step(depth, called(plan.machine.routines.product!, words));
}
