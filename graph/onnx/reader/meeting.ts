// Open sizes that a file leaves apart and a node needs to be the same: two inputs whose batches have no names, or two. A model of
// such a file only runs where they agree, so it is read again with one name for both.
import { InnerloopError, show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { input } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import type { Shape } from "../../core/shapes.ts";
import type { Value } from "../../core/value.ts";
import { operatorName } from "./check.ts";

type NodeProto = onnx.NodeProto.$Properties;
type Inputs = Readonly<Record<string, Value>>;

interface Failure {
  readonly node: NodeProto;
  /** The shapes of what the node reads. */
  readonly shapes: readonly Shape[];
}

const root = (error: unknown): unknown =>
  error instanceof InnerloopError && error.cause !== undefined ? root(error.cause) : error;

/** Where reading stopped: the innermost node of each error. */
export class Failures {
  readonly #known = new Map<unknown, Failure>();

  /** Runs the reading of a node. */
  watch(node: NodeProto, shapes: () => readonly Shape[], read: () => void): void {
    try {
      read();
    } catch (error) {
      const what = root(error);
      if (!this.#known.has(what)) this.#known.set(what, { node, shapes: shapes() });
      throw error;
    }
  }

  of(error: unknown): Failure | undefined {
    return this.#known.get(root(error));
  }
}

/** A size that becomes another. */
interface Joined {
  readonly size: string;
  readonly is: Dim;
}

/** How often a file is read again at most. */
const mostReadings = 12;

/** Why a reading stopped, and at which node. */
interface Stopped {
  readonly error: unknown;
  readonly joined: readonly Joined[];
  readonly failure: Failure | undefined;
}

/** What reading gave, the inputs that it had then, and the sizes that were taken to be the same. */
interface Met<T> {
  readonly result: T;
  readonly inputs: Inputs;
  readonly joined: readonly Joined[];
}

/**
 * Reads with inputs, and where a node cannot be read since open sizes of inputs differ, again with these as one.
 * @throws what the first reading threw, where that does not help
 */
export function withMeetingSizes<T>(given: Inputs, read: (inputs: Inputs, failures: Failures) => T): Met<T> {
  let readings = 0;
  const attempt = (joined: readonly Joined[]): Met<T> | Stopped => {
    const inputs = joined.length === 0 ? given : renamed(given, joined);
    const failures = new Failures();
    readings++;
    try {
      return { result: read(inputs, failures), inputs, joined };
    } catch (error) {
      return { error, joined, failure: failures.of(error) };
    }
  };
  /** The first reading with more sizes joined that gets past the node. */
  const further = ({ failure, joined }: Stopped): Met<T> | Stopped | undefined => {
    const pairs = failure ? pairsOf(failure, renamed(given, joined)) : [];
    for (const choice of [...pairs.map((pair) => [pair]), ...(pairs.length > 1 ? [pairs] : [])]) {
      if (readings >= mostReadings) return undefined;
      const next = attempt([...joined, ...choice]);
      if (!("error" in next) || next.failure?.node !== failure?.node) return next;
    }
    return undefined;
  };
  const first = attempt([]);
  let now: Met<T> | Stopped | undefined = first;
  while (now && "error" in now) now = further(now);
  if (now) return now;
  throw "error" in first ? first.error : new Error("a reading that went well was not taken");
}

/** What to say of a reading that took sizes to be the same. */
export const notesOfMeeting = (joined: readonly Joined[], source: string): string[] =>
  joined.map(
    ({ size, is }) =>
      `${source} leaves the sizes ${show(size)} and ${typeof is === "number" ? is : show(is)} apart, but a node needs them to be the same: they are one here`,
  );

/** Inputs in which sizes have become others, one after another. */
function renamed(inputs: Inputs, joined: readonly Joined[]): Inputs {
  const of = (dim: Dim): Dim => joined.reduce((now, { size, is }) => (now === size ? is : now), dim);
  const entries = Object.entries(inputs).map(([name, value]) => {
    const shape = value.shape.map(of);
    const same = shape.every((dim, axis) => dim === value.shape[axis]);
    return [name, same ? value : input(name, shape, value.dtype)] as const;
  });
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

const recurrent: ReadonlySet<string> = new Set(["RNN", "GRU", "LSTM"]);

/** The same of a recurrent network, in which nothing broadcasts: a batch is that of the states that it starts from, and weights say how long an entry is. */
function recurrentPairs(
  { attribute }: NodeProto,
  [x = [], w = [], ...others]: readonly Shape[],
  isOpen: (dim: Dim | undefined) => dim is string,
): Joined[] {
  const batch = Number(attribute?.find(({ name }) => name === "layout")?.i ?? 0) === 1 ? 0 : 1;
  // Of what else it reads, the recurrent weights before and the states have three axes.
  const states = others.slice(1).filter(({ length }) => length === 3);
  const pairs = [[x[2], w[2]], ...states.map((state) => [x[batch], state[batch]])];
  return pairs.flatMap(([a, b]): Joined[] => {
    if (a === b || a === undefined || b === undefined) return [];
    return isOpen(a) ? [{ size: a, is: b }] : isOpen(b) ? [{ size: b, is: a }] : [];
  });
}

/** The open sizes of inputs that a node may need to be others: those that lie on one axis of two things that it reads. */
function pairsOf({ node, shapes }: Failure, inputs: Inputs): Joined[] {
  const order = [...new Set(Object.values(inputs).flatMap(({ shape }) => shape))];
  const isOpen = (dim: Dim | undefined): dim is string => typeof dim === "string" && order.includes(dim);
  // Sizes without a name in the file are called by their place.
  const isUnnamed = (dim: string): boolean => /_axis\d+$/.test(dim);
  const found = new Map<string, Joined>();
  const meet = (a: Dim | undefined, b: Dim | undefined): void => {
    if (a === undefined || b === undefined || a === b || a === 1 || b === 1) return;
    const [open, other] = isOpen(a) ? [a, b] : [b, a];
    if (!isOpen(open)) return;
    if (typeof other === "number") found.set(`${open}=${other}`, { size: open, is: other });
    if (!isOpen(other)) return;
    // A name of the file outlives one by place, and the first the second.
    const rank = (dim: string): number => order.indexOf(dim) + (isUnnamed(dim) ? order.length : 0);
    const [is, size] = rank(open) < rank(other) ? [open, other] : [other, open];
    found.set(`${size}=${is}`, { size, is });
  };
  const name = operatorName(node);
  if (recurrent.has(name)) return recurrentPairs(node, shapes, isOpen);
  const isProduct = name === "MatMul";
  shapes.forEach((a, i) => {
    for (const b of shapes.slice(i + 1)) {
      if (isProduct) meet(a.at(-1), b.at(b.length > 1 ? -2 : -1));
      const from = isProduct ? 3 : 1;
      for (let axis = from; axis <= Math.min(a.length, b.length); axis++) meet(a.at(-axis), b.at(-axis));
    }
  });
  return [...found.values()];
}
