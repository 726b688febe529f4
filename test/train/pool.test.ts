// The threads that tasks run over: sums as a formula gives them whatever the parameters were before.
import { setImmediate as immediate } from "node:timers/promises";
import { input, op, type Value } from "@innerloop/graph";
import type { Tensor } from "@innerloop/schemas";
import { type Engine, engines, listEngines, openEngine, Pool } from "@innerloop/train";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeUnless } from "../support/absent.ts";

const vector = (...numbers: number[]): Tensor => ({
  dtype: "float32",
  shape: [numbers.length],
  data: Float32Array.from(numbers),
});

const x = input("x", [3]);
const squares = op.Mul(x, x);

const numbers = (tensor: Tensor | undefined): number[] => Array.from(tensor!.data as Float32Array);

const reports = await listEngines(engines.flatMap(({ name, traits }) => (traits.workers ? [name] : [])));

for (const { name, available, reason } of reports)
  describeUnless(available ? undefined : reason, `a pool of threads on ${name}`, () => {
    let engine: Engine;
    let pool: Pool;
    const open = async (program: string, outputs: Record<string, Value>) =>
      pool.add(program, await engine.portable!.prepare({ outputs }));

    beforeAll(async () => {
      engine = await openEngine(name, { threads: 1 }).then((opened) => opened.engine);
      pool = new Pool(2, engine.name);
      const [w, x] = [input("w", [3]), input("x", [3])];
      await open("products", { products: op.Mul(w, x), squares: op.Mul(x, x) });
    });
    afterAll(async () => {
      await pool.close();
      await engine.dispose();
    });

    const jobs = [vector(1, 2, 3), vector(4, 5, 6), vector(7, 8, 9)].map((x) => ({
      program: "products",
      feeds: { x },
    }));

    it("sums what jobs give, with the parameters of the time", async () => {
      for (const w of [vector(1, 10, 100), vector(-1, 0.5, 2)]) {
        const [a, b, c] = w.data as Float32Array;
        const sums = await pool.sum(jobs, { w });
        expect(numbers(sums.products)).toEqual([12 * a!, 15 * b!, 18 * c!]);
        expect(numbers(sums.squares)).toEqual([66, 93, 126]);
      }
      // Parameters stay until others are given, and the caller's arrays are whole.
      expect(numbers((await pool.sum(jobs.slice(0, 1))).products)).toEqual([-1, 1, 6]);
      expect(jobs[2]!.feeds.x.data).toHaveLength(3);
    });

    it("sums what other jobs give, of other numbers, sizes and programs, and after one that failed", async () => {
      const [v, n] = [input("v", ["n"]), input("w", [3])];
      await open("lengths", { length: op.Add(op.ReduceSum(op.Mul(v, v)), op.ReduceSum(n)) });
      const job = (...numbers: number[]) => ({ program: "lengths", feeds: { v: vector(...numbers) } });
      const w = vector(1, 1, 1);
      const sum = async (...given: Parameters<Pool["sum"]>) => numbers(Object.values(await pool.sum(...given))[0]);
      expect(await sum([job(1, 2), job(2, 0, 0), job(3, 4)], { w })).toEqual([43]);
      expect(await sum([job(0, 2), job(1, 0, 1), job(1, 4), job(5)])).toEqual([60]);
      expect(await sum([job(1, 1, 1, 1)])).toEqual([7]);
      const wrong = { program: "lengths", feeds: { v: { ...vector(1, 2), shape: [1, 2] } } };
      await expect(pool.sum([wrong, job(2), job(1), job(3)])).rejects.toThrow("v");
      expect(await sum([job(2), job(2), job(1), job(3)])).toEqual([30]);
      expect(await sum(jobs.slice(0, 2), { w: vector(1, 0, 0) })).toEqual([5, 0, 0]);
    });

    it("sums what a program gives that is computed in float16, on ONNX Runtime", async () => {
      const outputs = { y: op.MatMul(input("x", [1, 3]), op.Reshape(input("w", [3]), [3, 1])) };
      pool.add("half", await engine.portable!.prepare({ outputs, precision: "float16" }));
      const job = (...x: number[]) => ({ program: "half", feeds: { x: { ...vector(...x), shape: [1, 3] } } });
      for (const w of [vector(1, 10, 100), vector(-1, 0.5, 2)]) {
        const [a, b, c] = w.data as Float32Array;
        const { y } = await pool.sum([job(1, 2, 3), job(4, 0, 2), job(0, 0, 4)], { w });
        expect(numbers(y)).toEqual([5 * a! + 2 * b! + 9 * c!]);
      }
    });

    it("starts threads for jobs that are to come, each once", async () => {
      let started = 0;
      const count = () => {
        started++;
      };
      process.on("worker", count);
      const early = new Pool(2, engine.name);
      early.start(1);
      await immediate();
      expect(started).toBe(1);
      early.start(5);
      early.add("squares", await engine.portable!.prepare({ outputs: { y: squares } }));
      const { y } = await early.sum(jobs.map(({ feeds }) => ({ program: "squares", feeds })));
      process.off("worker", count);
      expect(numbers(y)).toEqual([66, 93, 126]);
      expect(started).toBe(2);
      await early.close();
    });

    it("gives the results of each job in order", async () => {
      const results = await pool.map(jobs, { w: vector(1, 1, 2) });
      expect(results.map(({ products }) => numbers(products))).toEqual([
        [1, 2, 6],
        [4, 5, 12],
        [7, 8, 18],
      ]);
    });
  });

it("tells with the first program why an engine does not open, which threads try before", async () => {
  const pool = new Pool(1, "onnxruntime:nothing");
  try {
    pool.start(1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    pool.add("none", { bytes: new Uint8Array() });
    await expect(pool.map([{ program: "none", feeds: {} }])).rejects.toMatchObject({ code: "bad-option" });
  } finally {
    await pool.close();
  }
});
