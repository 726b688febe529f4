// The pass `portions`, before derivatives are taken: a convolution of many examples, with what makes its large input, is done for some
// of them at a time.
import { inScopeOf } from "../../core/build.ts";
import { at, upTo, zip } from "../../core/lists.ts";
import { apply1 } from "../../core/operator.ts";
import { likelySize, sameShape } from "../../core/shapes.ts";
import { type Attributes, is, type Node, operandsOf, type Value } from "../../core/value.ts";
import { readersIn, topological } from "../../core/walk.ts";
import { suitsPoints } from "../../lowering/points.ts";
import { Convolution } from "../../ops/convolution.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Reshape } from "../../ops/movement.ts";
import { MaxPooling } from "../../ops/pooling.ts";
import { Scan } from "../../ops/scan.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import { leftOut } from "../switches.ts";
import { overRows } from "./together.ts";

/** What is told of it beside the passes that go over a finished graph. */
export const portionsPass = {
  name: "portions",
  why: "The columns of a convolution of many examples, its input and the cotangent of that are larger than a processor's cache, and each walk over them goes to memory: forward, in both gradients, and for what lies between the input and the smaller arrays that it is made of. Turns over some examples at a time have all of it in the cache. A turn backwards makes the input again of these smaller arrays and sums the weight gradient, and nothing large is held in between.",
} as const;

/** From so many numbers of columns on, they and what goes with them do not stay in a cache until they are read again. */
const large = 1 << 20;

/** Columns of a turn have so many numbers at most. */
const most = 3 << 16;

/** A product of fewer rows is slower than what is saved. */
const leastRows = 192;

/** Arrays of so many numbers are made again in the turns. */
const remade = 1 << 18;

/** Products of so few numbers a place cost no more than reading what they give from memory. */
const thin = 16;

/** A convolution, and what is computed with it example by example. */
interface Region {
  /** In their order. */
  readonly nodes: readonly Node[];
  /** What has rows for the examples, and comes from outside. */
  readonly rows: readonly Value[];
  /** How many examples a turn has. */
  readonly size: number;
  readonly turns: number;
}

/** The same values, where convolutions of many examples are turns over some of them. */
export function portions(outputs: readonly Value[]): Value[] {
  if (leftOut().includes(portionsPass.name)) return [...outputs];
  const nodes = topological(outputs);
  const readers = readersIn(nodes);
  const kept = new Set(outputs);
  const isAlone = (value: Value, inside: ReadonlySet<Node>): boolean =>
    !kept.has(value) && (readers.get(value) ?? []).every((node) => inside.has(node));
  const found = new Map<Node, Region>();
  // Before a pool, a product for each place of its windows is quicker.
  const isPooled = (value: Value, seen = new Set<Value>()): boolean => {
    if (seen.has(value)) return false;
    seen.add(value);
    return (readers.get(value) ?? []).some(
      (node) =>
        is(node, MaxPooling) || (sameShape(node.outputs[0].shape, value.shape) && isPooled(node.outputs[0], seen)),
    );
  };
  for (const node of nodes) {
    const region = regionOf(node, isAlone);
    if (region && !isPooled(node.outputs[0])) found.set(node, region);
  }
  if (found.size === 0) return [...outputs];
  return rewrite(outputs, (node, _inputs, _attributes, now) => {
    const region = found.get(node);
    return region && [inTurns(region, now)];
  });
}

function regionOf(node: Node, isAlone: (value: Value, inside: ReadonlySet<Node>) => boolean): Region | undefined {
  if (!is(node, Convolution)) return undefined;
  const [x, w] = node.inputs;
  const [y] = node.outputs;
  const [examples] = x.shape;
  const { kernel } = node.attributes;
  if (typeof examples !== "number" || y.rank !== kernel.length + 2) return undefined;
  const rowsInAll = likelySize(y.shape.slice(0, -1));
  const columns = rowsInAll * likelySize(w.shape.slice(0, -1));
  if (columns < large || suitsPoints(x.shape, w.shape, node.attributes)) return undefined;
  const size = upTo(examples).findLast((n) => n > 0 && examples % n === 0 && (n * columns) / examples <= most);
  if (!size || (size * rowsInAll) / examples < leastRows) return undefined;
  const inside = new Set<Node>([node]);
  const rows = new Set<Value>();
  const waiting: Value[] = [x];
  for (let value = waiting.pop(); value; value = waiting.pop()) {
    const from = isAlone(value, inside) ? rowsOf(value, examples, size) : undefined;
    if (!from) rows.add(value);
    else {
      inside.add(value.node);
      waiting.push(...from);
    }
  }
  for (const value of rows) if (inside.has(value.node)) return undefined;
  return { nodes: topological([y]).filter((one) => inside.has(one)), rows: [...rows], size, turns: examples / size };
}

/** What has the rows that a large array is computed of row by row; undefined where it is none, or takes longer than to read it. */
function rowsOf(value: Value, examples: number, size: number): Value[] | undefined {
  const { node } = value;
  if (node.outputs.length > 1 || likelySize(value.shape) < remade) return undefined;
  const rows = operandsOf(node).filter(({ shape }) => shape[0] === examples);
  return rows.length > 0 && ofSome(node, rows, size) ? rows : undefined;
}

/** The attributes of a node over so many rows. */
function ofSome(node: Node, rows: readonly Value[], size: number): Attributes | undefined {
  if (!is(node, MatMul))
    return is(node, Convolution) ? undefined : overRows(node, (value) => rows.includes(value), size);
  const [a, b] = node.inputs;
  const fits = a.rank === 3 && rows.includes(a) && b.rank === (rows.includes(b) ? 3 : 2);
  return fits && likelySize(a.shape.slice(2)) <= thin ? node.attributes : undefined;
}

/** The region, portion by portion. */
function inTurns({ nodes, rows, size, turns }: Region, now: (value: Value) => Value): Value {
  const last = at(nodes, -1);
  const stacks = rows.map((value) => Reshape(now(value), [turns, size, ...value.shape.slice(1)]));
  const { collected } = Scan(
    [],
    stacks,
    (_, entries) => {
      const made = new Map<Value, Value>(zip(rows, entries, (value, entry) => [value, entry]));
      for (const node of nodes) {
        const inputs = node.inputs.map((value) => value && (made.get(value) ?? now(value)));
        const own = operandsOf(node).filter((value) => made.has(value));
        const attributes = node === last ? node.attributes : ofSome(node, own, size)!;
        made.set(
          node.outputs[0],
          inScopeOf(node, () => apply1(node.operator, inputs, attributes)),
        );
      }
      return { carried: [], collected: [made.get(last.outputs[0])!] };
    },
    { holds: "states" },
  );
  return Reshape(at(collected, 0), last.outputs[0].shape);
}
