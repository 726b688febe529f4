// Elementwise operators as ONNX has them. Those that are not here are read as they are called: one operand, or two.
import { ELEMENT_TYPES, InnerloopError, type NumericName, type Rounding } from "@innerloop/schemas";
import { addDims, type Dim, multiplyDims } from "../../core/dims.ts";
import { zip } from "../../core/lists.ts";
import { normalizeAxis } from "../../core/shapes.ts";
import { is, type Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { dividedSize } from "../../ops/internal/sizes.ts";
import { anyElementType, choice, flag, int, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import type { Entry, Sizes } from "../reader/entry.ts";
import { sizes } from "../reader/sizes.ts";
import { narrowed } from "../tensors.ts";
import type { Form, Writing } from "../writer/form.ts";

/** The sizes of both, entry by entry, a single one with each. */
function pairs(a: Sizes, b: Sizes): (readonly [Dim, Dim])[] {
  const length = Math.max(a.dims.length, b.dims.length);
  if ([a, b].some(({ dims }) => dims.length !== length && dims.length !== 1))
    throw new InnerloopError("bad-model", `combines ${a.dims.length} sizes with ${b.dims.length}.`);
  const stretched = ({ dims }: Sizes) =>
    dims.length === length ? dims : new Array<typeof dims>(length).fill(dims).flat();
  return zip(stretched(a), stretched(b), (x, y) => [x, y]);
}

/** A rule for sizes that are combined entry by entry. */
const pairwise =
  (combine: (a: Dim, b: Dim) => Dim | undefined) =>
  (c: Call): Entry | undefined => {
    const [a, b] = [c.sizes(0), c.sizes(1)];
    const combined = pairs(a, b).map(([x, y]) => combine(x, y));
    const known = combined.filter((dim) => dim !== undefined);
    if (known.length < combined.length) return undefined;
    return sizes(known, a.axes === "scalar" && b.axes === "scalar" ? "scalar" : "list");
  };

const quotient = (a: Dim, b: Dim): Dim =>
  typeof a === "number" && typeof b === "number" ? Math.trunc(a / b) : dividedSize(a, b);

/** 1 where two sizes are equal, 0 where they never are; undefined where that comes out when the graph runs. */
function same(a: Dim, b: Dim): Dim | undefined {
  if (a === b) return 1;
  const impossible = (x: Dim, y: Dim) => typeof x === "string" && typeof y === "number" && y < 0;
  if ((typeof a === "number" && typeof b === "number") || impossible(a, b) || impossible(b, a)) return 0;
  return undefined;
}

/** A value in an element type: where graphs have no dtype for it, rounded to it. */
function cast(c: Call, to: NumericName, rounding: Rounding = {}): Value {
  const x = c.value(0);
  const known = c.element(0);
  c.gives(to);
  const narrow = narrowed(to);
  if (!narrow) return op.Cast(x, ELEMENT_TYPES[to].dtype);
  return known === to ? x : op.Narrow(x, narrow, rounding);
}

function narrowForm({ to, saturate, direction }: op.Narrowing, file: Writing): Form {
  const isMini = ELEMENT_TYPES[to].kind === "float" && ELEMENT_TYPES[to].bits <= 8;
  return {
    input: file.inputs(),
    attribute: [
      written("to", anyElementType(), to),
      ...(isMini && !saturate ? [written("saturate", flag(true), false)] : []),
      ...(to === "float8e8m0" && direction !== "up" ? [written("round_mode", choice("up"), direction)] : []),
    ],
    element: to,
  };
}

/**
 * A softmax of which whole rows are replaced, since everything in them is −∞: one of other rows in their place, so that no
 * derivative meets what is undefined. Attention is exported like this.
 */
function definedShares(condition: Value, shares: Value): Value {
  const { node, rank } = shares;
  const [x] = node.inputs;
  if (node.operator === op.Cast.operator && x) return op.Cast(definedShares(condition, x), shares.dtype);
  if (is(node, op.Narrow) && x) return op.Narrow(definedShares(condition, x), node.attributes.to, node.attributes);
  if (node.operator.name !== "Softmax" || !x) return shares;
  const given = node.attributes.axis;
  const axis = normalizeAxis(typeof given === "number" ? given : -1, rank, "Softmax");
  const ofRows = condition.shape[axis - rank + condition.rank] === 1;
  const ofItself = condition.node.operator.name === "IsNaN" && condition.node.inputs[0] === shares;
  return ofRows || ofItself ? op.Softmax(op.Where(condition, 0, x), axis) : shares;
}

export const elementwise = {
  Add: onnxOperator({ sizes: pairwise(addDims) }),
  Cast: onnxOperator({
    attributes: { to: anyElementType(), saturate: flag(true), round_mode: choice("up", "down", "nearest") },
    read: (c, { to, saturate, round_mode: direction }) =>
      cast(c, to, to === "float8e8m0" ? { saturate, direction } : { saturate }),
    sizes: (c, { to }) => (to === "int64" || to === "int32" ? c.sizes(0) : undefined),
    write(node, file) {
      if (is(node, op.Narrow)) return narrowForm(node.attributes, file);
      return {
        input: file.inputs(),
        attribute: file.half ? [written("to", int(), ELEMENT_TYPES.float16.onnx)] : file.attributes(),
      };
    },
    authored: false,
  }),
  CastLike: onnxOperator({
    attributes: { saturate: flag(true), round_mode: choice("up", "down", "nearest") },
    read: (c, { saturate, round_mode: direction }) => {
      const to = c.element(1);
      return cast(c, to, to === "float8e8m0" ? { saturate, direction } : { saturate });
    },
    authored: false,
  }),
  Div: onnxOperator({ sizes: pairwise(quotient) }),
  Equal: onnxOperator({ sizes: pairwise(same) }),
  Max: onnxOperator({ read: (c) => op.Max(...c.values()) }),
  Mean: onnxOperator({ read: (c) => op.Mean(...c.values()) }),
  Min: onnxOperator({ read: (c) => op.Min(...c.values()) }),
  Mul: onnxOperator({ sizes: pairwise(multiplyDims) }),
  Pow: onnxOperator({ read: (c) => op.Pow(c.value(0), op.CastLike(c.value(1), c.value(0))) }),
  Sub: onnxOperator({ sizes: pairwise((a, b) => addDims(a, multiplyDims(b, -1))) }),
  Sum: onnxOperator({ read: (c) => op.Sum(...c.values()) }),
  Where: onnxOperator({
    read: (c) => {
      const [condition, a, b] = [c.value(0), c.value(1), c.value(2)];
      return op.Where(condition, a, definedShares(condition, b));
    },
    sizes: (c) => {
      const condition = c.sizes(0).dims;
      const holds = (i: number) => Boolean(condition[condition.length === 1 ? 0 : i]);
      return sizes(pairs(c.sizes(1), c.sizes(2)).map(([yes, no], i) => (holds(i) ? yes : no)));
    },
  }),
};
