// What a trainer carries from step to step lies in the same arrays again and again, and nobody sees that.
import { NativeModel } from "@innerloop/native";
import type { Tensor } from "@innerloop/schemas";
import { type Episode, engines, listEngines, MetaTrainer, maml, mlp, Sinusoid } from "@innerloop/train";
import { expect, it, vi } from "vitest";
import { describeUnless } from "../support/absent.ts";

const source = new Sinusoid();
const batch = (iteration: number): Episode[] =>
  [0, 1].map((i) => source.episode("train", 1, 2 * iteration + i, { ways: 1, shots: 5, queries: 5 }));

/** Whose loss is not finite. */
const wrong = (): Episode[] =>
  batch(0).map(({ support, query: { x, y } }) => ({
    support,
    query: { x, y: { ...y, data: new Float32Array(y.data.length).fill(Number.NaN) } },
  }));

const trainerOn = (engine: string) =>
  MetaTrainer.create(maml(mlp([1], 1, { hidden: [8] }), { task: "regression", innerRate: 0.01 }), {
    engine,
    workers: 1,
    optimizer: { kind: "adam", rate: 0.01 },
  });

const reports = await listEngines(engines.flatMap(({ name, traits }) => (traits.workers ? [name] : [])));

for (const { name, available, reason } of reports)
  describeUnless(available ? undefined : reason, `a state on ${name}`, () => {
    it("stays as it was at steps that diverge, and what was saved of it in any case", async () => {
      const [trainer, twin] = await Promise.all([trainerOn(name), trainerOn(name)]);
      const saved: { steps: number; tensors: Record<string, Tensor> }[] = [];
      for (let i = 0; i < 6; i++) {
        for (const each of [trainer, twin]) await each.step(batch(i));
        saved.push(await twin.save());
        for (let j = 0; j < i; j++) await expect(trainer.step(wrong())).rejects.toMatchObject({ code: "diverged" });
        expect(await trainer.save()).toEqual(saved[i]);
      }
      twin.restore(saved[2]!);
      for (let i = 3; i < 6; i++) {
        await twin.step(batch(i));
        expect(await twin.save()).toEqual(saved[i]);
      }
      await Promise.all([trainer.dispose(), twin.dispose()]);
    });

    it("is evaluated as it was when that was asked for, though steps go on", async () => {
      const [trainer, twin] = await Promise.all([trainerOn(name), trainerOn(name)]);
      for (let i = 0; i < 3; i++) for (const each of [trainer, twin]) await each.step(batch(i));
      const wanted = await twin.evaluate(batch(9), { steps: 3 });
      // It takes until after the steps to open what evaluates.
      const portable = trainer.engine.engine.portable!;
      const { prepare } = portable;
      let stepped = () => {};
      const steps = new Promise<void>((resolve) => {
        stepped = resolve;
      });
      const slow = vi.spyOn(portable, "prepare").mockImplementation(async (graph) => {
        await steps;
        return prepare(graph);
      });
      const going = trainer.evaluate(batch(9), { steps: 3 });
      slow.mockRestore();
      for (let i = 3; i < 7; i++) await trainer.step(batch(i));
      stepped();
      expect(await going).toEqual(wanted);
      await Promise.all([trainer.dispose(), twin.dispose()]);
    });
  });

const native = reports.find(({ name }) => name === "native");

describeUnless(native?.available ? undefined : (native?.reason ?? "there are no kernels"), "an update", () => {
  it("makes no new arrays but at the first two steps", async () => {
    const trainer = await trainerOn("native");
    const made = new Set<unknown>();
    const counts: number[] = [];
    const run = NativeModel.prototype.run;
    const spied = vi.spyOn(NativeModel.prototype, "run").mockImplementation(function (this: NativeModel, ...given) {
      const results = run.apply(this, given);
      for (const { data } of Object.values(results ?? {})) made.add(data);
      return results;
    });
    try {
      for (let i = 0; i < 6; i++) {
        await trainer.step(batch(i));
        counts.push(made.size);
      }
    } finally {
      spied.mockRestore();
      await trainer.dispose();
    }
    expect(counts[0]).toBeGreaterThan(0);
    expect(counts.slice(1)).toEqual(Array.from({ length: 5 }, () => 2 * counts[0]!));
  });
});
