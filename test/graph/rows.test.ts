// The pass `rows`: of what is read in part alone those rows are computed that something reads, with the same numbers and derivatives.
import {
  constant,
  cotangents,
  evaluate,
  grad,
  input,
  neededRows,
  op,
  print,
  readOnnx,
  topological,
  type Value,
} from "@innerloop/graph";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { distance } from "./numbers.ts";
import { apart, lowered, multiplied, named, random, run, sumOf, type Values } from "./passing.ts";
import { feedsOf, graphOf, names, picked, sums } from "./row-graphs.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Runs something without the pass. */
function unmoved<T>(build: () => T): T {
  vi.stubEnv("INNERLOOP_WITHOUT", "rows");
  const result = build();
  vi.unstubAllEnvs();
  return result;
}

describe("random graphs", () => {
  let moved = 0;

  test("have the same numbers, and nothing more is moved when it is asked again", () => {
    fc.assert(
      fc.property(picked, (list) => {
        const { outputs } = graphOf(list);
        const rows = neededRows(outputs);
        expect(rows.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
        expect(print(neededRows(rows))).toBe(print(rows));
        if (rows.every((value, i) => value === outputs[i])) return;
        moved++;
        for (const n of [1, 3]) {
          const [before, after] = [evaluate(outputs, feedsOf(n)), evaluate(rows, feedsOf(n))];
          before.forEach(({ data }, i) => {
            expect(distance(after[i]!.data, data)).toBeLessThan(1e-11);
          });
        }
      }),
      { numRuns: 500, seed: 5 },
    );
    expect(moved).toBeGreaterThan(60);
  });

  test("have the same derivatives, first and second", () => {
    fc.assert(
      fc.property(picked, (list) => {
        const { outputs, leaves } = graphOf(list);
        if (neededRows(outputs).every((value, i) => value === outputs[i])) return;
        const slopes = () => grad(sums(outputs), leaves);
        const [before, after] = [unmoved(slopes), slopes()];
        const feeds = feedsOf(2);
        const [a, b] = [evaluate(before, feeds), evaluate(after, feeds)];
        a.forEach(({ data }, i) => {
          expect(distance(b[i]!.data, data)).toBeLessThan(1e-9);
        });
      }),
      { numRuns: 200, seed: 6 },
    );
    fc.assert(
      fc.property(picked, (list) => {
        const { outputs, leaves } = graphOf(list.slice(0, 7));
        if (neededRows(outputs).every((value, i) => value === outputs[i])) return;
        const second = () => grad(sums(grad(sums(outputs), leaves)), leaves);
        const feeds = feedsOf(2);
        const [a, b] = [evaluate(unmoved(second), feeds), evaluate(second(), feeds)];
        a.forEach(({ data }, i) => {
          expect(distance(b[i]!.data, data)).toBeLessThan(1e-8);
        });
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  test("without anything that reads a part are the same nodes", () => {
    const cutting = ["cut", "cutFromEnd", "stepped", "taken", "looked"];
    fc.assert(
      fc.property(picked, (list) => {
        const { outputs } = graphOf(list.filter(([step]) => !cutting.includes(names[step]!)).concat([[0, 0, 0, 0]]));
        expect(print(neededRows(outputs))).toBe(print(outputs));
      }),
      { numRuns: 100, seed: 8 },
    );
  });
});

const [tokens, width, heads] = [16, 32, 4];
const weight = (name: string, ...shape: number[]): Value => input(name, shape);

/** The weights of a layer. */
const weightsOf = (layer: string): Record<string, Value> => ({
  ...Object.fromEntries(["q", "k", "v", "out"].map((name) => [name, weight(`${layer}.${name}`, width, width)])),
  ...{ up: weight(`${layer}.up`, width, 4 * width), down: weight(`${layer}.down`, 4 * width, width) },
  ...{ gain: weight(`${layer}.gain`, width), bias: weight(`${layer}.bias`, width) },
});

/** A product as it is, and as some exporters have it, of a matrix that has the tokens of all examples. */
const plainly = (x: Value, w: Value): Value => op.MatMul(x, w);
const flatly = (x: Value, w: Value): Value =>
  op.Reshape(op.MatMul(op.Reshape(x, [-1, x.shape.at(-1)!]), w), [...x.shape.slice(0, -1), w.shape[1]!]);

/** A layer of a transformer, with its norms before what they are for. */
function layer(x: Value, w: Readonly<Record<string, Value>>, product = plainly): Value {
  const [n = 1, t = 1] = x.shape;
  const norm = (value: Value) => op.LayerNormalization(value, w.gain!, w.bias);
  const split = (value: Value) => op.Transpose(op.Reshape(value, [n, t, heads, width / heads]), [0, 2, 1, 3]);
  const normed = norm(x);
  const [q, k, v] = ["q", "k", "v"].map((name) => split(product(normed, w[name]!))) as [Value, Value, Value];
  const scores = op.Softmax(op.Div(op.MatMul(q, op.Transpose(k, [0, 1, 3, 2])), Math.sqrt(width / heads)));
  const attended = op.Reshape(op.Transpose(op.MatMul(scores, v), [0, 2, 1, 3]), [n, t, width]);
  const y = op.Add(x, product(attended, w.out!));
  return op.Add(y, product(op.Gelu(product(norm(y), w.up!)), w.down!));
}

const layers = [weightsOf("0"), weightsOf("1")];
const head = weight("head", width, 3);
const all = [...layers.flatMap((w) => Object.values(w)), head];
const transformer = (x: Value, read: (y: Value) => Value, product = plainly): Value =>
  op.MatMul(read(layers.reduce((y, w) => layer(y, w, product), x)), head);
const first = (y: Value): Value => op.Gather(y, constant(0, [], "int64"), 1);
const feeds = (n: number, t = tokens) => ({
  x: random([n, t, width]),
  ...Object.fromEntries(
    all.map(({ node, shape }) => [String(node.attributes.name), random(shape as readonly number[])] as const),
  ),
});

describe("a transformer that answers from one token", () => {
  const x = input("x", [4, tokens, width]);
  const y = transformer(x, first);
  const [rows] = neededRows([y]) as [Value];
  const value = (slope: boolean): Values => {
    const slopes = slope ? grad(sumOf(op.Mul(y, y)), [x, ...all]) : [];
    return { y, ...Object.fromEntries(slopes.map((each, i) => [`slope${i}`, each])) };
  };

  test("needs keys and values of the last layer for all tokens, and the rest of it for one", () => {
    // Of a layer per token: q, out, up and down are ten of twelve products; scores and what they weigh are for each query.
    const others = 4 * (tokens - 1) * (10 * width ** 2 + 2 * tokens * width);
    expect(multiplied(topological([y])) - multiplied(topological([rows]))).toBe(others);
  });

  test("has the same numbers and slopes on ONNX Runtime, by fewer products", async () => {
    const [before, after] = [unmoved(() => value(true)), value(true)];
    const given = feeds(4);
    const [a, b] = [await run(before, given, ["rows"]), await run(after, given)];
    for (const name of Object.keys(a))
      expect(apart({ [name]: a[name]! }, { [name]: b[name]! }), name).toBeLessThan(1e-5);
    expect(multiplied(lowered(after))).toBeLessThan(0.75 * multiplied(lowered(before, ["rows"])));
  });

  test("is computed once where its value stands beside its slopes", () => {
    const [alone, beside] = [value(false), value(true)];
    const without = Object.fromEntries(Object.entries(beside).filter(([name]) => name !== "y"));
    const counted = (values: Values) => multiplied(lowered(values));
    // The head's product is all that slopes do without.
    expect(counted(beside) - counted(without)).toBeLessThanOrEqual(4 * width * 3);
    expect(counted(alone)).toBe(multiplied(topological([rows])));
  });

  test("stays what its author wrote where it is read from a file", () => {
    const floats = (name: string, ...dims: number[]) => ({
      ...{ name, dims, dataType: onnx.TensorProto.DataType.FLOAT, floatData: Array.from(random(dims).data, Number) },
    });
    const int = (name: string, i: number) => ({ name, type: onnx.AttributeProto.AttributeType.INT, i });
    const type = (...sizes: (string | number)[]) => ({
      tensorType: {
        elemType: onnx.TensorProto.DataType.FLOAT,
        shape: { dim: sizes.map((size) => (typeof size === "string" ? { dimParam: size } : { dimValue: size })) },
      },
    });
    const bytes = encodeModel({
      ...{ irVersion: 8, opsetImport: [{ domain: "", version: 18 }] },
      graph: {
        name: "m",
        node: [
          { opType: "MatMul", input: ["x", "w"], output: ["h"] },
          { opType: "LayerNormalization", input: ["h", "gain", "bias"], output: ["l"] },
          { opType: "Gather", input: ["l", "zero"], output: ["z"], attribute: [int("axis", 1)] },
          { opType: "Gemm", input: ["z", "v", "bias"], output: ["y"], attribute: [int("transB", 1)] },
        ],
        initializer: [
          ...[floats("w", 8, 8), floats("v", 8, 8), floats("gain", 8), floats("bias", 8)],
          { name: "zero", dataType: onnx.TensorProto.DataType.INT64, int64Data: [0] },
        ],
        input: [{ name: "x", type: type("n", 16, 8) }],
        output: [{ name: "y", type: type("n", 8) }],
      },
    });
    const before = Object.values(readOnnx(bytes, "m").outputs);
    const after = neededRows(before);
    const shapes = (values: readonly Value[], name: string) =>
      topological(values).flatMap(({ operator, outputs: [{ shape }] }) => (operator.writtenAs === name ? [shape] : []));
    expect(shapes(before, "LayerNormalization")).toEqual([["n", 16, 8]]);
    expect(shapes(after, "LayerNormalization")).toEqual([["n", 1, 8]]);
    expect(shapes(after, "Gemm")).toEqual([["n", 8]]);
  });

  test("needs no more where its products are of the tokens of all examples", async () => {
    const flat = transformer(x, first, flatly);
    expect(multiplied(topological(neededRows([flat])))).toBe(multiplied(topological([rows])));
    const open = transformer(input("x", ["n", "t", width]), first, flatly);
    const slopes = () => ({ open, slope: grad(sumOf(op.Mul(open, open)), [layers[1]!.up!])[0]! });
    const wide = (values: readonly Value[]) =>
      topological(values).filter(
        ({ operator, outputs: [{ shape }] }) => operator.name === "MatMul" && shape.join() === `n*t,${4 * width}`,
      ).length;
    expect([wide([open]), wide(neededRows([open]))]).toEqual([2, 1]);
    const given = feeds(3, 5);
    expect(apart(await run(unmoved(slopes), given, ["rows"]), await run(slopes(), given))).toBeLessThan(1e-5);
  });

  test("does the same for the last of any number of tokens", async () => {
    const open = input("x", ["n", "t", width]);
    const last = transformer(open, (z) => op.Gather(z, constant(-1, [], "int64"), 1));
    expect(neededRows([last])[0]).not.toBe(last);
    const slopes = () => ({ last, slope: grad(sumOf(op.Mul(last, last)), [open])[0]! });
    for (const [n, t] of [
      [1, 1],
      [3, 7],
    ] as const) {
      const given = feeds(n, t);
      const [a, b] = [await run(unmoved(slopes), given, ["rows"]), await run(slopes(), given)];
      expect(apart(a, b)).toBeLessThan(1e-5);
    }
  });
});

describe("rows that are not left out", () => {
  const x = input("x", [8, 64, 64]);
  const w = input("w", [64, 64]);
  const same = (...outputs: Value[]) => expect(print(neededRows(outputs))).toBe(print(outputs));

  test("are those of more than half of an axis, and of what is read whole elsewhere", () => {
    const y = op.MatMul(x, w);
    same(op.Slice(y, [0], [33], [1]));
    same(op.Slice(y, [0], [2], [1]), y);
    same(op.Slice(y, [0], [2], [1]), op.ReduceSum(y));
    same(op.Slice(y, [0], [40], [1]), op.Slice(y, [20], [64], [1]));
  });

  test("are those that each row is made of", () => {
    same(op.Slice(op.Softmax(op.Tanh(x), 1), [0], [1], [1]));
    same(op.Slice(op.Standardize(op.Tanh(x), [1, 2]), [0], [1], [1]));
    same(op.Slice(op.CumSum(op.Tanh(x), 1), [0], [1], [1]));
  });

  test("are those of arrays that are cut more often than they save", () => {
    const [a, b, c] = [input("a", [4, 6]), input("b", [4, 6]), input("c", [4, 6])];
    same(op.Slice(op.Where(op.Greater(a, b), b, c), [0], [1], [0]));
  });

  test("are those of a value that derivatives are taken for", () => {
    const y = op.MatMul(x, w);
    const z = op.Tanh(op.Slice(y, [0], [1], [1]));
    const [slope] = cotangents([z], [input("seed", z.shape)], [y]);
    expect(slope?.shape).toEqual([8, 64, 64]);
  });
});

describe("what several read in parts", () => {
  const [x, w] = [input("x", [8, 64, 64]), input("w", [64, 64])];
  const products = (values: readonly Value[]) => multiplied(topological(values));

  test("is computed once, for the rows of all of them", () => {
    const y = op.Tanh(op.MatMul(x, w));
    const outputs = [op.Slice(y, [0], [2], [1]), op.Slice(y, [10], [14], [1]), op.Slice(y, [1], [3], [1]), first(y)];
    const rows = neededRows(outputs);
    expect(products(rows)).toBe(8 * 7 * 64 * 64);
    expect(topological(rows).filter(({ operator }) => operator.name === "MatMul")).toHaveLength(1);
  });

  test("is not computed at all where it lies beside what is read", () => {
    const y = op.Concat([op.MatMul(x, w), op.MatMul(op.Tanh(x), w), x], 1);
    const [rows] = neededRows([op.Slice(y, [70], [74], [1])]) as [Value];
    expect(products([rows])).toBe(8 * 4 * 64 * 64);
    expect(named("Concat")(topological([rows]))).toBe(0);
  });
});

test("what takes nothing along one axis still takes nothing where less is read along another", () => {
  const x = input("x", [1, 8]);
  const nothing = op.Slice(op.Tanh(x), [1], [1], [0]);
  const beside = op.Concat([op.Slice(x, [0], [3], [1]), op.Slice(nothing, [2], [5], [1])], 0);
  const [rows] = neededRows([beside]) as [Value];
  expect(rows.shape).toEqual([1, 3]);
});

test("the pass takes time by the size of a graph", () => {
  const deep = (length: number): Value => {
    let y = input("x", [2, 64, 16]);
    for (let i = 0; i < length; i++) y = op.Add(op.Tanh(y), op.MatMul(y, input(`w${i}`, [16, 16])));
    return first(y);
  };
  const took = (length: number): number => {
    const y = deep(length);
    const start = performance.now();
    expect(multiplied(topological(neededRows([y])))).toBe(2 * 16 * 16 * length);
    return performance.now() - start;
  };
  took(200);
  const short = took(1000);
  expect(took(8000)).toBeLessThan(40 * short + 200);
});
