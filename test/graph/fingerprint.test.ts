// What a graph says of itself: the same for graphs that compute the same way, another for any difference.
import { constant, fingerprint, grad, input, op, type Value } from "@innerloop/graph";
import { expect, it } from "vitest";

function textOf(...outputs: Value[]): string {
  let text = "";
  fingerprint(outputs, (piece) => {
    text += piece;
  });
  return text;
}

const folded = (by: number): Value => {
  const [s, e] = [input("s", [2]), input("e", [4, 2])];
  return op.Scan([s], [e], ([s], [e]) => ({ carried: [op.Mul(op.Sin(s!), op.Add(e!, by))], collected: [] }))
    .carried[0]!;
};

const slope = (power: number): Value => {
  const x = input("x", [3]);
  return grad(op.ReduceSum(op.Mul(op.Pow(x, power), constant([1, 2, 3])), { keepdims: false }), [x])[0]!;
};

it("is the same for graphs that were built apart, and does not know when", () => {
  expect(textOf(slope(3))).toBe(textOf(slope(3)));
  expect(textOf(folded(3))).toBe(textOf(folded(3)));
  expect(textOf(slope(3))).not.toBe(textOf(slope(2)));
});

it("tells every kind of difference", () => {
  const [x, y] = [input("x", [2, 2]), input("y", [2, 2])];
  const many = Float64Array.from({ length: 50 }, (_, i) => i);
  const other = many.slice();
  other[40]! += 1e-9;
  const scan = (by: number) =>
    op.Scan([x], [y], ([s], [e]) => ({ carried: [op.Add(op.Mul(s!, by), e!)], collected: [] })).carried[0]!;
  const loop = (by: number) =>
    op.Loop(input("k", [], "int64"), [x], (v) => ({ carried: [op.Mul(v, by)], collected: [] }), "k").carried[0]!;
  const texts = [
    textOf(x),
    textOf(input("x", [2, 3])),
    textOf(input("x", [2, 2], "int64")),
    textOf(op.Sub(x, y)),
    textOf(op.Sub(y, x)),
    textOf(op.Add(x, y)),
    textOf(op.Transpose(x, [1, 0])),
    textOf(op.Softmax(x, 0)),
    textOf(op.Softmax(x, 1)),
    textOf(x, y),
    textOf(y, x),
    textOf(scan(2)),
    textOf(scan(3)),
    textOf(loop(2)),
    textOf(loop(3)),
    textOf(constant(many)),
    textOf(constant(other)),
    textOf(constant(0)),
    textOf(constant(-0)),
    textOf(constant(1)),
    textOf(constant(1, [], "int32")),
  ];
  expect(new Set(texts).size).toBe(texts.length);
});
