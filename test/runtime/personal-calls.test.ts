// Calls on one Personal at the same time, and calls that are watched, stopped or fail midway.
import { type AdaptOptions, Learner, type Progress } from "@innerloop/runtime";
import { describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";
import { expectClose, noise, support } from "./oracle.ts";
import { line, linear, points, prototypes, whole } from "./three-learners.ts";

describe("calls at the same time", () => {
  it("change one Personal in their order, and a failure among them is passed over", async () => {
    const mine = prototypes.start();
    const calls = [
      mine.add("a", [1, 0]),
      mine.add("b", [0, 1]),
      mine.remove("nobody"),
      mine.add("c", [1, 1]),
      mine.undo(),
      mine.relabel("b", "z"),
      mine.toBytes(),
      mine.add("d", [2, 2]),
    ];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([
      true,
      true,
      false,
      true,
      true,
      true,
      true,
      true,
    ]);
    expect(mine.labels).toEqual(["a", "z", "d"]);
    const saved = await prototypes.restore((outcomes[6] as PromiseFulfilledResult<Uint8Array>).value);
    expect(saved.labels).toEqual(["a", "z"]);
  });

  it("are answered with the state before or after, and never with a mix", async () => {
    const mine = await linear.adapt(support(7, ["a", "b"]));
    const query = noise(70, 4);
    const before = await mine.predict(query);
    const adding = mine.add("c", noise(71, 4));
    const during = Array.from({ length: 20 }, () => mine.predict(query));
    await adding;
    const after = await mine.predict(query);
    expect(after).not.toEqual(before);
    for (const answer of await Promise.all(during)) expect(answer).toEqual(before);
  });

  it("may be a thousand adaptations, and a thousand examples of one user", async () => {
    const users = Array.from({ length: 1000 }, (_, index) => support(index, ["a", "b", "c"]));
    const all = await Promise.all(users.map((examples) => linear.adapt(examples)));
    for (const index of [0, 1, 499, 998, 999]) {
      expect(all[index]!.state).toEqual((await linear.adapt(users[index]!)).state);
    }
    expect(new Set(all.map(({ supportLoss }) => supportLoss.at(-1))).size).toBe(1000);
    const mine = prototypes.start();
    await Promise.all(users.map((_, index) => mine.add(index % 2 ? "odd" : "even", [index % 2, 1 + index])));
    expect(mine.state["head/prototypes"]!.data).toEqual(Float32Array.of(0, 500, 1, 501));
  });

  it("end with a dispose: what runs or waits is done, what comes later is refused", async () => {
    const learner = await Learner.load(writeBundle("linear"), { provider: "cpu" });
    const mine = await learner.adapt(support(8, ["a", "b"]));
    const running = [
      mine.add("c", noise(1, 4), { onProgress: () => undefined, check: true }),
      mine.relabel("c", "a"),
      mine.evaluate(support(9, ["a", "b"])),
    ];
    const disposed = learner.dispose();
    for (const call of [mine.add("c", noise(2, 4)), mine.undo(), mine.remove("a"), mine.evaluate([])]) {
      expect((await refusal(call)).code).toBe("disposed");
    }
    await Promise.all(running);
    await disposed;
    expect(mine.examples.map(({ label }) => label)).toEqual(["a", "b", "a"]);
    expect((await linear.restore(await mine.toBytes())).state).toEqual(mine.state);
    expect((await refusal(learner.start().add("a", noise(1, 4)))).code).toBe("disposed");
  });
});

describe("progress and abort", () => {
  const examples = support(10, ["a", "b", "c"]);

  it("watched steps are taken one by one, with the same numbers, and the event loop is free in between", async () => {
    const plain = await linear.adapt(examples, { steps: 8, rate: 0.7 });
    const told: Progress[] = [];
    const turns: number[] = [];
    let turn = 0;
    const clock = setInterval(() => turn++);
    const watched = await linear.adapt(examples, {
      steps: 8,
      rate: 0.7,
      onProgress: (progress) => {
        told.push(progress);
        turns.push(turn);
      },
    });
    clearInterval(clock);
    expect(watched.state).toEqual(plain.state);
    expect(watched.supportLoss).toEqual(plain.supportLoss);
    expect(told.map(({ step, steps }) => [step, steps])).toEqual(Array.from({ length: 9 }, (_, step) => [step, 8]));
    expectClose(
      told.map(({ loss }) => loss),
      plain.supportLoss,
    );
    expect(turns.at(-1)).toBeGreaterThanOrEqual(6);
  });

  it("are told after the run where the head comes from the examples", async () => {
    const told: Progress[] = [];
    const pair = [
      { label: "a", data: [1, 0] },
      { label: "b", data: [0, 1] },
    ];
    const mine = await prototypes.adapt(pair, { steps: 3, onProgress: (progress) => told.push(progress) });
    expect(told).toEqual([{ step: 0, steps: 0, loss: 0 }]);
    expect(mine.supportLoss).toEqual([0]);
    const none: Progress[] = [];
    await linear.adapt(examples, { steps: 0, onProgress: (progress) => none.push(progress) });
    expect(none.map(({ step, steps }) => [step, steps])).toEqual([[0, 0]]);
  });

  it("an abort stops before the next step and leaves everything as it was", async () => {
    const mine = await linear.adapt(examples);
    const before = await whole(mine);
    const stopping = (at: number): [AdaptOptions, Progress[]] => {
      const controller = new AbortController();
      const told: Progress[] = [];
      const onProgress = (progress: Progress) => {
        told.push(progress);
        if (progress.step === at) controller.abort(new Error("enough"));
      };
      return [{ steps: 50, signal: controller.signal, onProgress }, told];
    };
    for (const call of [
      (options: AdaptOptions) => mine.add("a", noise(1, 4), options),
      (options: AdaptOptions) => mine.remove("a", options),
      (options: AdaptOptions) => mine.relabel("#1", "b", options),
      (options: AdaptOptions) => linear.adapt(examples, options),
    ]) {
      const [options, told] = stopping(4);
      const error = await refusal(call(options));
      expect(error).toMatchObject({ code: "aborted", cause: new Error("enough") });
      expect(error.message).toBe("the call was aborted by its signal; everything is as it was before");
      expect(told).toHaveLength(5);
      expect((await refusal(call({ signal: AbortSignal.abort() }))).code).toBe("aborted");
      const [late] = stopping(50);
      expect((await refusal(call(late))).code).toBe("aborted");
    }
    expect(await whole(mine)).toEqual(before);
    expect(await mine.undo()).toBe(false);
  });

  it("an error of the caller's own, and a diverging loss, change nothing either", async () => {
    const mine = await line.adapt({ x: points(1, 2), y: points(1, 2) });
    const before = await whole(mine);
    const own = mine.add(
      { x: points(3), y: points(3) },
      {
        onProgress: () => {
          throw new Error("mine");
        },
      },
    );
    await expect(own).rejects.toThrow("mine");
    for (const options of [{}, { onProgress: () => undefined }]) {
      const error = await refusal(mine.add({ x: points(3), y: points(3) }, { ...options, rate: 1000, steps: 100 }));
      expect(error).toMatchObject({ code: "diverged" });
      expect(error.message).toMatch(/the loss became infinite after \d+ of 100 steps/);
    }
    expect(await whole(mine)).toEqual(before);
  });
});
