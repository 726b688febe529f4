// The passes of the compiler, each by itself: ONNX Runtime computes the same numbers with it as without it, and what it is for comes
// out: fewer nodes, or fewer walks over large arrays.
import {
  constant,
  earlyPasses,
  grad,
  innerLoop,
  input,
  isSubgraph,
  lower,
  onnxTarget,
  op,
  passes,
  print,
  together,
  topological,
  type Value,
} from "@innerloop/graph";
import type { InnerloopError } from "@innerloop/schemas";
import { afterEach, describe, expect, test, vi } from "vitest";
import { size } from "./numbers.ts";
import { apart, type Feeds, lowered, multiplied, named, random, run, sumOf, type Values, walks } from "./passing.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A case of one pass: a graph, and what there is less of. */
interface Case {
  readonly outputs: () => Values;
  readonly feeds: Feeds;
  readonly counted: (nodes: ReturnType<typeof lowered>) => number;
  /** How far numbers may be apart, over the largest. */
  readonly within?: number;
}

/** Slopes of Σ t · relu(norm(x) · gain + bias). */
function normed(shape: readonly number[]): Values {
  const channels = shape.slice(-1);
  const [x, t, gain, bias] = [input("x", shape), input("t", shape), input("gain", channels), input("bias", channels)];
  const y = op.Relu(op.Normalize(x, gain, bias, "layer"));
  const slopes = grad(sumOf(op.Mul(y, t)), [x, gain, bias]);
  return { y, ...Object.fromEntries(slopes.map((slope, i) => [`slope${i}`, slope])) };
}
const normFeeds = (shape: readonly number[]): Feeds => ({
  x: random(shape),
  t: random(shape),
  gain: random(shape.slice(-1)),
  bias: random(shape.slice(-1)),
});
/** Convolutions of every map of the form, over few places and many examples: of stride 2 from 7×7 to 4×4, and of stride 1 on these. */
function convolved(): Values {
  const [x, w, v, t] = [
    input("x", [48, 7, 7, 32]),
    input("w", [3, 3, 32, 32]),
    input("v", [3, 3, 32, 40]),
    input("t", [48, 4, 4, 40]),
  ];
  const pads = [1, 1, 1, 1];
  const y = op.Convolution(op.Convolution(x, w, { strides: [2, 2], pads }), v, { pads });
  const slopes = grad(sumOf(op.Mul(op.Mul(y, y), t)), [x, w, v]);
  return { y, ...Object.fromEntries(slopes.map((slope, i) => [`slope${i}`, slope])) };
}

/** The nodes of a loop that every turn goes through: they depend on what it hands on. */
function turning(nodes: ReturnType<typeof lowered>): ReturnType<typeof lowered> {
  const moving = new Set<Value | undefined>(
    nodes.flatMap(({ attributes: { body } }) =>
      body && typeof body === "object" && "results" in body ? body.parameters : [],
    ),
  );
  return nodes.filter(({ operator, inputs, outputs }) => {
    const moves = operator.name !== "Loop" && inputs.some((value) => moving.has(value));
    for (const value of moves ? outputs : []) moving.add(value);
    return moves;
  });
}

/** A few steps on a convolution, a norm and a head, as a loop: the loss before each, and where they lead. */
function looped(): Values {
  const [x, t, steps, rate] = [
    input("x", ["n", 6, 6, 1]),
    input("t", ["n", 3]),
    input("steps", [], "int64"),
    input("rate", []),
  ];
  const weights = {
    ...{ w: input("w", [3, 3, 1, 8]), gain: input("gain", [8]), bias: input("bias", [8]) },
    ...{ head: input("head", [72, 3]), last: input("last", [3]) },
  };
  const loss = (p: Values) => {
    const y = op.Convolution(x, p.w!, { strides: [2, 2], pads: [1, 1, 1, 1] });
    const seen = op.Relu(op.Normalize(y, p.gain!, p.bias!, "layer"));
    const away = op.Sub(op.Add(op.MatMul(op.Flatten(seen), p.head!), p.last!), t);
    return op.ReduceMean(op.Mul(away, away), { keepdims: false });
  };
  const rates = Object.fromEntries(
    Object.keys(weights).map((name, i) => [name, op.Mul(constant(0.02 + i / 100), rate)]),
  );
  const { adapted, losses } = innerLoop(loss, weights, { steps, rates, loop: "plain" });
  return { losses, ...Object.fromEntries(Object.entries(adapted).map(([name, value]) => [`next/${name}`, value])) };
}
const loopedFeeds: Feeds = {
  ...{ x: random([4, 6, 6, 1]), t: random([4, 3]), w: random([3, 3, 1, 8]), gain: random([8]), bias: random([8]) },
  ...{ head: random([72, 3]), last: random([3]), rate: { dtype: "float32", shape: [], data: Float32Array.of(1) } },
  steps: { dtype: "int64", shape: [], data: BigInt64Array.of(3n) },
};

const [wide, wider] = [
  [8, 8, 8, 80],
  [24, 8, 8, 96],
];

const cases: Readonly<Record<string, Case>> = {
  points: {
    outputs: convolved,
    feeds: {
      ...{ x: random([48, 7, 7, 32]), w: random([3, 3, 32, 32]), v: random([3, 3, 32, 40]) },
      t: random([48, 4, 4, 40]),
    },
    counted: multiplied,
    within: 1e-5,
  },
  rows: {
    outputs: () => {
      const [x, w, v] = [input("x", [4, 32, 64]), input("w", [64, 64]), input("v", [64, 64])];
      const keys = op.Transpose(op.MatMul(x, w), [0, 2, 1]);
      const y = op.MatMul(op.Softmax(op.MatMul(op.MatMul(x, v), keys)), x);
      return { y: op.Gather(op.Relu(op.MatMul(y, w)), constant(0, [], "int64"), 1) };
    },
    feeds: { x: random([4, 32, 64]), w: random([64, 64]), v: random([64, 64]) },
    counted: multiplied,
    within: 1e-5,
  },
  counts: {
    outputs: () => {
      const [x, steps, w] = [input("x", ["n", 3]), input("steps", [], "int64"), input("w", [3])];
      const loss = (p: Values) => {
        const away = op.Sub(op.ReduceSum(op.Mul(x, p.w!), { axes: [1], keepdims: false }), 1);
        return op.ReduceMean(op.Mul(away, away), { keepdims: false });
      };
      return { "next/w": innerLoop(loss, { w }, { steps, rates: { w: 0.1 }, loop: "plain" }).adapted.w! };
    },
    feeds: {
      x: random([7, 3]),
      w: random([3]),
      steps: { dtype: "int64", shape: [], data: BigInt64Array.of(4n) },
    },
    counted: named("Equal"),
  },
  hoisted: {
    outputs: () => {
      const [x, w, t] = [input("x", [4, 6, 6, 2]), input("w", [3, 3, 2, 3]), input("t", [4, 4, 4, 3])];
      const loss = (p: Values) => {
        const away = op.Sub(op.Tanh(op.Convolution(x, p.w!)), t);
        return op.ReduceMean(op.Mul(away, away), { keepdims: false });
      };
      const { adapted } = innerLoop(loss, { w }, { steps: 3, rates: { w: 0.1 }, structure: "checkpoints" });
      return { adapted: adapted.w!, slope: grad(loss(adapted), [w])[0]! };
    },
    feeds: { x: random([4, 6, 6, 2]), w: random([3, 3, 2, 3]), t: random([4, 4, 4, 3]) },
    // Of the columns, inside and outside the turns.
    counted: (nodes) =>
      nodes
        .flatMap(({ attributes }) =>
          Object.values(attributes).flatMap((graph) => (isSubgraph(graph!) ? graph.gives : [])),
        )
        .flatMap((value) => topological([value]))
        .filter(({ operator }, i, all) => operator.name === "Gather" && all.indexOf(all[i]!) === i).length,
  },
  simplify: {
    outputs: () => {
      const x = input("x", [4, 5]);
      return { slope: grad(sumOf(op.Mul(op.Neg(op.Tanh(x)), op.Mul(op.Add(x, 0), 2))), [x])[0]! };
    },
    feeds: { x: random([4, 5]) },
    counted: (nodes) => nodes.length,
  },
  sums: { outputs: () => normed(wide), feeds: normFeeds(wide), counted: walks(size(wide)) },
  norms: { outputs: () => normed(wider), feeds: normFeeds(wider), counted: walks(size(wider)) },
  products: {
    outputs: () => {
      const [x, w, b, t] = [input("x", [6, 4]), input("w", [4, 3]), input("b", [3]), input("t", [6, 3])];
      const away = op.Sub(op.Add(op.MatMul(x, w), b), t);
      const [dw, db] = grad(sumOf(op.Mul(away, away)), [w, b]) as [Value, Value];
      const rate = input("rate", []);
      return { "next/w": op.Sub(w, op.Mul(rate, dw)), "next/b": op.Sub(b, op.Mul(rate, db)) };
    },
    feeds: {
      ...{ x: random([6, 4]), w: random([4, 3]), b: random([3]), t: random([6, 3]) },
      rate: { dtype: "float32", shape: [], data: Float32Array.of(0.05) },
    },
    counted: (nodes) => nodes.length,
  },
  blocks: {
    outputs: () => {
      const [x, w, t] = [input("x", [32, 14, 14, 8]), input("w", [3, 3, 8, 16]), input("t", [32, 14, 14, 16])];
      const y = op.Convolution(x, w, { pads: [1, 1, 1, 1] });
      return { slope: grad(sumOf(op.Mul(y, t)), [x])[0]! };
    },
    feeds: { w: random([3, 3, 8, 16]), t: random([32, 14, 14, 16]) },
    counted: (nodes) => Math.max(...nodes.map(({ outputs: [y] }) => size(y.shape.map(Number)))),
  },
  numbers: {
    outputs: () => {
      const [x, w] = [input("x", ["n", 14, 14, 1]), input("w", [3, 3, 1, 8])];
      const y = op.Tanh(op.Convolution(x, w, { strides: [2, 2], pads: [1, 1, 1, 1] }));
      return { y, slope: grad(sumOf(op.Mul(y, y)), [w])[0]! };
    },
    feeds: { x: random([6, 14, 14, 1]), w: random([3, 3, 1, 8]) },
    // Of pieces that are looked up one number at a time.
    counted: (nodes) =>
      nodes.filter(({ operator, outputs: [y] }) => operator.name === "Gather" && y.shape.at(-1) === 1).length,
  },
  reshapes: { outputs: looped, feeds: loopedFeeds, counted: (nodes) => named("Reshape")(turning(nodes)) },
};

describe.each(Object.entries(cases))("%s", (name, { outputs, feeds, counted, within = 3e-6 }) => {
  test("keeps the numbers", async () => {
    const values = outputs();
    expect(apart(await run(values, feeds, [name]), await run(values, feeds))).toBeLessThan(within);
  });

  test("leaves less to do", () => {
    const values = outputs();
    expect(counted(lowered(values))).toBeLessThan(counted(lowered(values, [name])));
  });
});

describe("norms without a derivative", () => {
  const shape = ["n", 4, 4, 40];
  const [x, gain, bias] = [input("x", shape), input("gain", [40]), input("bias", [40])];
  const y = op.Relu(op.Normalize(x, gain, bias, "layer"));

  test("take gain and bias into the kernel, however many examples come", async () => {
    for (const n of [1, 7]) {
      const feeds = { x: random([n, 4, 4, 40]), gain: random([40]), bias: random([40]) };
      expect(apart(await run({ y }, feeds, ["norms"]), await run({ y }, feeds))).toBeLessThan(3e-6);
    }
    const walked = (without: readonly string[]) =>
      lowered({ y }, without).filter(({ operator: { name } }) => name === "Mul" || name === "Add").length;
    expect([walked(["norms"]), walked([])]).toEqual([2, 0]);
  });
});

describe("together", () => {
  const [a, b, w] = [input("a", [3, 6, 6, 1]), input("b", [5, 6, 6, 1]), input("w", [3, 3, 1, 4])];
  const body = (x: Value): Value => {
    const y = op.Standardize(op.Convolution(x, w, { strides: [2, 2], pads: [1, 1, 1, 1] }), [1, 2, 3]);
    return op.Flatten(op.MaxPooling(op.Relu(y), [3, 3]));
  };
  const loss = () => sumOf(op.MatMul(body(a), op.Transpose(body(b))));
  const feeds = { a: random([3, 6, 6, 1]), b: random([5, 6, 6, 1]), w: random([3, 3, 1, 4]) };
  const slopes = (value: Value): Values => ({ loss: value, slope: grad(value, [w])[0]! });

  test("keeps the numbers, and runs a body that both go through once", async () => {
    const [apartOnes, joint] = [slopes(loss()), slopes(together([loss()], [a, b])[0]!)];
    expect(apart(await run(apartOnes, feeds), await run(joint, feeds))).toBeLessThan(3e-6);
    const count = named("LayerNormalizationRows");
    expect([count(lowered(apartOnes)), count(lowered(joint))]).toEqual([2, 1]);
    expect(named("Gather")(lowered(joint))).toBeLessThan(named("Gather")(lowered(apartOnes)));
  });

  test("leaves what mixes the rows, and what differs, as it is", () => {
    const other = input("v", [3, 3, 1, 4]);
    const mixing = op.Sub(a, op.ReduceMean(a, { axes: [0] }));
    const values = [
      sumOf(op.Add(sumOf(mixing), sumOf(op.Sub(b, op.ReduceMean(b, { axes: [0] }))))),
      sumOf(op.Add(sumOf(op.Convolution(a, w)), sumOf(op.Convolution(b, other)))),
    ];
    expect(print(together(values, [a, b]))).toBe(print(values));
  });

  test("is switched off by the environment", () => {
    vi.stubEnv("INNERLOOP_WITHOUT", "sums, together");
    expect(together([loss()], [a, b])).toEqual([loss()]);
  });
});

describe("the list", () => {
  const x = input("x", [4]);

  test("says of each pass what it does and why", () => {
    for (const { name, why } of [...earlyPasses, ...passes]) {
      expect(name).toMatch(/^[a-z]+$/);
      expect(why.length).toBeGreaterThan(100);
    }
  });

  test("tells what each pass made, before and after", () => {
    const told: string[] = [];
    const outputs = [op.Neg(op.Neg(op.Add(x, constant([1, 2, 3, 4]))))];
    const result = lower(outputs, onnxTarget(), {
      onPass: ({ pass, before, after }) => told.push(`${pass.name}: ${print(before)}→ ${print(after)}`),
    });
    expect(told.map((line) => line.split(":")[0])).toEqual(passes.map(({ name }) => name));
    expect(told.filter((line) => line.includes("Neg("))).not.toHaveLength(0);
    expect(told.at(-1)).toContain(`→ ${print(result)}`);
  });

  test("refuses to leave out a pass that is none, or that is needed", () => {
    for (const name of ["sum", "forms"])
      expect(() => lower([x], onnxTarget(), { without: [name] })).toThrow(
        expect.objectContaining({ code: "unknown-pass", exitStatus: 2 }) as InnerloopError,
      );
  });
});
