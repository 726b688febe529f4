// What turns multiply by is brought into panels where that pays, and results are those of the steps without them.
import { inPanels, type Product, type Step, type Store, type Turns } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();

interface Sizes {
  readonly m?: number;
  readonly n?: number;
  readonly k?: number;
  readonly count?: number;
  /** Whether the rows of the right factor lie together, not its columns. */
  readonly rows?: boolean;
  /** Whether turns change the right factor. */
  readonly changes?: boolean;
  readonly added?: boolean;
  readonly depth?: 0 | 1;
}

/** Turns of: out = left · right (+ added), left = tanh(out), of as many columns as there are terms or fewer. */
function turnsOf({ m = 5, n = 100, k = 110, count = 4, rows, changes, added, depth = 1 }: Sizes) {
  const store = (size: number, depth: number): Store => ({ size, depth });
  const [turn, left, out] = [store(1, 2), store(m * k, 2), store(m * n, 2)];
  const [right, more] = [store(n * k + 7, changes ? 2 : depth), store(n, 1)];
  const product: Product = {
    ...{ kind: "product", batch: [], m, n, k, alpha: 0.5, beta: 2, relu: false },
    left: { store: left, offset: 0, strides: [k, 1] },
    right: { store: right, offset: 7, strides: rows ? [n, 1] : [1, k] },
    out: { store: out, offset: 0, strides: [n, 1] },
    ...(added && { added: { store: more, offset: 0, strides: [0, 1] } }),
  };
  const over = (from: Store, row: number, to: Store, toRow: number, columns: number): Step => ({
    ...{ kind: "chain", shape: [m, columns], reads: [{ store: from, offset: 0, strides: [row, 1] }] },
    code: [{ name: "tanh", operands: [{ register: 0 }] }],
    writes: [{ store: to, offset: 0, strides: [toRow, 1], register: 1, how: "set" }],
  });
  const body = [product, over(out, n, left, k, Math.min(n, k)), ...(changes ? [over(left, k, right, k, k)] : [])];
  const random = dice(m * n + k);
  const numbers = ({ size }: Store) => Float32Array.from({ length: size }, () => random() / 4 - 0.125);
  const begun = new Map([left, right, ...(added ? [more] : [])].map((store) => [store, numbers(store)]));
  const turns: Turns = { kind: "turns", count, turn, body };
  return { turns, begun, ends: [left, out] };
}

/** What plans do for panels; what is known is done with the other steps here. */
function paneled(turns: Turns) {
  const known: Step[] = [];
  const made: Store[] = [];
  const plan = {
    store: (size: number, depth: number): Store => {
      made.push({ size, depth });
      return made.at(-1)!;
    },
    known: { run: (step: Step) => known.push(step) },
  };
  const steps = inPanels([turns], plan);
  return { steps: [...known, ...steps], known, made };
}

describe("panels", () => {
  it("give what the steps give without them", () => {
    const all: readonly Sizes[] = [
      {},
      { n: 48 },
      { n: 20, k: 30, m: 63 },
      { n: 97, k: 700, added: true },
      { n: 240, k: 9, added: true, m: 13 },
      { depth: 0, n: 51 },
      { n: 2, k: 2 },
    ];
    for (const sizes of all) {
      const { turns, begun, ends } = turnsOf(sizes);
      const { steps, known, made } = paneled(turns);
      expect(made).toHaveLength(1);
      expect(known.length > 0).toBe(sizes.depth === 0);
      const given = compare(kernels, steps, { begun });
      const of = stores(begun);
      runSteps([turns], of);
      for (const store of ends)
        given.of(store).forEach((number, i) => {
          expect(number).toBeCloseTo(of(store)[i]!, 5);
        });
    }
  });

  it("are not made of what turns change, of what lies as it is read, or where they would not pay", () => {
    const all: readonly Sizes[] = [
      { changes: true, n: 110 },
      { rows: true },
      { m: 3 },
      { m: 64 },
      { count: 3 },
      { n: 1 },
    ];
    for (const sizes of all) {
      const { turns } = turnsOf(sizes);
      expect(paneled(turns).steps).toEqual([turns]);
    }
  });
});
