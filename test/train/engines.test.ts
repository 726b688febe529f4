// Every engine that is here passes the same suite: each operator, gradients of a small network through the inner loop,
// tensors that stay on the device, and what is said of wrong calls. The reference is the graph room's float64 evaluation.
import { constant, type evaluate, input, op, operators, topological, type Value } from "@innerloop/graph";
import type { TypedArray } from "@innerloop/schemas";
import { type Engine, engineNamed, openEngine } from "@innerloop/train";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Case, reference, tensor } from "../engines/case.ts";
import { chosenEngines } from "../engines/chosen.ts";
import { operatorCases } from "../engines/operator-cases.ts";
import { metaCases, names } from "../engines/small-network.ts";
import { indexSteps, toldOperators } from "../graph/index-cases.ts";
import { describeUnless } from "../support/absent.ts";
import { refusal } from "../support/refusal.ts";

const engines = await chosenEngines();

/** The largest difference, as a part of the largest number. */
function distance(actual: TypedArray, expected: Float64Array): number {
  let [difference, size] = [0, 0];
  expected.forEach((value, i) => {
    const other = Number(actual[i]);
    if (Number.isNaN(value) !== Number.isNaN(other)) difference = Number.POSITIVE_INFINITY;
    if (Number.isFinite(value))
      [difference, size] = [Math.max(difference, Math.abs(value - other)), Math.max(size, Math.abs(value))];
  });
  return difference / Math.max(size, 1e-3);
}

const expectedOf = new Map(operatorCases.map((it) => [it, reference(it.outputs, it.feeds)]));

const outputsOf = (values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((value, i) => [`output${i}`, value]));

it("has a case for every operator", () => {
  const nodes = topological([...operatorCases, ...metaCases].flatMap((it) => it.outputs));
  const met = new Set(nodes.map((node) => node.operator.name));
  // Made by lowering only, or made for exported graphs only.
  for (const name of ["Conv", "ConvTranspose", "Loop", "While"]) met.add(name);
  // Numbers as files hold them, and where the largest of a window lies: made of models that are read only.
  for (const name of ["Narrow", "MaxPoolPlaces"]) met.add(name);
  // Drawn by chance, which nothing is compared with.
  for (const name of ["Bernoulli", "Dropout", "Multinomial", "RandomNormalLike", "RandomUniformLike"]) met.add(name);
  // Of known size it is a constant; the test of open sizes has it.
  met.add("Range");
  // Of what only data tell the sizes, and of bits, not every engine has kernels: the tests of the graph room have them.
  for (const name of [...toldOperators, ...Object.keys(indexSteps)]) met.add(name);
  const missing = operators().filter(({ name }) => !met.has(name));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

for (const { name, available, reason } of engines) {
  describeUnless(available ? undefined : reason, name, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = (await openEngine(name)).engine;
    });
    afterAll(() => engine?.dispose());

    async function compare(
      { outputs, feeds }: Omit<Case, "title">,
      expected: ReturnType<typeof evaluate>,
      most: number,
      computing = engine,
    ) {
      const program = await computing.compile({ outputs: outputsOf(outputs) });
      const fed = Object.fromEntries(program.inputs.map((port) => [port.name, feeds[port.name]!]));
      // An engine may run as a whole from the second time on what it ran node by node at first.
      for (const results of [await program.run(fed), await program.run(fed)])
        outputs.forEach((value, i) => {
          const result = results[`output${i}`]!;
          expect(result.dtype).toBe(value.dtype);
          expect(result.shape).toEqual(expected[i]!.shape);
          expect(distance(result.data, expected[i]!.data)).toBeLessThan(most);
        });
      await program.dispose();
    }

    it.each(operatorCases)("computes $title", (it) => compare(it, expectedOf.get(it)!, 1e-5));
    it.each(metaCases)("computes $title", (it) => compare(it, it.expected, 2e-5));

    // What the engine does by itself is one of them, and the other may be asked for.
    const ways = name === "native" || name.startsWith("onnxruntime:") ? (["columns", "native", "shared"] as const) : [];
    for (const convolution of ways)
      describe(`convolutions as ${convolution}`, () => {
        let own: Engine;
        beforeAll(async () => {
          own = (await openEngine(name, { convolution })).engine;
        });
        afterAll(() => own?.dispose());

        const convolutions = operatorCases.filter(({ title }) => title.startsWith("Convolution"));
        it.each(convolutions)("computes $title", (it) => compare(it, expectedOf.get(it)!, 1e-5, own));
        it.each(metaCases)("computes $title", (it) => compare(it, it.expected, 2e-5, own));
      });

    it("keeps tensors on the device from one run to the next", async () => {
      const [x, rate] = [input("x", [3]), input("rate", [])];
      const start = tensor([3]);
      const program = await engine.compile({
        outputs: { next: op.Sub(x, op.Mul(rate, x)), same: x, fixed: constant([1, 2]) },
        initializers: { rate: { dtype: "float32", shape: [], data: Float32Array.of(0.5) } },
      });
      expect(program.inputs.find((port) => port.name === "rate")?.optional).toBe(true);
      const uploaded = engine.upload(start);
      let state = uploaded;
      for (let i = 0; i < 3; i++) {
        const { next, same, fixed } = await program.runOnDevice({ x: state });
        state.dispose();
        same!.dispose();
        expect([...(await fixed!.read()).data]).toEqual([1, 2]);
        fixed!.dispose();
        state = next!;
      }
      const kept = await state.read();
      expect(
        distance(
          kept.data,
          Float64Array.from(start.data as Float32Array, (v) => v / 8),
        ),
      ).toBeLessThan(1e-6);
      const { next } = await program.run({ x: kept, rate: { dtype: "float32", shape: [], data: Float32Array.of(1) } });
      expect([...next!.data]).toEqual([0, 0, 0]);
      expect((await refusal(program.run({ x: uploaded }))).code).toBe("disposed");
      state.dispose();
      await program.dispose();
    });

    it("takes int32 where int64 is wanted, and any size of a symbol", async () => {
      const x = input("x", ["n", 2, 2, 1]);
      const y = input("y", ["n"], "int64");
      const w = constant([1, 2, 3, -1, 0.5, 1, 0, 2], [2, 2, 1, 2]);
      const logits = op.Reshape(op.Convolution(x, w), ["n", 2]);
      const outputs = {
        hot: op.OneHot(y, 2),
        logits,
        count: op.Range("n"),
        spread: op.Expand(op.ReduceSum(logits), ["n", 1]),
      };
      const program = await engine.compile({ outputs });
      for (const n of [1, 3, 1]) {
        const feeds = { x: tensor([n, 2, 2, 1]), y: tensor([n], 0, 1, "int32") };
        const expected = reference(Object.values(outputs), feeds);
        const results = await program.run(feeds);
        Object.keys(outputs).forEach((key, i) => {
          expect(results[key]!.shape).toEqual(expected[i]!.shape);
          expect(distance(results[key]!.data, expected[i]!.data)).toBeLessThan(1e-5);
        });
      }
      await program.dispose();
    });

    it("leaves what it was fed and what it gave alone", async () => {
      const x = input("x", [2]);
      const program = await engine.compile({ outputs: { same: x, flat: op.Reshape(x, [1, 2]) } });
      const data = Float32Array.of(1, 2);
      const { same } = await program.runOnDevice({ x: { dtype: "float32", shape: [2], data } });
      const on = engine.upload({ dtype: "float32", shape: [2], data });
      data.fill(9);
      expect([...(await on.read()).data]).toEqual([1, 2]);
      (await same!.read()).data.fill(0 as never);
      expect([...(await same!.read()).data]).toEqual([1, 2]);
      await program.dispose();
      on.dispose();
      same!.dispose();
    });

    it("says what is wrong with a call", async () => {
      const x = input("x", [2, 3]);
      const program = await engine.compile({ outputs: { y: op.Mul(x, 2) } });
      const good = tensor([2, 3]);
      const elsewhere = {
        engine: "another",
        dtype: "float32",
        shape: [2, 3],
        read: async () => good,
        dispose() {},
      } as const;
      for (const [feeds, words] of [
        [{}, 'The input "x" (float32[2, 3]) is missing'],
        [{ x: tensor([3, 2]) }, "expected float32[2, 3]"],
        [{ x: tensor([2, 3], 0, 1, "int32") }, "got int32[2, 3]"],
        [{ x: { ...good, data: new Float32Array(5) } }, "got 5 numbers"],
        [{ x: good, z: good }, 'The input "z" was given'],
        [{ x: elsewhere }, "lives on another"],
      ] as const) {
        const error = await refusal(program.run(feeds));
        expect(error.code).toBe("bad-input");
        expect(error.message).toContain(words);
      }
      expect((await program.run({ x: good })).y!.shape).toEqual([2, 3]);
      await program.dispose();
      await program.dispose();
      expect((await refusal(program.run({ x: good }))).code).toBe("disposed");
    });

    if (name.startsWith("tfjs:"))
      it("holds no more memory after 200 runs than after one", async () => {
        const { outputs, feeds } = metaCases[0]!;
        const before = tf.memory().numTensors;
        const program = await engine.compile({ outputs: outputsOf(outputs) });
        const state = Object.fromEntries(names.map((key) => [key, engine.upload(feeds[key]!)]));
        await program.run({ ...feeds, ...state });
        const after = tf.memory();
        for (let i = 0; i < (name === "tfjs:cpu" ? 20 : 200); i++) {
          const results = await program.runOnDevice({ ...feeds, ...state });
          for (const result of Object.values(results)) result.dispose();
        }
        await refusal(program.run({}));
        expect(tf.memory().numTensors).toBe(after.numTensors);
        expect(tf.memory().numBytes).toBe(after.numBytes);
        await program.dispose();
        for (const kept of Object.values(state)) kept.dispose();
        expect(tf.memory().numTensors).toBe(before);
      });

    it("gives programs to other threads as bytes where it can", async () => {
      const { portable } = (await openEngine(name, { threads: 1 })).engine;
      if (!portable) {
        expect(name).not.toMatch(/^(native|onnxruntime:.*)$/);
        return expect(engineNamed(name)?.traits.workers).toBeUndefined();
      }
      const x = input("x", ["n", 2]);
      const rate = { dtype: "float32", shape: [], data: Float32Array.of(3) } as const;
      const bytes = portable.serialize({ outputs: { y: op.Mul(x, input("rate", [])) }, initializers: { rate } });
      const program = await portable.load(bytes);
      expect(program.inputs).toEqual([
        { name: "x", dtype: "float32", shape: ["n", 2], optional: false },
        { name: "rate", dtype: "float32", shape: [], optional: true },
      ]);
      expect([...(await program.run({ x: tensor([1, 2], 1, 1) })).y!.data]).toEqual([3, 3]);
      return program.dispose();
    });
  });
}

it("lets several engines be open at once", async () => {
  const x = input("x", [2]);
  const here = new Set([...engines.filter((it) => it.available).map((it) => it.name), "onnxruntime:cpu", "tfjs:cpu"]);
  const programs = await Promise.all(
    [...here].map(async (name) => (await openEngine(name)).engine.compile({ outputs: { y: op.Mul(x, x) } })),
  );
  const data = Float32Array.of(3, 4);
  for (let turn = 0; turn < 2; turn++)
    for (const { y } of await Promise.all(programs.map((it) => it.run({ x: { dtype: "float32", shape: [2], data } }))))
      expect([...y!.data]).toEqual([9, 16]);
  for (const program of programs) await program.dispose();
});
