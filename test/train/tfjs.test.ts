// What the executor of TensorFlow.js promises beside right numbers: memory that stays flat, tensors freed after their last use,
// as many kernels for many tasks as for few, and failures by name.
import { constant, cotangents, evaluate, input, op, type Value } from "@innerloop/graph";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import {
  conv4,
  type Engine,
  type Episode,
  MetaTrainer,
  maml,
  metaGradient,
  mlp,
  openEngine,
  parameterValues,
} from "@innerloop/train";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { chosenEngines } from "../engines/chosen.ts";
import { describeUnless } from "../support/absent.ts";
import { refusal } from "../support/refusal.ts";

const engines = (await chosenEngines()).filter(({ name }) => name.startsWith("tfjs:"));

const minutes = 60_000;

/** Numbers by their place. */
function tensor(shape: readonly number[], number: (place: number) => number = (i) => Math.sin(1.7 * i + 1)): Tensor {
  return { dtype: "float32", shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => number(i)) };
}

const labels = (tasks: number, n: number, ways: number): Tensor => ({
  dtype: "int64",
  shape: [tasks, n],
  data: BigInt64Array.from({ length: tasks * n }, (_, i) => BigInt(i % ways)),
});

/** A batch of sinusoid-like regressions. */
const regressions = (tasks: number): Episode[] =>
  Array.from({ length: tasks }, (_, task) => {
    const examples = (n: number) => ({ x: tensor([n, 1], (i) => i / n), y: tensor([n, 1], (i) => Math.sin(i + task)) });
    return { support: examples(5), query: examples(5) };
  });

/** The largest difference from float64, as a part of the largest number, of each output. */
async function differences(
  engine: Engine,
  outputs: Readonly<Record<string, Value>>,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<number[]> {
  const program = await engine.compile({ outputs });
  const results = await program.run(feeds);
  await program.dispose();
  const numbers = Object.entries(feeds).map(([name, { shape, data }]) => [
    name,
    { shape, data: Float64Array.from(data as Float32Array) },
  ]);
  const expected = evaluate(Object.values(outputs), Object.fromEntries(numbers));
  return Object.values(results).map(({ data }, output) => {
    let [difference, size] = [0, 0];
    expected[output]!.data.forEach((value, i) => {
      difference = Math.max(difference, Math.abs(value - Number(data[i])));
      size = Math.max(size, Math.abs(value));
    });
    return difference / size;
  });
}

for (const { name, available, reason } of engines) {
  describeUnless(available ? undefined : reason, name, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = (await openEngine(name)).engine;
    });
    afterEach(() => vi.restoreAllMocks());

    it(
      "holds no more memory after 1,000 training iterations than after 10",
      async () => {
        const learner = maml(mlp([1], 1, { hidden: [4] }), { task: "regression", steps: 1 });
        const trainer = await MetaTrainer.create(learner, { engine, seed: 1 });
        const episodes = regressions(2);
        const steps = async (count: number) => {
          for (let i = 0; i < count; i++) await trainer.step(episodes);
        };
        await steps(10);
        const { numTensors, numBytes, numDataBuffers } = tf.memory();
        await steps(490);
        expect(tf.memory()).toMatchObject({ numTensors, numBytes, numDataBuffers });
        await steps(500);
        expect(tf.memory()).toMatchObject({ numTensors, numBytes, numDataBuffers });
        await trainer.dispose();
        expect(tf.memory().numTensors).toBeLessThan(numTensors);
      },
      10 * minutes,
    );

    /** The kernels that a call runs. */
    async function kernelsOf(call: () => Promise<unknown>): Promise<string[]> {
      const run = vi.spyOn(tf.engine(), "runKernel");
      await call();
      const kernels = run.mock.calls.map(([kernel]) => kernel);
      run.mockRestore();
      return kernels;
    }

    it(
      "runs as many kernels for 32 tasks as for 2",
      async () => {
        const learner = maml(conv4([8, 8, 1], 3, { filters: 4 }), { steps: 2 });
        const parameters = parameterValues(learner);
        const weights = Object.entries(learner.parameters).map(([key, { shape }]) => [key, tensor(shape)] as const);
        const counts: number[] = [];
        // Which form is the cheaper one may change with the sizes.
        const { engine: fixed } = await openEngine(name, { convolution: "columns" });
        for (const tasks of [2, 8, 32]) {
          const sizes = { support: 3, query: 3, ways: 3 };
          const { loss, gradients } = metaGradient(learner, parameters, sizes, tasks);
          const program = await fixed.compile({ outputs: { loss, ...gradients } });
          const images = tensor([tasks, 3, 8, 8, 1]);
          const classes = labels(tasks, 3, 3);
          const feeds = { support_x: images, query_x: images, support_y: classes, query_y: classes };
          const once = async () => {
            const results = await program.runOnDevice({ ...Object.fromEntries(weights), ...feeds });
            for (const result of Object.values(results)) result.dispose();
          };
          counts.push((await kernelsOf(once)).length);
          await program.dispose();
        }
        expect(counts[0]).toBeGreaterThan(100);
        expect(counts).toEqual([counts[0], counts[0], counts[0]]);
      },
      5 * minutes,
    );

    it("frees every tensor after its last use", async () => {
      let x = input("x", [64, 64]);
      const first = op.Tanh(x);
      for (let i = 0; i < 30; i++) x = op.Add(op.Sin(op.MatMul(x, x)), i);
      const program = await engine.compile({ outputs: { y: op.Add(x, first) } });
      const once = () => program.run({ x: tensor([64, 64]) });
      await once();
      const before = tf.memory().numTensors;
      let most = 0;
      const run = tf.engine().runKernel.bind(tf.engine());
      vi.spyOn(tf.engine(), "runKernel").mockImplementation((...call) => {
        const result = run(...(call as Parameters<typeof run>)) as tf.Tensor;
        most = Math.max(most, tf.memory().numTensors - before);
        return result as never;
      });
      await once();
      // The input, `first`, and what one sine is made of; 30 rounds leave nothing behind. A graph has no tensors in between.
      expect(most).toBeGreaterThan(name === "tfjs:tfjs-node" ? -1 : 2);
      expect(most).toBeLessThan(15);
      expect(tf.memory().numTensors).toBe(before);
      await program.dispose();
    });

    describe("elementwise operators one after another", () => {
      const { Add, Div, Expand, Max, Min, Mul, Neg, Positive, Reciprocal, Relu, Reshape, Sqrt, Sub } = op;
      const x = input("x", [3, 5, 7, 4]);
      const [row, column, middle, single] = [
        input("row", [4]),
        input("column", [3, 1, 1, 1]),
        input("middle", [5, 1, 1]),
        input("single", [1]),
      ];
      const flat = input("flat", [3, 140]);
      const across = input("across", [3, 1, 7, 1]);
      const whole = Mul(x, x);
      const both = Add(Mul(x, row), column);
      const odd = input("odd", [7, 3]);
      const cases: [string, Value[], number | undefined][] = [
        ["a bias, a slope, a norm's mean", [Relu(Mul(Sub(Add(x, row), column), single))], 1],
        ["a mask", [Mul(Positive(Add(x, row)), Sub(x, 0.5))], 1],
        [
          "every operator",
          [Max(Min(Div(Neg(x), Add(Mul(row, row), 1)), 0.25), Mul(Reciprocal(Add(whole, 2)), Sqrt(whole)))],
          undefined,
        ],
        ["a middle axis", [Add(Mul(Sub(x, middle), row), column)], 1],
        ["axes apart", [Sub(Mul(x, across), Mul(row, across))], undefined],
        [
          "another shape in between",
          [Mul(Reshape(Add(Reshape(flat, [3, 5, 28]), column.shape.length), [3, 5, 7, 4]), row)],
          1,
        ],
        ["what repeats whole", [Add(Mul(x, Expand(row, [3, 5, 7, 4])), 1)], 1],
        ["what is read twice", [Sub(Mul(both, both), both)], 1],
        ["what others read as well", [Sub(Mul(both, both), 1), both], undefined],
        ["rows of three", [Add(Mul(odd, input("three", [3])), input("seven", [7, 1]))], 1],
        ["one number", [Add(Mul(single, 2), 0.5)], 1],
        ["numbers that JSON lacks", [Max(Min(x, Number.POSITIVE_INFINITY), Mul(x, -0))], undefined],
      ];
      it.each(cases)("computes %s", async (_, outputs, chains) => {
        const named = Object.fromEntries(outputs.map((value, i) => [`output${i}`, value]));
        const fed = new Map<string, Tensor>();
        const program = await engine.compile({ outputs: named });
        for (const { name, shape } of program.inputs) fed.set(name, tensor(shape.map(Number)));
        const kernels = await kernelsOf(() => program.run(Object.fromEntries(fed)));
        await program.dispose();
        const apart = await differences(engine, named, Object.fromEntries(fed));
        expect(Math.max(...apart)).toBeLessThan(1e-6);
        if (name === "tfjs:wasm" && chains !== undefined)
          expect(kernels.filter((kernel) => kernel !== "Reshape")).toEqual(
            new Array<string>(chains).fill("InnerloopChain"),
          );
      });
    });

    it("uploads what a run is fed and nothing else", async () => {
      const x = input("x", [3, 2]);
      const w = input("w", [2, 4]);
      const fixed = constant([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
      const y = op.Gather(op.Relu(op.MatMul(x, op.Mul(w, fixed))), constant([2, 0, 1], [3], "int64"), 1);
      const program = await engine.compile({ outputs: { y } });
      const kept = engine.upload(tensor([2, 4]));
      const once = () => program.run({ x: tensor([3, 2]), w: kept });
      await once();
      const upload = vi.spyOn(tf.engine(), "makeTensor");
      await once();
      // tfjs-node hands some operations their settings as tensors of a few int32.
      const floats = upload.mock.calls.filter(([, , dtype]) => dtype !== "int32");
      expect(floats.map(([, shape]) => shape)).toEqual([[3, 2]]);
      await program.dispose();
      kept.dispose();
    });

    it("looks at a tensor in another shape without a kernel", async () => {
      const x = input("x", [2, 3, 4]);
      const y = op.Reshape(op.Mul(op.Reshape(op.Mul(op.Reshape(x, [6, 4]), 2), [4, 6]), 3), [2, 3, 4]);
      const program = await engine.compile({ outputs: { y } });
      const kernels = await kernelsOf(() => program.run({ x: tensor([2, 3, 4]) }));
      expect(kernels.filter((kernel) => kernel !== "Multiply")).toEqual([]);
      await program.dispose();
    });

    it("multiplies by the same numbers in several shapes", async () => {
      // A column and its transpose hold the same numbers in the same order.
      const [x, w, g] = [input("x", [3, 40]), input("w", [40, 1]), input("g", [3, 1])];
      const outputs = {
        forward: op.MatMul(x, w),
        back: op.MatMul(g, op.Transpose(w)),
        square: op.MatMul(x, op.MatMul(op.Reshape(w, [40, 1]), op.Reshape(w, [1, 40]))),
        folded: op.MatMul(input("f", [3, 8]), op.Reshape(w, [8, 5])),
      };
      const feeds = { x: tensor([3, 40]), w: tensor([40, 1]), g: tensor([3, 1]), f: tensor([3, 8]) };
      for (const difference of await differences(engine, outputs, feeds)) expect(difference).toBeLessThan(1e-6);
    });

    it("multiplies matrices of every size, either of them turned, many at once and one with many", async () => {
      const sides = [1, 4, 7, 8, 13, 70];
      for (const [m, k, n] of [
        ...sides.map((side, i) => [side, sides[5 - i]!, 9]),
        [5, 1100, 11],
        [70, 9, 8],
      ] as const) {
        const turn = (value: Value) => op.Transpose(value, [0, 2, 1]);
        const [a, b, c] = [input("a", [3, m, k]), input("b", [3, k, n]), input("c", [1, k, n])];
        const [turnedA, turnedB] = [input("ta", [3, k, m]), input("tb", [3, n, k])];
        const one = op.Reshape(op.Slice(turnedA, [0], [1], [0]), [k, m]);
        const outputs = {
          plain: op.MatMul(a, b),
          left: op.MatMul(turn(turnedA), b),
          right: op.MatMul(a, turn(turnedB)),
          both: op.MatMul(turn(turnedA), turn(turnedB)),
          shared: op.MatMul(turn(turnedA), c),
          single: op.MatMul(op.Transpose(one, [1, 0]), turn(turnedB)),
        };
        const feeds = {
          a: tensor([3, m, k]),
          b: tensor([3, k, n], (i) => Math.cos(i)),
          c: tensor([1, k, n]),
          ta: tensor([3, k, m]),
          tb: tensor([3, n, k], (i) => Math.cos(2 * i)),
        };
        for (const difference of await differences(engine, outputs, feeds)) expect(difference).toBeLessThan(1e-5);
      }
    });

    it("chooses whole rows by one truth value each", async () => {
      const [x, y, bound] = [input("x", [3, 4, 5]), input("y", [4, 5]), input("bound", [3, 1, 1])];
      const outputs = {
        rows: op.Where(op.Greater(bound, 0), x, y),
        all: op.Where(op.Greater(input("one", [1]), 0), x, op.Mul(x, 2)),
        columns: op.Where(op.Greater(y, 0), x, op.Mul(x, 3)),
        numbers: op.Where(op.Greater(bound, 0), 1, op.Mul(x, 2)),
      };
      const feeds = { x: tensor([3, 4, 5]), y: tensor([4, 5]), bound: tensor([3, 1, 1]), one: tensor([1]) };
      for (const difference of await differences(engine, outputs, feeds)) expect(difference).toBeLessThan(1e-6);
      if (name !== "tfjs:wasm") return;
      const program = await engine.compile({ outputs: { rows: outputs.rows } });
      const kernels = await kernelsOf(() => program.run({ x: feeds.x, y: feeds.y, bound: feeds.bound }));
      expect(kernels).not.toContain("Tile");
      await program.dispose();
    });

    it("adds a bias to products, one for all and one for each", async () => {
      const [x, w, shared] = [input("x", [3, 4, 5]), input("w", [3, 5, 6]), input("shared", [6])];
      const own = input("own", [3, 6]);
      const each = op.Add(op.MatMul(x, w), op.Unsqueeze(own, [1]));
      const flat = op.MatMul(op.Reshape(x, [12, 5]), op.Reshape(op.Slice(w, [0], [1], [0]), [5, 6]));
      const outputs = {
        each,
        all: op.Add(shared, op.Reshape(flat, [3, 2, 2, 6])),
        turned: op.Add(op.MatMul(op.Transpose(w, [0, 2, 1]), op.Transpose(x, [0, 2, 1])), input("row", [4])),
      };
      const feeds = {
        x: tensor([3, 4, 5]),
        w: tensor([3, 5, 6]),
        shared: tensor([6]),
        own: tensor([3, 6]),
        row: tensor([4]),
      };
      for (const difference of await differences(engine, outputs, feeds)) expect(difference).toBeLessThan(1e-6);
    });

    it("computes sines of many turns", async () => {
      const x = input("x", [200]);
      const outputs = { sin: op.Sin(x), cos: op.Cos(x) };
      const feeds = { x: tensor([200], (i) => i - 100) };
      for (const difference of await differences(engine, outputs, feeds)) expect(difference).toBeLessThan(2e-5);
    });

    // Those of TensorFlow itself, which it is left to from this size on.
    if (["tfjs:tfjs-node", "tfjs:node-gpu"].includes(name))
      it("convolves large images by its own kernels", async () => {
        const [x, w] = [input("x", [60, 63, 64, 4]), input("w", [3, 3, 4, 2])];
        const feeds = { x: tensor([60, 63, 64, 4], (i) => (i % 7) / 7), w: tensor([3, 3, 4, 2], (i) => (i % 5) / 5) };
        for (const options of [{ pads: [1, 1, 1, 1] }, { pads: [1, 0, 0, 2], strides: [1, 1] }]) {
          const y = op.Convolution(x, w, options);
          const [dx, dw] = cotangents([y], [op.Mul(y, 0.5)], [x, w]);
          const outputs = { y, dx: dx!, dw: dw! };
          const program = await engine.compile({ outputs });
          const kernels = await kernelsOf(() => program.run(feeds));
          expect(kernels.filter((kernel) => kernel.startsWith("InnerloopConv"))).toHaveLength(3);
          await program.dispose();
          for (const difference of await differences(engine, outputs, feeds)) expect(difference).toBeLessThan(1e-4);
        }
      });

    /** Runs what needs too much, and after it something else; nothing is left behind. */
    async function failsAndGoesOn(outputs: (x: Value) => Record<string, Value>): Promise<void> {
      const before = tf.memory().numTensors;
      const x = input("x", [2, 1]);
      const large = await engine.compile({ outputs: outputs(x) });
      const small = await engine.compile({ outputs: { y: op.Mul(x, 2) } });
      const feeds = { x: tensor([2, 1], (i) => i + 1) };
      for (let turn = 0; turn < 2; turn++) {
        const error = await refusal(large.run(feeds));
        expect(error.code).toBe("out-of-memory");
        expect(error.message).toContain(name);
        expect([...(await small.run(feeds)).y!.data]).toEqual([2, 4]);
      }
      await large.dispose();
      await small.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }

    it("says that a tensor is too large, and goes on", () =>
      failsAndGoesOn((x) => ({ y: op.Mul(op.Expand(x, [2, 2 ** 40]), 2) })));

    // 8 GiB in one tensor are more than WebAssembly and WebGPU can address; others may have them.
    if (["tfjs:wasm", "tfjs:webgpu"].includes(name))
      it("says that memory does not suffice, and goes on", () =>
        failsAndGoesOn((x) => {
          // 8.6 GB each, and more of them than any GPU holds.
          const large = op.Expand(x, [2, 2 ** 30 - 4]);
          return Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`y${i}`, op.Mul(large, i + 2)]));
        }));

    it("takes every element type that it can hold, and names one that it cannot", async () => {
      const held = {
        int8: Int8Array.of(-3, 7),
        uint16: Uint16Array.of(9, 60_000),
        int64: BigInt64Array.of(-5n, 6n),
        bool: Uint8Array.of(1, 0),
      } as const;
      for (const [dtype, data] of Object.entries(held) as [keyof typeof held, Tensor["data"]][])
        expect(await engine.upload({ dtype, shape: [2], data }).read()).toEqual({ dtype, shape: [2], data });
      const wide: Tensor = { dtype: "uint64", shape: [1], data: BigUint64Array.of(1n) };
      expect(() => engine.upload(wide)).toThrow("TensorFlow.js has no uint64; it computes with float32, float64, int8");
    });

    if (name === "tfjs:webgpu")
      it("says that the device is lost, and opens another", async () => {
        const x = input("x", [2000]);
        const outputs = { y: op.Mul(x, 2) };
        const feeds = { x: tensor([2000], (i) => i) };
        const program = await engine.compile({ outputs });
        await program.run(feeds);
        (tf.backend() as unknown as { device: { destroy(): void } }).device.destroy();
        const error = await refusal(program.run(feeds));
        expect(error.code).toBe("device-lost");
        const again = (await openEngine(name)).engine;
        const { y } = await (await again.compile({ outputs })).run(feeds);
        expect(y!.data[3]).toBe(6);
      });
  });
}
