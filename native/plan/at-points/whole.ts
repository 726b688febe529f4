// Products whose filters lie in panels, and whose examples are a batch, as one of all filters and examples.
import type { Access, Chain, Product } from "../steps.ts";
import type { Picture } from "./pictures.ts";

/** Columns of the right factor that lie together, how many times, and how far these are apart. */
export interface Panels {
  readonly count: number;
  readonly columns: number;
  readonly apart: number;
}

export interface Whole {
  /** Of all rows and columns. Strides of the right factor are those within a panel. */
  readonly product: Product;
  readonly panels: Panels;
  /** How often rows of one example are looked up, and how far examples are apart. */
  readonly examples: { readonly count: number; readonly apart: number };
}

/** A product of windows, of all its filters and examples. */
export interface Pictured extends Pick<Whole, "product" | "panels"> {
  readonly picture: Picture;
}

/** The whole of a product; nothing, where its batch is another one. */
export function wholeOf(product: Product): Whole | undefined {
  const { batch, m, n, left, right, out, added } = product;
  let panels: Panels = { count: 1, columns: n, apart: 0 };
  let examples = { count: 1, apart: 0 };
  const [row = 0] = out.strides.slice(-2);
  const [addedRow = 0, addedColumn = 0] = added?.strides.slice(-2) ?? [];
  for (const [axis, count] of batch.entries()) {
    if (count === 1) continue;
    const [ofLeft, ofRight, ofOut] = [left.strides[axis]!, right.strides[axis]!, out.strides[axis]!];
    const ofAdded = added?.strides[axis] ?? 0;
    const goesOn = (apart: number, addedApart: number): boolean =>
      ofOut === apart && (!added || ofAdded === addedApart);
    if (ofLeft === 0 && panels.count === 1 && goesOn(n, n * addedColumn))
      panels = { count, columns: n, apart: ofRight };
    else if (ofRight === 0 && examples.count === 1 && goesOn(m * row, m * addedRow))
      examples = { count, apart: ofLeft };
    else return undefined;
  }
  const ofMatrix = (access: Access): Access => ({ ...access, strides: access.strides.slice(-2) });
  const whole = {
    ...{ ...product, batch: [], m: m * examples.count, n: n * panels.count, left: ofMatrix(left) },
    ...{ right: ofMatrix(right), out: ofMatrix(out), ...(added && { added: ofMatrix(added) }) },
  };
  return { product: whole, panels, examples };
}

/** Columns of a matrix, panel after panel: strides of matrices, of panels where there are some, and those of a panel. */
export function inPanels({ strides, ...access }: Access, { count, columns }: Panels, ...ofMatrices: number[]): Access {
  const [row = 0, column = 0] = strides;
  return { ...access, strides: [...ofMatrices, ...(count === 1 ? [] : [columns * column]), row, column] };
}

/** What a product is added to, where that comes. */
export const scaled = ({ m, n, out, beta }: Product, added: Access): Chain => ({
  ...{ kind: "chain", shape: [m, n], reads: [{ ...added, strides: added.strides.slice(-2) }] },
  code: beta === 1 ? [] : [{ name: "multiply", operands: [{ register: 0 }, { number: beta }] }],
  writes: [{ ...out, strides: out.strides.slice(-2), register: beta === 1 ? 0 : 1, how: "set" }],
});
