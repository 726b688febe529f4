// The nodes that live, so that an equal one is not made again. A key only says where to look: what is found there is compared
// in full, since different nodes may have one key.
import type { Attribute, Attributes, Inputs, Node, NumberArray, Operator, Outputs, Value } from "./value.ts";

/** Nodes of one key, the latest first. */
interface Kept {
  readonly node: WeakRef<Node>;
  readonly before: Kept | undefined;
}

const nodes = new Map<number, Kept>();

/** How many nodes are kept, and how many may be until those that are gone are looked for. */
let [count, most] = [0, 1000];

/** The node that lives already and is this one, or else a new one that is kept as long as it lives. */
export function interned<A extends Attributes, I extends Inputs, O extends Outputs>(
  operator: Operator<A, I, O>,
  inputs: I,
  attributes: A,
  make: () => Node<A, I, O>,
): Node<A, I, O> {
  const key = keyOf(operator.name, inputs, attributes);
  const isThis = (node: Node): node is Node<A, I, O> & Node =>
    node.operator === operator &&
    sameList(node.inputs, inputs) &&
    (node.attributes === attributes || sameAttributes(node.attributes, attributes));
  for (let kept = nodes.get(key); kept; kept = kept.before) {
    const node = kept.node.deref();
    if (node && isThis(node)) return node;
  }
  const node = make();
  // What was made on the way may have come under the same key.
  nodes.set(key, { node: new WeakRef<Node>(node), before: nodes.get(key) });
  count++;
  return node;
}

/** Hears of an object that nobody holds when memory was tidied, which is when nodes may be gone. */
const tidied = new FinalizationRegistry<undefined>(() => {
  if (count > most) forget();
  tidied.register({}, undefined);
});
tidied.register({}, undefined);

/** Lets go of what is kept of nodes that are gone, and looks again when there are twice as many as live now. */
function forget(): void {
  count = 0;
  for (const [key, first] of nodes) {
    const rest = alive(first);
    if (!rest) nodes.delete(key);
    else nodes.set(key, rest);
    for (let kept = rest; kept; kept = kept.before) count++;
  }
  most = Math.max(1000, 2 * count);
}

function alive({ node, before }: Kept): Kept | undefined {
  const rest = before && alive(before);
  return node.deref() ? { node, before: rest } : rest;
}

/** A number that equal nodes share, and others hardly ever. */
function keyOf(name: string, inputs: Inputs, attributes: Attributes): number {
  let key = mixed(name.charCodeAt(0), name.charCodeAt(name.length - 1) * 256 + name.length);
  for (const value of inputs) key = value ? mixedValue(key, value) : mixed(key, -1);
  for (const attribute in attributes) key = mixedAttribute(key, attributes[attribute]);
  return key;
}

const mixed = (key: number, word: number): number => {
  const next = Math.imul(key ^ word, 0x01000193);
  return next ^ (next >>> 15);
};

const mixedValue = (key: number, value: Value): number => mixed(key, value.node.id * 8 + value.index);

function mixedAttribute(key: number, attribute: Attribute): number {
  if (typeof attribute === "number") return mixedNumber(key, attribute);
  if (typeof attribute === "string") return mixedText(key, attribute);
  if (typeof attribute !== "object") return mixed(key, attribute ? 1 : 2);
  if (isList(attribute)) return attribute.reduce<number>(mixedAttribute, mixed(key, attribute.length));
  if ("results" in attribute) return [...attribute.parameters, ...attribute.results].reduce(mixedValue, key);
  if ("gives" in attribute) return [...attribute.takes, ...attribute.gives].reduce(mixedValue, key);
  return mixedNumbers(attribute.shape.reduce(mixedNumber, mixedText(key, attribute.dtype)), attribute.data);
}

function mixedNumber(key: number, number: number): number {
  return number === (number | 0) ? mixed(key, number) : mixedNumbers(key, Float64Array.of(number));
}

function mixedText(key: number, text: string): number {
  for (let i = 0; i < text.length; i++) key = mixed(key, text.charCodeAt(i));
  return key;
}

function mixedNumbers(key: number, data: Float64Array): number {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  for (let i = 0; i < words.length; i++) key = mixed(key, words[i]!);
  return key;
}

const valueKey = (value: Value): string => `${value.node.id}.${value.index}`;

/** A text of an attribute. */
export function attributeKey(attribute: Attribute): string {
  if (typeof attribute !== "object") return String(attribute);
  if (isList(attribute)) return `[${attribute}]`;
  if ("results" in attribute) return `{${attribute.parameters.map(valueKey)}:${attribute.results.map(valueKey)}}`;
  if ("gives" in attribute) return `{${attribute.takes.map(valueKey)}:${attribute.gives.map(valueKey)}}`;
  return `${attribute.dtype}${attribute.shape}:${numbersKey(attribute.data)}`;
}

/** Few numbers as they are; of many a hash. */
function numbersKey(data: Float64Array): string {
  if (data.length <= 8) return data.join();
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
  let [a, b] = [0x811c9dc5, 0x1b873593];
  for (const word of words) {
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(b + word, 0x85ebca6b) ^ (b >>> 13);
  }
  return `#${a >>> 0}.${b >>> 0}`;
}

function sameAttributes(a: Attributes, b: Attributes): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  );
}

/** 0 and -0 are not the same, since 1 / x tells them apart. */
function same(a: Attribute, b: Attribute): boolean {
  if (typeof a !== "object" || typeof b !== "object") return Object.is(a, b);
  if (isList(a) || isList(b)) return isList(a) && isList(b) && sameList(a, b);
  if ("results" in a || "results" in b)
    return "results" in a && "results" in b && sameList(a.parameters, b.parameters) && sameList(a.results, b.results);
  if ("gives" in a || "gives" in b)
    return "gives" in a && "gives" in b && sameList(a.takes, b.takes) && sameList(a.gives, b.gives);
  return sameNumbers(a, b);
}

const sameNumbers = (a: NumberArray, b: NumberArray): boolean =>
  a.dtype === b.dtype && sameList(a.shape, b.shape) && sameList(a.data, b.data);

function sameList(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

const isList = (attribute: object): attribute is readonly (number | string)[] => Array.isArray(attribute);
