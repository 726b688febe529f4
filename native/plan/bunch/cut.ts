// Steps that take examples one after another, as steps of some of these: which axis goes from one to the next, and how far each access goes with it.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Access, Chain, Norm, Product, Step, Turns, Write } from "../steps.ts";
import { alongTable, partOf, withinTable } from "./table.ts";

type Single = Exclude<Step, Turns>;

/** How an access goes with examples: what each has of its own, one after another; what all share; or what all are summed into. */
export type Manner = "own" | "apart" | "shared" | "summed";

/** An access of a step that is cut. */
export interface Going {
  readonly access: Access;
  /** How far it goes from one example to the next. */
  readonly by: number;
  /** `own`: an example's numbers are an even share of the store, one after another. `apart`: they are elsewhere. */
  readonly manner: Manner;
}

/** Some examples. */
export interface Some {
  readonly first: number;
  readonly count: number;
}

/** A step by examples. */
export interface Cut {
  readonly step: Single;
  readonly examples: number;
  readonly reads: readonly Going[];
  readonly writes: readonly Going[];
  /** The step of some examples, whose accesses still begin where those of the first one do. */
  readonly of: (some: Some) => Single;
}

/** The ways in which a step may be cut. */
export function cutsOf(step: Single, examples: number): Cut[] {
  if (step.kind === "chain") return list(ofChain(step, examples));
  if (step.kind === "product" && step.batch.every((size) => size === 1))
    return [...list(byRows(step, examples)), ...list(byTerms(step, examples))];
  return step.kind === "norm" ? list(ofNorm(step, examples)) : [];
}

const list = (cut: Cut | undefined): Cut[] => (cut ? [cut] : []);

/** @param inner places of an example along the axis @param others sizes and distances of the other axes */
function going(
  access: Access,
  examples: number,
  [inner, stride]: readonly [number, number],
  others: readonly (readonly [size: number, stride: number])[],
): Going {
  const by = inner * stride;
  if (by === 0) return { access, by, manner: "shared" };
  let last = access.offset + (inner - 1) * stride;
  let own = stride > 0 && access.offset >= 0 && by * examples === access.store.size;
  for (const [size, each] of others) {
    if (each < 0) own = false;
    last += (size - 1) * each;
  }
  return { access, by, manner: own && last < by ? "own" : "apart" };
}

function ofChain(step: Chain, examples: number): Cut | undefined {
  const { shape, reads, code, writes } = step;
  const inner = shape[0]! / examples;
  if (!Number.isInteger(inner) || (shape.length === 1 && code.some(({ name }) => name === "sumOfRow")))
    return undefined;
  const along = (access: Access): Going =>
    going(
      access,
      examples,
      [inner, access.strides[0]!],
      access.strides.slice(1).map((stride, axis) => [shape[axis + 1]!, stride] as const),
    );
  const written = writes.map((write): Going | undefined => {
    const made = along(write);
    if (made.manner !== "shared") return made;
    return write.how === "sum" && sumsAll(step, write) ? { ...made, manner: "summed" } : undefined;
  });
  if (written.includes(undefined)) return undefined;
  return {
    ...{ step, examples, reads: reads.map(along), writes: written as Going[] },
    of: ({ count }) => ({ ...step, shape: shape.with(0, inner * count) }),
  };
}

/** Whether all of the store is summed into. */
const sumsAll = ({ shape }: Chain, { store, strides }: Write): boolean =>
  sizeOf(shape.filter((_, axis) => strides[axis] !== 0)) === store.size;

/** Rows of the left factor and of the result are those of examples. */
function byRows(step: Product, examples: number): Cut | undefined {
  const { m, n, k, left, right, out, added, lookup } = step;
  const inner = m / examples;
  if (!Number.isInteger(inner) || lookup?.by === "columns") return undefined;
  const along = (access: Access, columns: number): Going => {
    const [row, column] = access.strides.slice(-2) as [number, number];
    return going(access, examples, [inner, row], [[columns, column]]);
  };
  const of = looked(step, examples, inner);
  const from = of ? { access: left, by: left.store.size / examples, manner: "own" as const } : along(left, k);
  if (lookup && !of) return undefined;
  return {
    ...{ step, examples, writes: [along(out, n)] },
    reads: [from, { access: right, by: 0, manner: "shared" }, ...(added ? [along(added, n)] : [])],
    of: (some) => ({ ...step, m: inner * some.count, ...of?.(some) }),
  };
}

/** The terms of the sum are those of examples. */
function byTerms(step: Product, examples: number): Cut | undefined {
  const { m, n, k, left, right, out, added, lookup, relu } = step;
  const inner = k / examples;
  if (!Number.isInteger(inner) || lookup?.by === "rows" || relu) return undefined;
  const of = looked(step, examples, inner);
  if (lookup && !of) return undefined;
  const [row, column] = left.strides.slice(-2) as [number, number];
  const [ofTerm, ofColumn] = right.strides.slice(-2) as [number, number];
  const from = of
    ? { access: left, by: left.store.size / examples, manner: "own" as const }
    : going(left, examples, [inner, column], [[m, row]]);
  return {
    ...{ step, examples },
    reads: [
      from,
      going(right, examples, [inner, ofTerm], [[n, ofColumn]]),
      ...(added ? [{ access: added, by: 0, manner: "shared" as const }] : []),
    ],
    writes: [{ access: out, by: 0, manner: "summed" }],
    of: (some) => ({ ...step, k: inner * some.count, ...of?.(some) }),
  };
}

/** The lookup by some examples; nothing, where what is looked up for one is not among its own numbers, or lies otherwise than those of the first one. */
function looked({ left, lookup }: Product, examples: number, inner: number) {
  if (!lookup) return undefined;
  const by = left.store.size / examples;
  const along = alongTable(lookup);
  const whole = inner % along.rows === 0 && (inner / along.rows) * along.by === by;
  if (!whole || !withinTable(lookup, inner, { from: -left.offset, to: by - left.offset })) return undefined;
  return ({ count }: Some) => ({ lookup: { ...lookup, table: partOf(lookup, inner * count) } });
}

function ofNorm(step: Norm, examples: number): Cut | undefined {
  const { rows, size, from, gain, bias, gainRows, out, mean, inverse } = step;
  const inner = rows / examples;
  if (!Number.isInteger(inner) || inner % gainRows !== 0) return undefined;
  const along = (access: Access, columns: number): Going =>
    going(access, examples, [inner, access.strides[0]!], [[columns, 1]]);
  const shared = [gain, bias].flatMap((access) => (access ? [{ access, by: 0, manner: "shared" as const }] : []));
  return {
    ...{ step, examples, reads: [along(from, size), ...shared] },
    writes: [along(out, size), ...[mean, inverse].flatMap((access) => (access ? [along(access, 1)] : []))],
    of: ({ count }) => ({ ...step, rows: inner * count }),
  };
}
