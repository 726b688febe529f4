// Shapes that a model computes while it runs (Shape, Gather, Concat, Reshape …), worked out while it is read, with
// sizes that may be open: exporters write such chains wherever a program says x.shape[0].
import { InnerloopError } from "@innerloop/schemas";
import { spend } from "../core/budget.ts";
import { addDims, type Dim, divideDims, multiplyDims } from "../core/dims.ts";
import { normalizeAxis } from "../core/operator.ts";
import { constant, constantOf, type Value } from "../core/value.ts";
import { ConstantOfShape, Shape } from "../ops/graph.ts";
import { Reshape } from "../ops/movement.ts";
import type { Call } from "./calls.ts";

/** A scalar or a list of int64 whose entries are sizes. */
export interface Sizes {
  readonly axes: "scalar" | "list";
  readonly dims: readonly Dim[];
}

export const isSizes = (entry: Value | Sizes): entry is Sizes => "dims" in entry;

/** Sizes that are all known are a constant like any other. */
export function sizes(dims: readonly Dim[], axes: Sizes["axes"] = "list"): Value | Sizes {
  spend("numbers", dims.length);
  if (!dims.every((dim) => typeof dim === "number")) return { axes, dims };
  return constant(dims, axes === "list" ? [dims.length] : [], "int64");
}

/** Whole numbers as sizes, where they can be. */
export function asSizes(entry: Value | Sizes): Sizes | undefined {
  if (isSizes(entry)) return entry;
  const known = constantOf(entry);
  if (!known || known.shape.length > 1 || known.dtype === "float32" || known.dtype === "float64") return undefined;
  return { axes: known.shape.length === 0 ? "scalar" : "list", dims: [...known.data] };
}

/** Sizes as a value that is counted when the graph runs. */
export function asValue({ axes, dims }: Sizes): Value {
  const list = Shape(ConstantOfShape(dims));
  return axes === "list" ? list : Reshape(list, []);
}

/** Sizes combined entry by entry, a single one with each. */
function pairwise(a: Sizes, b: Sizes, combine: (a: Dim, b: Dim) => Dim): Value | Sizes {
  const length = Math.max(a.dims.length, b.dims.length);
  if ([a, b].some(({ dims }) => dims.length !== length && dims.length !== 1))
    throw new InnerloopError("bad-model", `combines ${a.dims.length} sizes with ${b.dims.length}.`);
  const at = (list: readonly Dim[], i: number): Dim => list[list.length === 1 ? 0 : i]!;
  return sizes(
    Array.from({ length }, (_, i) => combine(at(a.dims, i), at(b.dims, i))),
    a.axes === "scalar" && b.axes === "scalar" ? "scalar" : "list",
  );
}

function quotient(a: Dim, b: Dim): Dim {
  const exact = typeof a === "number" && typeof b === "number" ? Math.trunc(a / b) : divideDims(a, b);
  if (exact === undefined)
    throw new InnerloopError("open-dim", `The size (${a}) / (${b}) does not come out even for every ${a}.`);
  return exact;
}

/** 1 where two sizes are equal, 0 where they never are. */
function same(a: Dim, b: Dim): Dim {
  if (a === b) return 1;
  const impossible = (x: Dim, y: Dim) => typeof x === "string" && typeof y === "number" && y < 0;
  if ((typeof a === "number" && typeof b === "number") || impossible(a, b) || impossible(b, a)) return 0;
  throw new InnerloopError("open-dim", `Whether the sizes ${a} and ${b} are equal is open while the model is read.`);
}

const relabelled =
  (axes: Sizes["axes"]) =>
  (_: Call, x: Sizes): Sizes => ({ axes, dims: x.dims });

type Rule = (call: Call, ...inputs: Sizes[]) => Value | Sizes | undefined;

/** What an operator does to sizes; operators that are not here see them as values. */
export const sizeRules: ReadonlyMap<string, Rule> = new Map(
  Object.entries<Rule>({
    Identity: (_, x) => x,
    Cast: (call, x) => (call.dtype("to") === "int64" || call.dtype("to") === "int32" ? x : undefined),
    Unsqueeze: (call, x) => (x.axes === "scalar" && call.axes(1)?.length === 1 ? { ...x, axes: "list" } : undefined),
    Squeeze: relabelled("scalar"),
    Reshape: (_, x, shape) =>
      shape!.dims.length === 0
        ? { ...x, axes: "scalar" }
        : shape!.dims.length === 1
          ? { ...x, axes: "list" }
          : undefined,
    Concat(_, ...parts) {
      spend(
        "numbers",
        parts.reduce((sum, { dims }) => sum + dims.length, 0),
      );
      return { axes: "list", dims: parts.flatMap((part) => part.dims) };
    },
    Gather: (_, x, indices) =>
      sizes(
        indices!.dims.map((index) => x!.dims[normalizeAxis(index as number, x!.dims.length, "Gather")]!),
        indices!.axes,
      ),
    Slice(_, x, starts, ends, _axes, steps) {
      const [start, end, step] = [starts!.dims[0], ends!.dims[0], steps?.dims[0] ?? 1];
      if (typeof start !== "number" || typeof end !== "number" || step !== 1) return undefined;
      return sizes(x!.dims.slice(start, end));
    },
    Add: (_, a, b) => pairwise(a!, b!, addDims),
    Sub: (_, a, b) => pairwise(a!, b!, (x, y) => addDims(x, multiplyDims(y, -1))),
    Mul: (_, a, b) => pairwise(a!, b!, multiplyDims),
    Div: (_, a, b) => pairwise(a!, b!, quotient),
    Equal: (_, a, b) => pairwise(a!, b!, same),
    Where(_, condition, a, b) {
      const [yes, no] = [a!, b!];
      const chosen = pairwise(yes, no, (x) => x);
      const length = "dims" in chosen ? chosen.dims.length : (chosen.shape[0] ?? 1);
      const at = (list: readonly Dim[], i: number): Dim => list[list.length === 1 ? 0 : i]!;
      return sizes(
        Array.from({ length: length as number }, (_unused, i) => at(at(condition!.dims, i) ? yes.dims : no.dims, i)),
      );
    },
    ReduceProd: (call, x) => sizes([x.dims.reduce(multiplyDims, 1)], call.int("keepdims", 1) ? "list" : "scalar"),
    ReduceSum: (call, x) => sizes([x.dims.reduce(addDims, 0)], call.int("keepdims", 1) ? "list" : "scalar"),
  }),
);
