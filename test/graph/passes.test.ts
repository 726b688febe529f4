// The passes of the compiler, each by itself: ONNX Runtime computes the same numbers with it as without it, and what it is for comes
// out: fewer nodes, or fewer walks over large arrays.
import {
  constant,
  earlyPasses,
  grad,
  grams,
  innerLoop,
  input,
  isSubgraph,
  lower,
  onnxTarget,
  op,
  passes,
  print,
  readOnnx,
  Sidecar,
  together,
  topological,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { InnerloopError, Tensor } from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { afterEach, describe, expect, test, vi } from "vitest";
import { randomNumbers, size } from "./numbers.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const next = randomNumbers(3);
const random = (shape: readonly number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: size(shape) }, () => next()),
});
const sumOf = (value: Value): Value => op.ReduceSum(value, { keepdims: false });

type Values = Readonly<Record<string, Value>>;
type Feeds = Readonly<Record<string, Tensor>>;

async function run(outputs: Values, feeds: Feeds, without: readonly string[] = []): Promise<Record<string, Tensor>> {
  const session = await openSession(writeOnnx(outputs, { passes: { without } }));
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

/** The largest difference, over the largest number. */
function apart(a: Readonly<Record<string, Tensor>>, b: Readonly<Record<string, Tensor>>): number {
  let [difference, most] = [0, 0];
  for (const [name, { data }] of Object.entries(a))
    data.forEach((x, i) => {
      most = Math.max(most, Math.abs(Number(x)));
      difference = Math.max(difference, Math.abs(Number(x) - Number(b[name]!.data[i])));
    });
  return difference / most;
}

const lowered = (outputs: Values, without: readonly string[] = []) =>
  topological(lower(Object.values(outputs), onnxTarget(), { without })).filter(({ inputs }) => inputs.length > 0);

/** A case of one pass: a graph, and what there is less of. */
interface Case {
  readonly outputs: () => Values;
  readonly feeds: Feeds;
  readonly counted: (nodes: ReturnType<typeof lowered>) => number;
  /** How far numbers may be apart, over the largest. */
  readonly within?: number;
}

/** Nodes that go over so many numbers or more. */
const walks = (least: number) => (nodes: ReturnType<typeof lowered>) =>
  nodes.filter(
    ({ operator, inputs, outputs }) =>
      operator.family !== "movement" &&
      [...inputs, ...outputs].some((value) => value && size(value.shape.map(Number)) >= least),
  ).length;
const named = (name: string) => (nodes: ReturnType<typeof lowered>) =>
  nodes.filter(({ operator }) => operator.name === name).length;

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
    counted: (nodes) =>
      nodes
        .filter(({ operator }) => operator.name === "MatMul")
        .reduce((sum, { inputs: [a], outputs: [y] }) => sum + size(y.shape.map(Number)) * Number(a!.shape.at(-1)), 0),
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

describe("strides", () => {
  const hidden = 2048;
  const shapes = { first: [8, hidden], bias: [hidden], second: [hidden, 6] };
  const weights = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, random(shape)]));
  const x = input("x", [3, 16, 8]);
  const feeds = { x: random([3, 16, 8]) };
  /** What a network with a wide layer gives, and its slopes for the input and some of the weights. */
  const network = (moved: readonly string[] = []): Values => {
    const w = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]));
    const y = op.MatMul(op.Gelu(op.Add(op.MatMul(x, w.first!), w.bias!)), w.second!);
    const to = [x, ...moved.map((name) => w[name]!)];
    return { y, ...Object.fromEntries(grad(sumOf(op.Mul(y, y)), to).map((slope, i) => [`slope${i}`, slope])) };
  };
  const fixed = new Set(Object.keys(shapes));
  const file = (values: Values, without: readonly string[] = []) =>
    writeOnnx(values, { initializers: weights, fixed, passes: { without } });
  const results = async (bytes: Uint8Array) => {
    const session = await openSession(bytes);
    const found = await session.run(feeds);
    await session.dispose();
    return found;
  };
  /** How many numbers the products of a graph sum over. */
  const sums = (values: Values) =>
    topological(lower(Object.values(values), onnxTarget({ fixed })))
      .filter(({ operator: { name } }) => name === "MatMul" || name === "GemmSum")
      .map(({ inputs: [a], attributes: { transA } }) => a!.shape.at(transA === 1 ? 0 : -1));

  test("keeps the numbers, and each weight once", async () => {
    const [whole, parts] = [file(network(), ["strides"]), file(network())];
    expect(apart(await results(whole), await results(parts))).toBeLessThan(3e-6);
    expect(parts.length).toBeLessThan(whole.length + 2000);
    expect(sums(network())).not.toContain(hidden);
  });

  test("leaves what has a gradient for its weights as it is", async () => {
    expect(sums(network(["second"]))).toContain(hidden);
    expect(file(network(["second"]))).toEqual(file(network(["second"]), ["strides"]));
  });

  test("goes by what a node of a model that was read is made of", () => {
    const [first, second] = [input("first", shapes.first), input("second", shapes.second)];
    const y = op.MatMul(op.Mul(op.MatMul(x, first), 3), second);
    const { graph, ...rest } = decodeModel(writeOnnx({ y }, { passes: { without: ["products"] } }), "m");
    const node = graph!.node!.map((each) => (each.opType === "Mul" ? { ...each, opType: "Div" } : each));
    const weight = ({ name }: onnx.ValueInfoProto.$Properties) => {
      const numbers = weights[name!];
      return numbers
        ? [
            {
              name: name!,
              dataType: onnx.TensorProto.DataType.FLOAT,
              dims: [...numbers.shape],
              floatData: [...numbers.data].map(Number),
            },
          ]
        : [];
    };
    const read = readOnnx(
      encodeModel({
        ...rest,
        graph: { ...graph, node, initializer: [...graph!.initializer!, ...graph!.input!.flatMap(weight)] },
      }),
      "m",
    );
    expect(read.outputs.y!.node.inputs[0]!.node.operator.writtenAs).toBe("Div");
    expect(sums(read.outputs)).toEqual([8, 8, hidden / 2 + 16, hidden / 2 - 16]);
  });

  test("puts parts into a file that models share once, beside narrow ones", async () => {
    const beside = new Sidecar("weights.bin");
    const written = [{ y: network().y! }, network()].map((values) =>
      writeOnnx(values, {
        ...{ initializers: weights, fixed, external: beside.external },
        elements: { first: "float16" },
      }),
    );
    const numbers = Object.entries(shapes).map(([name, shape]) => size(shape) * (name === "first" ? 2 : 4));
    expect(beside.size).toBeLessThan(numbers.reduce((sum, bytes) => sum + bytes) + 5 * 4096);
    expect(written.map((bytes) => bytes.length < 20_000)).toEqual([true, true]);
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

describe("grams", () => {
  const shape = [12, 28, 28, 2];
  const [x, w, gain, bias] = [input("x", shape), input("w", [3, 3, 2, 80]), input("gain", [80]), input("bias", [80])];
  const y = op.Normalize(op.Convolution(x, w, { strides: [2, 2], pads: [1, 1, 1, 1] }), gain, bias, "layer");
  const feeds = { x: random(shape), w: random([3, 3, 2, 80]), gain: random([80]), bias: random([80]) };
  const slopes = (value: Value): Values => {
    const loss = sumOf(op.Mul(op.Relu(value), op.Tanh(value)));
    const [first, ...others] = grad(loss, [w, gain, bias]) as [Value, Value, Value];
    const [second] = grad(sumOf(op.Mul(first, first)), [w]);
    return { loss, first, second: second!, ...Object.fromEntries(others.map((slope, i) => [`slope${i}`, slope])) };
  };

  test("keeps the numbers, derivatives of derivatives as well, also of pictures far from zero", async () => {
    const bright = { ...feeds.x, data: (feeds.x.data as Float32Array).map((number) => 0.1 * number + 3) };
    const given = { ...feeds, x: bright };
    const [before, after] = [await run(slopes(y), given), await run(slopes(grams([y], [x])[0]!), given)];
    for (const [name, value] of Object.entries(before))
      expect(apart({ [name]: value }, { [name]: after[name]! }), name).toBeLessThan(1e-4);
    const near = [await run(slopes(y), feeds), await run(slopes(grams([y], [x])[0]!), feeds)] as const;
    expect(apart(...near)).toBeLessThan(3e-6);
  });

  test("goes over the large array less often", () => {
    const first = (value: Value): Values => ({ slope: grad(sumOf(op.Relu(value)), [w])[0]! });
    const most = walks(size([12, 14, 14, 80]));
    expect(most(lowered(first(grams([y], [x])[0]!)))).toBeLessThan(most(lowered(first(y))) / 2);
  });

  describe("of any number of examples, of which no derivative is to come", () => {
    const many = ["n", 28, 28, 1] as const;
    const [data, filters] = [input("x", many), input("w", [3, 3, 1, 80])];
    const convolution = op.Convolution(data, filters, { strides: [2, 2], pads: [1, 1, 1, 1] });
    const answer = op.Relu(op.Normalize(convolution, gain, bias, "layer"));

    test("keeps the numbers, for one and for several", async () => {
      for (const examples of [1, 7]) {
        const given = { ...feeds, x: random([examples, 28, 28, 1]), w: random([3, 3, 1, 80]) };
        const before = await run({ answer }, given);
        const after = await run({ answer: grams([answer], [data], "answers")[0]! }, given);
        expect(after.answer!.shape).toEqual([examples, 14, 14, 80]);
        expect(apart(before, after)).toBeLessThan(3e-6);
      }
    });

    test("looks up no single numbers, and leaves the norm no walk of its own", () => {
      const outputs = { answer: grams([answer], [data], "answers")[0]! };
      const nodes = lowered(outputs);
      expect(nodes.some(({ operator }) => operator.name === "Gather")).toBe(false);
      expect(nodes.some(({ operator }) => operator.name === "LayerNormalization")).toBe(false);
      const before = lowered({ answer });
      expect(before.some(({ operator }) => operator.name === "Gather")).toBe(true);
    });

    test("is not what an array is large enough for that has derivatives", () => {
      expect(print(grams([answer], [data]))).toBe(print([answer]));
    });
  });

  test("takes smaller arrays where turns compute them again and again", async () => {
    const [few, v] = [input("few", [2, 28, 28, 1]), input("v", [3, 3, 1, 64])];
    const small = op.Convolution(few, v, { strides: [2, 2], pads: [1, 1, 1, 1] });
    const normed = op.Normalize(small, input("g", [64]), input("b", [64]), "layer");
    expect(print(grams([normed], [few]))).toBe(print([normed]));
    const [now] = grams([normed], [few], "turns") as [Value];
    const slopes = (value: Value): Values => ({ value, slope: grad(sumOf(op.Mul(value, op.Tanh(value))), [v])[0]! });
    const numbers = { few: random([2, 28, 28, 1]), v: random([3, 3, 1, 64]), g: random([64]), b: random([64]) };
    expect(print([now])).not.toBe(print([normed]));
    expect(apart(await run(slopes(normed), numbers), await run(slopes(now), numbers))).toBeLessThan(3e-6);
  });

  test("leaves what has a derivative for its input, many channels, and what something else reads", () => {
    const deep = input("d", [12, 28, 28, 16]);
    const wide = op.Convolution(deep, input("v", [3, 3, 16, 64]), { pads: [1, 1, 1, 1] });
    const normed = op.Normalize(wide, input("g", [64]), input("b", [64]), "layer");
    const convolution = op.Convolution(x, w, { strides: [2, 2], pads: [1, 1, 1, 1] });
    for (const [values, data] of [
      [[y], [w]],
      [[normed], [deep]],
      [[y, convolution], [x]],
    ] as const)
      expect(print(grams(values, data))).toBe(print(values));
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
