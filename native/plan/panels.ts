// What turns multiply few rows by, turn after turn, is to lie as kernels go over it: where it lies turned around, it is brought into panels before the turns.
import { storesOf } from "./fuse/level.ts";
import type { Access, Chain, Product, Step, Store } from "./steps.ts";

/** Columns of a panel: three vectors of 16 numbers, or more of fewer. */
const width = 48;
/** Rows for which panels pay, and turns that make up for the copy. */
const [fewestRows, mostRows] = [4, 63];
const leastTurns = 4;

/** What panels are made with: a plan. */
interface Making {
  store(size: number, depth: number): Store;
  readonly known: { run(step: Step): void };
}

export function inPanels(steps: readonly Step[], plan: Making): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.kind !== "turns") return [step];
    const { writes } = storesOf(step);
    const before: Chain[] = [];
    const body = inPanels(step.body, plan).flatMap((each): Step[] => {
      const turned = each.kind === "product" && step.count >= leastTurns && isTurned(each);
      if (!turned || writes.includes(each.right.store)) return [each];
      const { n, k, right } = each;
      const depth = right.store.depth === 0 ? 0 : step.turn.depth - 1;
      const store = plan.store(n * k, depth);
      const panels = panelsOf(n);
      for (const { at, count, columns } of panels) {
        const copy = copied(
          right,
          { store, offset: at * k, strides: [columns * k, columns, 1] },
          [count, k, columns],
          at,
        );
        if (depth === 0) plan.known.run(copy);
        else before.push(copy);
      }
      return panels.map((panel) => byPanels(each, store, panel));
    });
    return [...before, { ...step, body }];
  });
}

/** Whether there are few rows, and the right factor has the numbers of its columns together, not those of its rows. */
function isTurned({ batch, m, n, k, lookup, right }: Product): boolean {
  const [row, column] = right.strides.slice(-2);
  return (
    batch.every((size) => size === 1) &&
    m >= fewestRows &&
    m <= mostRows &&
    !lookup &&
    row === 1 &&
    column !== 1 &&
    n > 1 &&
    k > 1
  );
}

/** Some panels of as many columns, the first of which are those from `at` on. */
interface Panels {
  readonly at: number;
  readonly count: number;
  readonly columns: number;
}

function panelsOf(n: number): Panels[] {
  const count = Math.floor(n / width);
  const all = [
    { at: 0, count, columns: width },
    { at: count * width, count: 1, columns: n % width },
  ];
  return all.filter(({ count, columns }) => count * columns > 0);
}

/** @param shape [panels, terms, columns] */
function copied(right: Access, to: Access, shape: readonly number[], at: number): Chain {
  const [row = 0, column = 0] = right.strides.slice(-2);
  const from = { ...right, offset: right.offset + at * column, strides: [shape[2]! * column, row, column] };
  return { kind: "chain", shape, reads: [from], code: [], writes: [{ ...to, register: 0, how: "set" }] };
}

/** A product's columns of some panels. */
function byPanels(product: Product, store: Store, { at, count, columns }: Panels): Product {
  const { k, left, out, added } = product;
  const along = (access: Access): Access => {
    const [row = 0, column = 0] = access.strides.slice(-2);
    return { ...access, offset: access.offset + at * column, strides: [columns * column, row, column] };
  };
  return {
    ...{ ...product, batch: [count], n: columns, left: { ...left, strides: [0, ...left.strides.slice(-2)] } },
    ...{ right: { store, offset: at * k, strides: [columns * k, columns, 1] }, out: along(out) },
    ...(added && { added: along(added) }),
  };
}
