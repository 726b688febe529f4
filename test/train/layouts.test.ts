// How a step is laid out over the processor: what is quick is found by doing it, stays for later processes, and changes no numbers but
// by rounding.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { MetaTrainer, maml, mlp, quickest, Sinusoid } from "@innerloop/train";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { describeUnless } from "../support/absent.ts";

const oneCore = availableParallelism() < 2 ? "the processor has one core, and so there is one layout" : undefined;

describe("the quickest way", () => {
  /** Ways that take milliseconds, and longer in some rounds; who was done is written down. */
  const tried = async (...ways: [number, ...number[]]) => {
    let now = 0;
    const done: number[] = [];
    const way = await quickest(
      ways,
      async (milliseconds) => {
        done.push(milliseconds);
        // Another program has the processor in the second round.
        now += milliseconds * (done.length > 2 * ways.length && done.length <= 3 * ways.length ? 5 : 1);
      },
      () => now,
    );
    return { way, done };
  };

  it("takes more of the machine only where that clearly pays", async () => {
    expect((await tried(10, 8)).way).toBe(8);
    expect((await tried(10, 9.5)).way).toBe(10);
    expect((await tried(10, 12, 5)).way).toBe(5);
    expect((await tried(10, 8.5, 8)).way).toBe(8.5);
  });

  it("tries all in turns, and only once what takes long", async () => {
    expect((await tried(10, 8)).done).toEqual([10, 8, 10, 8, 10, 8, 10, 8]);
    expect((await tried(900, 600)).done).toEqual([900, 600, 900, 600]);
  });
});

describeUnless(oneCore, "layouts", () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "innerloop-layouts-"));
    vi.stubEnv("INNERLOOP_CACHE", place);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(place, { recursive: true, force: true });
  });

  const shape = { ways: 1, shots: 5, queries: 5 };
  const learner = () => maml(mlp([1], 1, { hidden: [8] }), { task: "regression", innerRate: 0.01 });
  const steps = async (workers?: number) => {
    const trainer = await MetaTrainer.create(learner(), {
      engine: "onnxruntime:cpu",
      tasks: 16,
      ...(workers === undefined ? {} : { workers }),
    });
    const source = new Sinusoid();
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const batch = Array.from({ length: 16 }, (_, i) => source.episode("train", 1, 16 * step + i, shape));
      losses.push((await trainer.step(batch)).loss);
    }
    const { strategy } = trainer;
    await trainer.dispose();
    return { strategy, losses };
  };
  const file = () => join(place, "layouts.json");
  const kept = () => JSON.parse(readFileSync(file(), "utf8")) as Record<string, [number, number]>;

  it("are found once and kept, and a later run is equal to the last bit", async () => {
    const first = await steps();
    const found = kept();
    expect(Object.values(found)).toHaveLength(1);
    expect(await steps()).toEqual(first);
    expect(kept()).toEqual(found);
  });

  it("change nothing but how numbers are rounded, and count as said", async () => {
    const said = await steps(2);
    expect(said.strategy).toBe("2 worker threads, each with its share of the batch in one graph");
    await steps();
    const [key] = Object.keys(kept());
    writeFileSync(file(), JSON.stringify({ [key!]: [1, 1] }));
    const one = await steps();
    expect(one.strategy).toBe("1 worker thread, each with its share of the batch in one graph");
    for (const [i, loss] of one.losses.entries()) expect(loss).toBeCloseTo(said.losses[i]!, 5);
  });

  it.each(["{ no JSON", "null", "[1]", '{"x": 7}'])("that are damaged are found again: %s", async (text) => {
    writeFileSync(file(), text);
    expect((await steps()).losses.every(Number.isFinite)).toBe(true);
    expect(Object.values(kept()).filter(Array.isArray)).toHaveLength(1);
  });
});
