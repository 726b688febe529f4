// Shapes, as properties: what broadcasting, reshaping, transposing, slicing and joining give for any sizes.
import { constant, evaluate, grad, input, op, type Value } from "@innerloop/graph";
import fc from "fast-check";
import { expect, test } from "vitest";
import { numbers, randomNumbers, size } from "./numbers.ts";

const dims = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const counted = (shape: readonly number[]): Value =>
  constant(
    Array.from({ length: size(shape) }, (_, i) => i),
    shape,
    "float64",
  );
const dataOf = (value: Value): number[] => [...evaluate([value])[0]!.data];

/** The place of an index in an array laid out row by row. */
const place = (index: readonly number[], shape: readonly number[]): number =>
  index.reduce((at, i, axis) => at * shape[axis]! + i, 0);

/** Every index of a shape, row by row. */
const indices = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, length) => all.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])),
    [[]],
  );

test("two shapes broadcast as NumPy says, in either order", () => {
  const pair = dims.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      fc.integer({ min: 0, max: shape.length - 1 }),
    ),
  );
  fc.assert(
    fc.property(pair, ([shape, ones, otherOnes, dropped]) => {
      const a = shape.map((dim, i) => (ones[i] ? 1 : dim));
      const b = shape.map((dim, i) => (otherOnes[i] ? 1 : dim)).slice(dropped);
      const full = shape.map((_, i) => Math.max(a[i]!, i < dropped ? 1 : b[i - dropped]!));
      const sum = op.Add(counted(a), op.Mul(1000, counted(b)));
      expect(sum.shape).toEqual(full);
      const expected = indices(full).map((index) => {
        const inA = place(
          index.map((i, axis) => (a[axis] === 1 ? 0 : i)),
          a,
        );
        const inB = place(
          index.slice(dropped).map((i, axis) => (b[axis] === 1 ? 0 : i)),
          b,
        );
        return inA + 1000 * inB;
      });
      expect(dataOf(sum)).toEqual(expected);
      expect(op.Add(counted(b), counted(a)).shape).toEqual(full);
    }),
    { numRuns: 100 },
  );
});

test("shapes that do not broadcast are refused with both shapes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 9 }), (a, b) => {
      fc.pre(a !== b);
      expect(() => op.Mul(input("a", [3, a]), input("b", [b]))).toThrow(
        `Mul(float32[3, ${a}], float32[${b}]): the shapes do not broadcast`,
      );
    }),
    { numRuns: 20 },
  );
});

test("Transpose puts each number where the axes say, and its inverse puts it back", () => {
  const turned = dims.chain((shape) =>
    fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
  );
  fc.assert(
    fc.property(turned, ([shape, perm]) => {
      const x = counted(shape);
      const y = op.Transpose(x, perm);
      expect(y.shape).toEqual(perm.map((axis) => shape[axis]));
      const expected = indices(y.shape as number[]).map((index) =>
        place(
          shape.map((_, axis) => index[perm.indexOf(axis)]!),
          shape,
        ),
      );
      expect(dataOf(y)).toEqual(expected);
      const inverse = perm.map((_, axis) => perm.indexOf(axis));
      expect(dataOf(op.Transpose(y, inverse))).toEqual(dataOf(x));
    }),
    { numRuns: 100 },
  );
});

test("Reshape keeps the numbers in their order, and −1 and 0 stand for what is left and what was", () => {
  fc.assert(
    fc.property(dims, fc.nat(), (shape, pick) => {
      const x = counted(shape);
      const open = pick % shape.length;
      const y = op.Reshape(
        op.Flatten(x, 0),
        shape.map((dim, axis) => (axis === open ? -1 : dim)),
      );
      expect(y.shape).toEqual(shape);
      expect(dataOf(y)).toEqual(dataOf(x));
      expect(op.Reshape(x, [0, -1]).shape).toEqual([shape[0], size(shape.slice(1))]);
      expect(() => op.Reshape(x, [size(shape) + 1])).toThrow(`has ${size(shape)} elements`);
    }),
    { numRuns: 100 },
  );
});

test("an array of no elements takes any shape of none, as what is repeated and summed does", () => {
  const x = input("x", [1, 0]);
  expect(op.Reshape(x, [0]).shape).toEqual([0]);
  expect(op.Reshape(x, [0, 0, 2]).shape).toEqual([1, 0, 2]);
  expect(op.Tile(x, [1, 2]).shape).toEqual([1, 0]);
  const [slope] = grad(op.ReduceSum(op.Mul(op.Add(input("y", [16, 0]), x), 2), { keepdims: false }), [x]);
  expect(slope!.shape).toEqual([1, 0]);
  expect(() => op.Reshape(x, [1])).toThrow(/0 elements/);
});

test("Slice is JavaScript's slice along one axis, and Concat of the parts is the whole", () => {
  const part = dims.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.nat(shape.length - 1),
      fc.integer({ min: -6, max: 6 }),
      fc.integer({ min: -6, max: 6 }),
    ),
  );
  fc.assert(
    fc.property(part, ([shape, axis, start, end]) => {
      const x = counted(shape);
      const y = op.Slice(x, [start], [end], [axis]);
      const kept = Array.from({ length: shape[axis]! }, (_, i) => i).slice(start, end);
      expect(y.shape).toEqual(shape.map((dim, i) => (i === axis ? kept.length : dim)));
      const expected = indices(shape)
        .filter((index) => kept.includes(index[axis]!))
        .map((index) => place(index, shape));
      expect(dataOf(y)).toEqual(expected);
      const at = ((start % shape[axis]!) + shape[axis]!) % shape[axis]!;
      const whole = op.Concat([op.Slice(x, [0], [at], [axis]), op.Slice(x, [at], [shape[axis]!], [axis])], axis);
      expect(dataOf(whole)).toEqual(dataOf(x));
    }),
    { numRuns: 100 },
  );
});

test("reductions give the shape that NumPy gives", () => {
  fc.assert(
    fc.property(dims, fc.nat(), fc.boolean(), (shape, mask, keepdims) => {
      const axes = [...shape.keys()].filter((axis) => (mask >> axis) & 1);
      fc.pre(axes.length > 0);
      const y = op.ReduceSum(counted(shape), { axes: axes.map((axis) => axis - shape.length), keepdims });
      expect(y.shape).toEqual(shape.flatMap((dim, axis) => (!axes.includes(axis) ? [dim] : keepdims ? [1] : [])));
      const total = (size(shape) * (size(shape) - 1)) / 2;
      expect(dataOf(y).reduce((a, b) => a + b)).toBe(total);
    }),
    { numRuns: 100 },
  );
});

test("what the padding of a transposed convolution's output adds is zero, be it more than the stride", () => {
  const [x, w] = [input("x", [1, 2, 4], "float64"), input("w", [2, 3, 3], "float64")];
  const next = randomNumbers(8);
  const feeds = { x: numbers([1, 2, 4], next), w: numbers([2, 3, 3], next) };
  const plain = op.ConvTranspose(x, w, undefined, { dilations: [3] });
  const padded = op.ConvTranspose(x, w, undefined, { dilations: [3], outputPadding: [2] });
  const [expected, actual] = evaluate([op.Pad(plain, [0, 0, 0, 0, 0, 2]), padded], feeds);
  expect(actual).toEqual(expected);
});

test.each(["reflect", "edge", "wrap"] as const)("along an open axis the same is put around by %s", (mode) => {
  const feeds = { x: numbers([2, 5], randomNumbers(7)) };
  const [known, open] = [
    [2, 5],
    [2, "n"],
  ].map((shape) => evaluate([op.Pad(input("x", shape, "float64"), [0, 2, 0, 3], mode)], feeds));
  expect(open).toEqual(known);
});
