// Sizes that only data tell, such as how many numbers are not zero. Each is a symbol of its own, which the node that lists it
// among its `fresh` sizes gives a number when the graph runs: as the size of an axis of an output or, for AsSizes, as an entry of
// its output. Whatever takes such a size as an attribute reads a value that tells it, so that it is known by then.
import { spend } from "./budget.ts";
import { areTold, takeName, toldIn } from "./fresh.ts";
import { attributeKey } from "./interning.ts";
import type { Shape } from "./shapes.ts";
import { type Inputs, type Node, operandsOf, type Value } from "./value.ts";
import { inOrder } from "./walk.ts";

/** The symbols that a node gives a number. */
export const toldBy = ({ attributes: { fresh } }: Node): readonly string[] =>
  Array.isArray(fresh) ? fresh.filter((symbol) => typeof symbol === "string") : [];

/** For each symbol a value that tells it: the first one that lives. */
const tellers = new Map<string, WeakRef<Value>>();
const forget = new FinalizationRegistry<string>((symbol) => {
  if (!tellers.get(symbol)?.deref()) tellers.delete(symbol);
});
/** The same among the nodes that are being rebuilt. */
let rebuilt: Map<string, Value> | undefined;

const has = (value: Value, symbol: string): boolean => value.shape.includes(symbol);

/** The output that tells a symbol: which has it as the size of an axis, else the first, which has it as an entry. */
const tellerIn = (outputs: readonly Value[], symbol: string): Value | undefined =>
  outputs.find((value) => has(value, symbol)) ?? outputs[0];

/** Remembers what a node tells. */
export function remember(node: Node): void {
  if (!areTold()) return;
  for (const symbol of toldBy(node)) {
    const value = tellerIn(node.outputs, symbol);
    if (!value || tellers.get(symbol)?.deref()) continue;
    tellers.set(symbol, new WeakRef(value));
    forget.register(value, symbol);
  }
}

/** Runs a rebuilding of nodes, which says what becomes of each: sizes are then told by the new ones. */
export function rebuilding<T>(run: (became: (node: Node, outputs: readonly Value[]) => void) => T): T {
  const outer = rebuilt;
  const inner = new Map(outer);
  rebuilt = inner;
  try {
    return run((node, outputs) => {
      if (!areTold()) return;
      for (const symbol of toldBy(node)) {
        const value = tellerIn(outputs, symbol);
        if (value) inner.set(symbol, value);
      }
    });
  } finally {
    for (const [symbol, value] of outer ? inner : []) outer?.set(symbol, value);
    rebuilt = outer;
  }
}

/** Values that tell the sizes among `dims` that the shapes of `known` do not have. */
export function tellersOf(dims: Shape, known: readonly Value[] = []): Value[] {
  if (tellers.size === 0 && !rebuilt) return [];
  const shown = new Set(known.flatMap(({ shape }) => shape.flatMap(toldIn)));
  const missing = [...new Set(dims.flatMap(toldIn))].filter((symbol) => !shown.has(symbol));
  const values = missing.flatMap((symbol) => rebuilt?.get(symbol) ?? tellers.get(symbol)?.deref() ?? []);
  return [...new Set(values)];
}

const keys = new WeakMap<Node, string>();

/**
 * Names for sizes that only the numbers of some values tell: the same for the same values, so that equal nodes are one, and
 * others for any other. A name follows from what the values are made of, so that it is the same when they are made again.
 */
export function freshSizes(what: string, values: Inputs, count: number, more = ""): string[] {
  spend("numbers", count);
  const operands = values.filter((value) => value !== undefined);
  for (const node of inOrder(operands, ({ node }) => keys.has(node), operandsOf)) keys.set(node, hash(keyOf(node)));
  const key = hash(`${what}:${values.map((value) => value && keyAt(value))}:${more}`);
  return Array.from({ length: count }, (_, i) => takeName(`${what}_${key}_${i}`));
}

const keyAt = (value: Value): string => `${keys.get(value.node)}.${value.index}`;

/** No two inputs are the same value, whatever they are called. */
function keyOf({ operator: { name }, inputs, attributes, id }: Node): string {
  if (name === "Input") return `Input ${id}`;
  const named = Object.entries(attributes).map(([attribute, value]) => `${attribute}=${attributeKey(value)}`);
  return `${name}(${inputs.map((value) => value && keyAt(value))}){${named}}`;
}

/** 53 bits of a text. */
function hash(text: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}
