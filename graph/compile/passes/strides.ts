// The pass `strides`: products that sum over so many numbers that the rows of a matrix lie a whole number of pages apart are two products over a part each.
import { constantOf, isInput } from "../../core/build.ts";
import { at, zip } from "../../core/lists.ts";
import { apply1, isAuthored } from "../../core/operator.ts";
import { likelySize } from "../../core/shapes.ts";
import { is, type Node, operandsOf, type Value } from "../../core/value.ts";
import { inOrder, readersIn, topological } from "../../core/walk.ts";
import { isOfBarrier } from "../../lowering/barrier.ts";
import { cut } from "../../ops/internal/slicing.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Reshape } from "../../ops/movement.ts";
import { again, rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { Gemm, type GemmAttributes, gemm } from "./products.ts";

export const strides: Pass = {
  name: "strides",
  why: "Where the rows of a matrix are a whole number of pages long, as of the 3072 hidden numbers of a transformer, those that a product goes over together lie at the same places of a processor's first cache and drive each other out: it runs at three quarters of its speed. The hidden axis is then there in two parts, with a part of each weight, and nothing is copied.",
  everywhere: false,
  run(outputs, { target: { isFixed = () => false } }) {
    const cuts = cutsOf(outputs, isFixed);
    return cuts.products.size === 0 ? outputs : inParts(outputs, cuts);
  },
};

/** Numbers of float32 in a page, and rows that a product goes over together. */
const [page, together] = [1024, 12];

/** Where an axis is cut: near its middle, and in parts that are no such length themselves. */
const middleOf = (width: number): number => ((width / 2) % page === 0 ? width / 2 + 16 : width / 2);

type IsFixed = (value: Value) => boolean;

/** A product with a matrix that the file has: which axis of that it sums over, and which the result has. */
interface Product {
  readonly weight: Value;
  readonly summed: 0 | 1;
}

function productOf(node: Node, isFixed: IsFixed): Product | undefined {
  const [, weight] = node.inputs;
  const turned = is(node, Gemm) ? node.attributes : undefined;
  const fits = is(node, MatMul) || turned?.transA === 0;
  if (!fits || weight?.rank !== 2 || weight.dtype !== "float32" || !isInput(weight) || !isFixed(weight))
    return undefined;
  // A weight with two axes of one length could be wanted in the parts of each.
  if (weight.shape[0] === weight.shape[1]) return undefined;
  return { weight, summed: turned?.transB === 1 ? 1 : 0 };
}

/** Values that have an axis in two parts, and the products that sum over it. */
interface Cuts {
  readonly values: ReadonlySet<Value>;
  readonly products: ReadonlyMap<Node, Product>;
  readonly makers: ReadonlyMap<Node, Product>;
}

const lastOf = ({ shape }: Value) => shape.at(-1);

/** Whether each number is made of those at its place; as a model has a node, where that holds of all that it is made of. */
function isPlacewise({ operator, inputs, attributes }: Node): boolean {
  if (operator.traits?.placewise) return true;
  const parts = isAuthored(operator) ? operator.decompose?.(inputs, attributes) : undefined;
  const given = new Set(inputs);
  return (
    parts !== undefined &&
    inOrder(parts, (value) => given.has(value) || constantOf(value) !== undefined, operandsOf).every(
      (part) => part.operator.traits?.placewise === true,
    )
  );
}

/** The operands of a node of which a part is needed for a part of what it gives; undefined where it has none. */
function cutOperands(node: Node, width: number, makers: ReadonlyMap<Node, Product>): readonly Value[] | undefined {
  const maker = makers.get(node);
  if (maker)
    return [
      maker.weight,
      ...operandsOf(node)
        .slice(2)
        .filter((value) => lastOf(value) === width),
    ];
  if (isOfBarrier(node)) return node.inputs.slice(0, 1).flatMap((value) => value ?? []);
  if (is(node, Reshape)) return node.inputs.length === 1 && lastOf(node.inputs[0]) === width ? node.inputs : undefined;
  if (node.outputs.length !== 1 || !isPlacewise(node)) return undefined;
  const whole = operandsOf(node).filter((value) => value.rank > 0 && lastOf(value) !== 1);
  return whole.length > 0 && whole.every((value) => lastOf(value) === width) ? whole : undefined;
}

function cutsOf(outputs: readonly Value[], isFixed: IsFixed): Cuts {
  const nodes = topological(outputs);
  const found = nodes.flatMap((node): [Node, Product][] => {
    const product = productOf(node, isFixed);
    return product ? [[node, product]] : [];
  });
  const makers = new Map(found);
  const readers = readersIn(nodes);
  const given = new Set(outputs);

  /** What a value is made of as far as its last axis goes; undefined where something on the way has no parts. */
  const behind = (value: Value, width: number, seen: Set<Value>): Set<Value> | undefined => {
    if (seen.has(value)) return seen;
    seen.add(value);
    if (isFixed(value) && isInput(value)) return seen;
    const operands = cutOperands(value.node, width, makers);
    return operands?.every((operand) => behind(operand, width, seen)) ? seen : undefined;
  };

  let products = new Map<Node, { readonly product: Product; readonly values: ReadonlySet<Value> }>();
  for (const [node, product] of found) {
    const [rows] = operandsOf(node);
    const width = rows && lastOf(rows);
    if (typeof width !== "number" || width % page !== 0 || likelySize(rows!.shape) < together * width) continue;
    const values = behind(rows!, width, new Set([product.weight]));
    if (values) products.set(node, { product, values });
  }
  // Whoever reads a value that is in parts has to go by parts as well.
  for (;;) {
    const values = new Set([...products.values()].flatMap((each) => [...each.values]));
    const whole = (value: Value): boolean =>
      given.has(value) ||
      (readers.get(value) ?? []).some((node) => !products.has(node) && !node.outputs.some((made) => values.has(made)));
    const left = new Map([...products].filter(([, each]) => ![...each.values].some(whole)));
    if (left.size === products.size)
      return { values, products: new Map([...left].map(([node, { product }]) => [node, product])), makers };
    products = left;
  }
}

function inParts(outputs: readonly Value[], { values, products, makers }: Cuts): Value[] {
  const known = new Map<Value, readonly Value[]>();
  const bounds = (width: number) => {
    const middle = middleOf(width);
    return [
      [0, middle],
      [middle, width],
    ] as const;
  };
  /** The parts of a value as it was before. */
  const partsOf = (value: Value, axis = value.rank - 1): readonly Value[] => {
    const parts =
      known.get(value) ?? bounds(value.shape[axis] as number).map(([from, to]) => cut(value, axis, from, to));
    known.set(value, parts);
    return parts;
  };
  return rewrite(outputs, (node, inputs, attributes) => {
    const product = products.get(node);
    const [made] = node.outputs;
    if (product) {
      const [a] = operandsOf(node);
      return [summed(node, partsOf(a!), partsOf(product.weight, product.summed), inputs[2])];
    }
    if (!values.has(made) || node.inputs.length === 0) return undefined;
    const maker = makers.get(node);
    const width = lastOf(made) as number;
    const parts = bounds(width).map(([from, to], i) => {
      if (is(node, Reshape)) return Reshape(at(partsOf(node.inputs[0]), i), [...made.shape.slice(0, -1), to - from]);
      const own = zip(node.inputs, inputs, (before, now, place) => {
        if (maker && place < 2) return place === 1 ? at(partsOf(maker.weight, 1 - maker.summed), i) : now;
        return before && lastOf(before) === width ? at(partsOf(before), i) : now;
      });
      return at(again(node, own, attributes), 0);
    });
    known.set(made, parts);
    return undefined;
  });
}

/** The sum of the products of parts, each of which goes on from the one before it. */
function summed(node: Node, parts: readonly Value[], weights: readonly Value[], added: Value | undefined): Value {
  const { transB, alpha } = is(node, Gemm) ? node.attributes : { transB: 0 as const, alpha: 1 };
  const attributes: GemmAttributes = { transA: 0, transB, alpha };
  const [made] = node.outputs;
  const matrix = (value: Value) => Reshape(value, [-1, lastOf(value)!]);
  const [first, second] = zip(parts, weights, (part, weight) => [matrix(part), weight] as const);
  const begun = apply1(gemm, added ? [...first!, added] : first!, attributes);
  return Reshape(apply1(gemm, [...second!, begun], attributes), made.shape);
}
