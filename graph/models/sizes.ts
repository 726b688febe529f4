// Sizes of a model: a new axis in front of some inputs, and open sizes filled in.
import { InnerloopError, show } from "@innerloop/schemas";
import { input } from "../core/build.ts";
import { type Dim, isSymbol, substituted, termsOf } from "../core/dims.ts";
import { upTo, zip } from "../core/lists.ts";
import { normalizeAxis } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Transpose } from "../ops/movement.ts";
import { vmap as batched } from "../transforms/vmap.ts";
import { type Model, type Named, table, taken, transformed, unknown, valueNamed } from "./model.ts";

export interface VmapOptions {
  /** Where the new axis is in an input or a weight, by its name; −1 is the last. What is not named is shared. */
  readonly axes: Readonly<Record<string, number>>;
  /** The size of the axis, or the name of one that is open; `mapped` unless given. */
  readonly size?: Dim;
}

/**
 * The model of many at once: the inputs named get a new axis, every output gets one in front.
 * @throws InnerloopError (status 2) for a name that is no input, an axis that does not fit, a size that is there already
 */
export function vmap(model: Model, { axes, size = unused(model, "mapped") }: VmapOptions): Model {
  const names = Object.keys(axes);
  if (names.length === 0)
    throw new InnerloopError("missing-name", "vmap needs an input that gets an axis, as x: 0.", { exitStatus: 2 });
  const places = table(
    names.map((name) => {
      const { rank } = valueNamed(model.inputs, name, "input");
      return [name, normalizeAxis(axes[name] ?? 0, rank + 1, `vmap of ${show(name)}`)] as const;
    }),
  );
  checked(size);
  const inputs = table(
    Object.entries(model.inputs).map(([name, value]) => {
      const place = places[name];
      return [
        name,
        place === undefined ? value : input(name, value.shape.toSpliced(place, 0, size), value.dtype),
      ] as const;
    }),
  );
  const initializers = table(Object.entries(model.initializers).filter(([name]) => places[name] === undefined));
  const outputs = Object.keys(model.outputs);
  return transformed({
    inputs,
    initializers,
    elements: model.elements,
    opset: model.opset,
    tensors: {},
    build(values) {
      const args = names.map((name) => inFront(valueNamed(values, name, "input"), places[name] ?? 0));
      const results = batched((...slices) => {
        const one = table(zip(names, slices, (name, slice) => [name, slice] as const));
        return Object.values(model.apply({ ...taken(model, values), ...one }, outputs));
      }, args);
      return table(zip(outputs, results, (name, value) => [name, value] as const));
    },
    inside: (_, [name = ""]) => {
      throw unknown(name, "output", model.outputs);
    },
  });
}

const inFront = (value: Value, axis: number): Value =>
  axis === 0 ? value : Transpose(value, [axis, ...upTo(value.rank).filter((other) => other !== axis)]);

/** The names of the sizes that are open in a model's inputs. */
export const openSizes = ({ inputs }: Pick<Model, "inputs">): string[] => [
  ...new Set(
    Object.values(inputs).flatMap(({ shape }) => shape.flatMap((dim) => termsOf(dim).flatMap(([, names]) => names))),
  ),
];

/** A name that no size of the model has. */
function unused(model: Model, wanted: string): string {
  const known = new Set(openSizes(model));
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted}${n}`;
    if (!known.has(name)) return name;
  }
}

/**
 * The model with sizes that are open filled in, or under other names.
 * @param sizes a number or a name for each name of a size
 * @throws InnerloopError (status 2) for a name that no open size has, and for a size that does not fit the model
 */
export function specialize(model: Model, sizes: Readonly<Record<string, Dim>>): Model {
  const open = openSizes(model);
  const stranger = Object.keys(sizes).find((name) => !open.includes(name));
  if (stranger !== undefined)
    throw new InnerloopError(
      "unknown-size",
      `the model has no open size ${show(stranger)}; ${open.length > 0 ? `there is ${open.join(", ")}` : "all its sizes are fixed"}.`,
      { exitStatus: 2 },
    );
  Object.values(sizes).forEach(checked);
  const now = new Map(Object.entries(sizes));
  const fixed = (value: Value, name: string): Value => {
    const shape = value.shape.map((dim) => substituted(dim, now));
    return shape.join() === value.shape.join() ? value : input(name, shape, value.dtype);
  };
  const { initializers, elements, opset, tensors } = model;
  const inputs: Named = table(Object.entries(model.inputs).map(([name, value]) => [name, fixed(value, name)]));
  return transformed({
    inputs,
    initializers,
    elements,
    opset,
    tensors: model.apply(inputs, Object.keys(tensors)),
    build: (values) => model.apply(taken(model, values)),
    inside: (values, names) => model.apply(taken(model, values), names),
  });
}

/** @throws InnerloopError `bad-dim` (status 2) for what is neither a size nor a name */
function checked(size: Dim): void {
  if (typeof size === "number" ? Number.isSafeInteger(size) && size >= 0 : isSymbol(size)) return;
  throw new InnerloopError(
    "bad-dim",
    `${show(size)} is no size of an axis; give a whole number from 0, or a name of letters and digits.`,
    {
      exitStatus: 2,
    },
  );
}
