// Sums of what was joined with zeros, as the derivatives of parts of one value are: the parts side by side, without the zeros.
import { constant } from "../core/build.ts";
import { madeBy, type Value } from "../core/value.ts";
import { Add } from "../ops/arithmetic.ts";
import { Expand } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";

/** What is left of a row of parts. */
interface Row {
  readonly parts: readonly Value[];
  next: number;
  /** How much of the next part was passed; of zeros alone any piece. */
  passed: number;
}

/**
 * a + b where both are joined along one axis and, wherever the parts of one meet other places than those of the other, one of
 * them is zero.
 */
export function sumOfJoined(a: Value, b: Value, isZero: (value: Value) => boolean): Value | undefined {
  const [left, right] = [madeBy(a, Concat), madeBy(b, Concat)];
  if (!left || !right || left.attributes.axis !== right.attributes.axis) return undefined;
  const { axis } = left.attributes;
  if (![...left.inputs, ...right.inputs].some(isZero)) return undefined;
  const sizeAt = ({ parts, next, passed }: Row): number => {
    const size = parts[next]?.shape[axis];
    return typeof size === "number" ? size - passed : Number.NaN;
  };
  const [x, y]: [Row, Row] = [
    { parts: left.inputs, next: 0, passed: 0 },
    { parts: right.inputs, next: 0, passed: 0 },
  ];
  const pass = (row: Row, size: number): void => {
    if (size === sizeAt(row)) [row.next, row.passed] = [row.next + 1, 0];
    else row.passed += size;
  };
  const parts: Value[] = [];
  for (;;) {
    const [p, q] = [x.parts[x.next], y.parts[y.next]];
    if (!p || !q) return p || q ? undefined : Concat(parts, axis);
    const size = Math.min(sizeAt(x), sizeAt(y));
    const [pz, qz] = [isZero(p), isZero(q)];
    const [whole, wholeToo] = [x.passed === 0 && sizeAt(x) === size, y.passed === 0 && sizeAt(y) === size];
    if (!(size > 0) || !((pz || whole) && (qz || wholeToo))) return undefined;
    const shape = p.shape.map((dim, i) => (i === axis ? size : dim));
    if (pz && qz) parts.push(Expand(constant(0, [], p.dtype), shape));
    else parts.push(pz ? q : qz ? p : Add(p, q));
    pass(x, size);
    pass(y, size);
  }
}
