// What a filter for each channel gets from its windows: sums of products of two arrays whose channels lie together, which kernels of windows take at once.
import { sizeOf } from "@innerloop/schemas/bundle";
import { divisor } from "../pieces.ts";
import { type Access, type Chain, mostTaps, type Step, type Store, type Windows } from "../steps.ts";
import type { Pass } from "./pass.ts";

export const filters: Pass = {
  name: "filters",
  why: "a sum for each tap of a window reads the same numbers as often as there are taps",
  apply(level) {
    const made = new Map<number, readonly Step[]>();
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      const steps = chain && ofTaps(chain);
      if (steps) made.set(at, steps);
    }
    level.spread(made);
  },
};

/** Taps from which on windows are worth a step that puts what they give in order. */
const leastTaps = 4;
/** Numbers in all of what is summed from which on they are. */
const leastNumbers = 4096;

interface Axis {
  readonly size: number;
  readonly field: number;
  readonly out: number;
}

/** The same sums by windows, and what puts them where the chain has them. */
function ofTaps({ shape, reads, code, writes }: Chain): readonly Step[] | undefined {
  if (writes.length < leastTaps || writes.length > mostTaps || sizeOf(shape) < leastNumbers) return undefined;
  if (code.length !== writes.length || code.some(({ name }) => name !== "multiply")) return undefined;
  const { reads: pairs, once } = pairsOf({ shape, reads, code, writes } as Chain);
  if (!pairs || !once) return undefined;
  const channel = shape.findIndex((size, axis) => size > 1 && writes.every(({ strides }) => strides[axis] !== 0));
  if (channel < 0 || once.strides[channel] !== 1 || pairs[0]!.strides[channel] !== 1) return undefined;
  const summed = (write: Access): boolean =>
    write.strides.every((by, axis) => axis === channel || by === 0 || shape[axis] === 1);
  if (!writes.every(summed)) return undefined;
  const [first] = pairs as [Access];
  const alike = ({ store, strides }: Access): boolean =>
    store === first.store && strides.every((by, axis) => by === first.strides[axis] || shape[axis] === 1);
  if (!pairs.every(alike)) return undefined;
  const axes = shape
    .flatMap((size, axis): Axis[] =>
      axis === channel || size === 1 ? [] : [{ size, field: first.strides[axis]!, out: once.strides[axis]! }],
    )
    .sort((a, b) => b.field - a.field);
  if (axes.length > 3 || axes.some(({ field, out }) => field < 1 || out < 1)) return undefined;
  while (axes.length < 3) axes.unshift({ size: 1, field: 0, out: 0 });
  const channels = shape[channel]!;
  const begin = Math.min(...pairs.map(({ offset }) => offset));
  const [example, row, column] = axes as [Axis, Axis, Axis];
  // Taps are columns further, in places of which both columns and all taps are whole ones.
  const place = pairs.reduce((so, { offset }) => divisor(so, offset - begin), column.field);
  const further = pairs.map(({ offset }) => (offset - begin) / place);
  const step = Math.max(1, column.field / place);
  const depth = writes[0]!.store.depth;
  const store: Store = { size: writes.length * channels, depth };
  const windows: Windows = {
    ...{ kind: "windows", what: "weights", examples: example.size, channels, rows: row.size, columns: column.size },
    ...{ steps: [1, step], size: [row.size, (column.size - 1) * step + Math.max(...further) + 1] },
    taps: further.map((columns, tap) => [0, columns, tap] as const),
    field: { store: first.store, offset: begin, strides: [example.field, row.field, place] },
    out: { store: once.store, offset: once.offset, strides: [example.out, row.out, column.out] },
    weight: { store, offset: 0, strides: [channels] },
  };
  const ordered: Chain = {
    ...{ kind: "chain", shape: [channels], code: [] },
    reads: writes.map((_, tap) => ({ store, offset: tap * channels, strides: [1] })),
    writes: writes.map((write, tap) => ({ ...write, strides: [write.strides[channel]!], register: tap, how: "set" })),
  };
  return [windows, ordered];
}

/** What every product has in common, and what it has of its own, in the order of the writes. */
function pairsOf({ reads, code, writes }: Chain): { readonly reads?: readonly Access[]; readonly once?: Access } {
  const factors = writes.map(({ register, how }) => {
    const operands = how === "sum" ? (code[register - reads.length]?.operands ?? []) : [];
    return operands.map((operand) => ("register" in operand ? operand.register : -1));
  });
  const [first = []] = factors;
  const common = first.find((register) => factors.every((list) => list.includes(register)));
  if (common === undefined || common < 0 || common >= reads.length) return {};
  const own = factors.map(([a = -1, b = -1]) => reads[a === common ? b : a]);
  if (own.some((read) => !read)) return {};
  return { reads: own as readonly Access[], once: reads[common]! };
}
