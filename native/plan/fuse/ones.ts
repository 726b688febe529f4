// Products with a factor whose numbers are all the same: sums, which chains take where the other factor is computed.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Access, Chain, Product, Store } from "../steps.ts";
import { naturalStrides } from "../views.ts";
import type { NumberOf } from "./code.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";

export const ones: Pass = {
  name: "ones",
  why: "a row of ones times a matrix is the sums of its columns, for which the matrix need not be written",
  apply(level, numberOf) {
    const made = new Map<number, readonly Chain[]>();
    for (let at = 0; at < level.length; at++) {
      const step = level.at(at);
      const steps = step?.kind === "product" && ofChain(level, step) ? sums(step, numberOf) : undefined;
      if (steps) made.set(at, steps);
    }
    level.spread(made);
  },
};

/** Numbers of a matrix from which on it is worth two steps not to write it. */
const least = 4096;

/** Whether a factor of a product is what one chain writes. */
function ofChain(level: Level, { batch, m, n, k, left, right, lookup }: Product): boolean {
  if (lookup || sizeOf(batch) * m * n * k < least) return false;
  return [left, right].some(({ store }) => {
    const [writer, ...others] = level.writers(store);
    return writer !== undefined && others.length === 0 && level.chain(writer) !== undefined;
  });
}

/** The sums of a matrix along its columns or rows, and what else the product does with them. */
function sums(step: Product, numberOf: NumberOf): readonly [Chain, Chain] | undefined {
  const { batch, m, n, k, left, right, out, added, alpha, beta, relu } = step;
  const rank = batch.length;
  const [ofLeft, ofRight] = [numberOf(left.store), numberOf(right.store)];
  if (!((m === 1 && ofLeft !== undefined) || (n === 1 && ofRight !== undefined))) return undefined;
  const columns = m === 1 && ofLeft !== undefined;
  const [matrix, factor, size, axis] = columns ? [right, ofLeft!, n, rank + 1] : [left, ofRight!, m, rank];
  const store: Store = { size: sizeOf(batch) * size, depth: out.store.depth };
  const apart = naturalStrides([...batch, size]);
  const summed: Chain = {
    kind: "chain",
    shape: columns ? [...batch, k, n] : [...batch, m, k],
    reads: [matrix],
    code: [],
    writes: [
      {
        store,
        offset: 0,
        strides: columns ? apart.toSpliced(rank, 0, 0) : [...apart, 0],
        register: 0,
        how: "sum",
      },
    ],
  };
  const along = ({ store: of, offset, strides }: Access): Access => ({
    store: of,
    offset,
    strides: [...strides.slice(0, rank), strides[axis]!],
  });
  const reads = [{ store, offset: 0, strides: apart }, ...(added ? [along(added)] : [])];
  const code: Chain["code"][number][] = [{ name: "multiply", operands: [{ register: 0 }, { number: alpha * factor }] }];
  const result = () => ({ register: reads.length + code.length - 1 });
  if (added) {
    code.push({ name: "multiply", operands: [{ register: 1 }, { number: beta }] });
    code.push({ name: "add", operands: [{ register: reads.length }, { register: reads.length + 1 }] });
  }
  if (relu) code.push({ name: "relu", operands: [result()] });
  const writes = [{ ...along(out), ...result(), how: "set" as const }];
  return [summed, { kind: "chain", shape: [...batch, size], reads, code, writes }];
}
