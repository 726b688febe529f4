// The nodes that live, so that an equal one is not made again. A key only says where to look: what is found there is compared
// in full, since different nodes may have one key.
import type { Attribute, Attributes, Inputs, Node, NumberArray, Operator, Outputs, Value } from "./value.ts";

const nodes = new Map<string, WeakRef<Node>[]>();
const forget = new FinalizationRegistry<string>((key) => {
  const alive = nodes.get(key)?.filter((node) => node.deref() !== undefined) ?? [];
  if (alive.length > 0) nodes.set(key, alive);
  else nodes.delete(key);
});

/** The node that lives already and is this one, or else a new one that is kept as long as it lives. */
export function interned<A extends Attributes, I extends Inputs, O extends Outputs>(
  operator: Operator<A, I, O>,
  inputs: I,
  attributes: A,
  make: () => Node<A, I, O>,
): Node<A, I, O> {
  const key = keyOf(operator.name, inputs, attributes);
  const isThis = (node: Node): node is Node<A, I, O> & Node =>
    node.operator === operator && sameList(node.inputs, inputs) && sameAttributes(node.attributes, attributes);
  for (const kept of nodes.get(key) ?? []) {
    const node = kept.deref();
    if (node && isThis(node)) return node;
  }
  const node = make();
  // What was made on the way may have come under the same key.
  nodes.set(key, [...(nodes.get(key) ?? []), new WeakRef<Node>(node)]);
  forget.register(node, key);
  return node;
}

/** A text that equal nodes share, and others hardly ever. */
function keyOf(name: string, inputs: Inputs, attributes: Attributes): string {
  const named = Object.keys(attributes).map((name) => `${name}=${attributeKey(attributes[name])}`);
  return `${name}(${inputs.map((value) => value && valueKey(value))}){${named}}`;
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
