// Products whose left factor is looked up where it lies evenly: as one that is read in place, which asks no table for each number.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Access, Chain, Product, Step } from "./steps.ts";

/** The same steps; where rows that are looked up end in rows of zeros, these are written by themselves. */
export function evenly(steps: readonly Step[]): Step[] {
  return steps.flatMap((step): readonly Step[] => {
    if (step.kind === "turns") return [{ ...step, body: evenly(step.body) }];
    return (step.kind === "product" && ofProduct(step)) || [step];
  });
}

function ofProduct(step: Product): Step[] | undefined {
  const { lookup, m, k, n, batch, left, out, added } = step;
  if (lookup?.by !== "rows" || lookup.segment !== 1 || m < 2 || k < 2) return undefined;
  const { table } = lookup;
  const [begin, row, column] = [table[0]!, table[k]! - table[0]!, table[1]! - table[0]!];
  let rows = 0;
  while (rows < m && isEven(table.subarray(rows * k, (rows + 1) * k), begin + rows * row, column)) rows++;
  const zeros = m - rows;
  // Those of several columns that lie apart are read one by one all the same.
  if (rows < 2 || row !== 1 || (zeros > 0 && (added || table.subarray(rows * k).some((place) => place >= 0))))
    return undefined;
  const { lookup: _, ...plain } = step;
  const read: Access = { ...left, offset: left.offset + begin, strides: [...left.strides.slice(0, -2), row, column] };
  const product: Product = { ...plain, m: rows, left: read };
  if (zeros === 0) return [product];
  const ofRows = out.strides.at(-2)!;
  const written: Chain = {
    ...{ kind: "chain", shape: [...batch, zeros, n], reads: [], code: [{ name: "copy", operands: [{ number: 0 }] }] },
    writes: [{ ...out, offset: out.offset + rows * ofRows, register: 0, how: "set" }],
  };
  return sizeOf(batch) === 0 ? undefined : [product, written];
}

function isEven(places: Int32Array, begin: number, step: number): boolean {
  for (let i = 0; i < places.length; i++) if (places[i] !== begin + i * step || places[i]! < 0) return false;
  return true;
}
