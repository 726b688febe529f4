// Max pooling and its gradient as a maximum over shifted copies: the first copy that equals the maximum has the derivative.
import { sizeOf } from "../core/dims.ts";
import { type Attributes, constant, constantOf, fixed, type Value } from "../core/value.ts";
import { windowOf } from "../ops/convolution.ts";
import { Add, And, Cast, Equal, Max, Mul, Not, Or } from "../ops/elementwise.ts";
import { appendZero, Concat, cut, Gather, gatherTransposed, Reshape } from "../ops/movement.ts";
import { windowTable } from "../ops/pooling.ts";
import type { Lowering } from "./lower.ts";

/** The shifted copies `[N, places, C]` of an input, one a tap. */
function taps(x: Value, attributes: Attributes, fill: number): { copies: Value[]; indices: number[]; places: number } {
  const window = windowOf(attributes);
  const space = x.shape.slice(1, -1).map((dim) => fixed(dim, "pooling"));
  const { table, padded } = windowTable(space, window);
  const flat = Reshape(x, [x.shape[0]!, sizeOf(space), x.shape.at(-1)!]);
  const source = padded ? appendZero(flat, 1, fill) : flat;
  const copies = table.map((tap) => Gather(source, constant(tap, [tap.length], "int32"), 1));
  return { copies, indices: table.flat(), places: sizeOf(space) as number };
}

const lowest = -3.4028234663852886e38;

function masks(x: Value, attributes: Attributes): { most: Value; first: Value[] } {
  const { copies } = taps(x, attributes, lowest);
  const most = Max(copies[0]!, ...copies.slice(1));
  let seen: Value | undefined;
  const first = copies.map((copy, i) => {
    const equal = Equal(copy, most);
    const fresh = seen ? And(equal, Not(seen)) : equal;
    if (i < copies.length - 1) seen = seen ? Or(seen, equal) : equal;
    return Cast(fresh, x.dtype);
  });
  return { most, first };
}

const forward: Lowering = ([x], attributes, [y]) => [Reshape(masks(x!, attributes).most, y!.shape)];

const gradient: Lowering = ([x, g], attributes) => {
  const { first } = masks(x!, attributes);
  const { indices, places } = taps(x!, attributes, lowest);
  const rows = Reshape(g!, first[0]!.shape);
  const spread = Concat(
    first.map((mask) => Mul(mask, rows)),
    1,
  );
  const padded = indices.includes(places) ? 1 : 0;
  const known = constantOf(constant(indices, [indices.length], "int32"))!;
  return [Reshape(cut(gatherTransposed(spread, known, 1, places + padded), 1, 0, places), x!.shape)];
};

const selection: Lowering = ([x, t], attributes, [y]) => {
  const { first } = masks(x!, attributes);
  const { copies } = taps(t!, attributes, 0);
  return [
    Reshape(
      copies.map((copy, i) => Mul(first[i]!, copy)).reduce((a, b) => Add(a, b)),
      y!.shape,
    ),
  ];
};

export const poolingAsTaps: Readonly<Record<string, Lowering>> = {
  MaxPooling: forward,
  MaxPoolingGradient: gradient,
  MaxPoolingSelection: selection,
};
