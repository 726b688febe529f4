// A Personal's life with its user: what each change makes of it, what it says of itself, and what it refuses.
import { type AdaptOptions, Learner, type Personal, type Progress } from "@innerloop/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";
import { expectClose, noise, support } from "./oracle.ts";

const CPU = { provider: "cpu" } as const;
const points = (...data: number[]) => ({ data, shape: [data.length, 1] });

let linear: Learner;
let prototypes: Learner;
let line: Learner<"regression">;
beforeAll(async () => {
  linear = await Learner.load(writeBundle("linear"), CPU);
  prototypes = await Learner.load(writeBundle("prototypes"), CPU);
  line = await Learner.load(writeBundle("line"), { ...CPU, task: "regression" });
});
afterAll(() => Promise.all([linear, prototypes, line].map((learner) => learner.dispose())));

/** All of it that can be seen. */
async function whole(mine: Personal<"classification"> | Personal<"regression">) {
  const { labels, examples, supportLoss, state, check, ready } = mine;
  return { labels, examples, supportLoss, state, check, ready, bytes: await mine.toBytes() };
}

describe("add, remove and relabel", () => {
  it("give to the bit what adapting to the same examples gives", async () => {
    for (const learner of [linear, prototypes]) {
      const size = learner === linear ? 4 : 2;
      const example = (label: string, seed: number) => ({ label, data: noise(seed, size) });
      const [a, b, c, d] = [example("a", 1), example("b", 2), example("c", 3), example("a", 4)];
      const mine = await learner.adapt([a, b], { steps: 7 });
      const never = { state: mine.state, loss: mine.supportLoss };

      const [id] = await mine.add("c", c.data);
      const [second] = await mine.add([d]);
      const all = await learner.adapt([a, b, c, d], { steps: 7 });
      expect(mine.state).toEqual(all.state);
      expect(mine.supportLoss).toEqual(all.supportLoss);
      expect(mine.labels).toEqual(["a", "b", "c"]);
      expect(mine.examples).toEqual(all.examples);

      await mine.remove(second!);
      await mine.remove(id!);
      expect(mine.state).toEqual(never.state);
      expect(mine.supportLoss).toEqual(never.loss);

      await mine.add([c, d]);
      await mine.remove("a");
      expect(mine.state).toEqual((await learner.adapt([b, c], { steps: 7 })).state);
      expect(mine.labels).toEqual(["b", "c"]);

      await mine.relabel("b", "z");
      expect(mine.state).toEqual((await learner.adapt([{ ...b, label: "z" }, c], { steps: 7 })).state);
      await mine.relabel(mine.examples[1]!.id, "y");
      expect(mine.labels).toEqual(["z", "y"]);
    }
  });

  it("tell labels apart up to the bundle's ways, and any number where the head is made of the examples", async () => {
    const mine = await linear.adapt(support(1, ["a", "b", "c"]));
    const before = await whole(mine);
    const error = await refusal(mine.add("d", noise(9, 4)));
    expect(error).toMatchObject({ code: "bad-input", exitStatus: 2 });
    expect(error.message).toMatch(
      /4 different labels were given \("a", "b", "c", "d"\); this bundle tells up to 3 apart/,
    );
    expect(await whole(mine)).toEqual(before);
    await mine.remove("b");
    await mine.add("d", noise(9, 4));
    expect(mine.labels).toEqual(["a", "c", "d"]);

    const many = prototypes.start();
    for (let index = 0; index < 20; index++) await many.add(`class ${index}`, [Math.cos(index), Math.sin(index)]);
    for (let index = 0; index < 20; index++) {
      expect((await many.predict([Math.cos(index), Math.sin(index)])).label).toBe(`class ${index}`);
    }
  });

  it("give ids that are never given again and are no label", async () => {
    const mine = prototypes.start();
    expect(await mine.add("#2", [1, 2])).toEqual(["#1"]);
    expect(await mine.add("b", [[1, 3], { data: [2, 2] }])).toEqual(["#3", "#4"]);
    await mine.undo();
    await mine.remove("#1");
    expect(await mine.add("c", { data: [1, 2, 3, 4], shape: [2, 2] })).toEqual(["#5", "#6"]);
    await mine.add("#2", [7, 7]);
    const again = await prototypes.restore(await mine.toBytes());
    await again.remove("#2");
    expect(again.examples.map(({ id }) => id)).toEqual(["#5", "#6"]);
    expect(await again.add("c", [1, 2])).toEqual(["#8"]);
  });

  it("refuse what they do not know, and leave everything as it was", async () => {
    const mine = await linear.adapt(support(2, ["a", "b"]));
    await mine.add("a", noise(5, 4));
    const before = await whole(mine);
    const calls: [Promise<unknown>, RegExp][] = [
      [
        mine.remove("c"),
        /"c" was given; a label \("a", "b"\) or the id of an example was expected; see personal\.examples/,
      ],
      [mine.remove("#9"), /"#9" was given/],
      [mine.relabel("#9", "a"), /"#9" was given/],
      [mine.relabel("#1", ""), /the example has the label ""; a label is a text that is not empty/],
      [mine.add("a", []), /no examples were given; give at least one/],
      [mine.add("a", noise(1, 3)), /the example has 3 values; this bundle takes 4/],
      [mine.add("a", [noise(1, 4), noise(1, 3)]), /example 1 has 3 values/],
      [
        mine.add("a", { data: noise(1, 8), shape: [8] }),
        /the example has the shape \[8\]; this bundle takes \[2, 2, 1\]/,
      ],
      [mine.add("a", { data: noise(1, 8), shape: [2, 4, 1, 1] }), /the examples have the shape \[2, 4, 1, 1\]/],
      [mine.add("a", [1, 2, Number.NaN, 4]), /the example holds NaN at position 2/],
      [mine.add("a", Uint8Array.of(1, 2, 3, 4) as never), /the example is given as Uint8Array/],
      [mine.add("a", undefined as never), /the example is given as undefined/],
      [mine.add("a", [0, 0, 0, 0]), /example 0 \(label "a"\) is blank: all of its 4 values are 0/],
      [mine.add({} as never), /expected a list of \{ label, data \}, or \{ data, shape, labels \}/],
      [mine.add("a", noise(1, 4), { steps: -1 }), /steps -1 was given/],
    ];
    for (const [call, message] of calls) expect((await refusal(call)).message).toMatch(message);
    expect(await whole(mine)).toEqual(before);
    expect(await mine.undo()).toBe(true);
    expect(await mine.undo()).toBe(false);
  });

  it("work on the points of a line", async () => {
    const mine = line.start();
    expect(mine.ready).toBe(false);
    await mine.add({ x: points(-1, 0, 1), y: points(1, 2, 3) });
    expectClose((await mine.predict([2])).value, [4], 1e-3);
    const alone = mine.state;
    const [id] = await mine.add({ x: points(0.5), y: points(9) });
    await mine.relabel(id!, [2.5]);
    expect(mine.state).toEqual((await line.adapt({ x: points(-1, 0, 1, 0.5), y: points(1, 2, 3, 2.5) })).state);
    await mine.remove(id!);
    expect(mine.state).toEqual(alone);
    expect(mine.labels).toEqual([]);
    expect((await refusal(mine.relabel("#1", [Number.NaN]))).message).toMatch(/the value holds NaN/);
    expect((await refusal(mine.remove(undefined as never))).code).toBe("bad-input");
    expect((await refusal(mine.add("a" as never, [1]))).message).toMatch(/a regression expects/);
    expect((await mine.evaluate({ x: points(2, 3), y: points(4, 6) })).loss).toBeCloseTo(0.5, 2);
  });
});

describe("a Personal that starts empty", () => {
  it("predicts as soon as it has two labels, and no longer when it has lost them", async () => {
    const mine = prototypes.start();
    expect([mine.ready, mine.labels, mine.supportLoss, mine.state, mine.examples]).toEqual([false, [], [], {}, []]);
    const none = await refusal(mine.predict([1, 1]));
    expect(none).toMatchObject({ code: "not-adapted", exitStatus: 2 });
    expect(none.message).toBe("it has no examples, so there is nothing to tell apart yet; add examples first");
    await mine.add("a", [1, 0]);
    expect(mine.labels).toEqual(["a"]);
    expect((await refusal(mine.predict([1, 1]))).message).toMatch(
      /^all of its examples have the label "a", so there is/,
    );
    expect((await refusal(mine.evaluate([{ label: "a", data: [1, 1] }]))).code).toBe("not-adapted");
    await mine.add("b", [0, 1]);
    expect(mine.ready).toBe(true);
    expect((await mine.predict([0.9, 0])).label).toBe("a");
    const again = await prototypes.restore(await mine.toBytes());
    await again.remove("b");
    expect(again.ready).toBe(false);
    const single = await prototypes.restore(await again.toBytes());
    expect(single.labels).toEqual(["a"]);
    await single.add("c", [0, 1]);
    expect((await single.predict([0, 0.9])).label).toBe("c");
    await single.remove("a");
    await single.remove("c");
    expect(single.examples).toEqual([]);
  });

  it("takes its steps and rate along", async () => {
    const mine = linear.start({ steps: 3, rate: 0.5 });
    const examples = support(4, ["a", "b"]);
    await mine.add(examples);
    expect(mine.state).toEqual((await linear.adapt(examples, { steps: 3, rate: 0.5 })).state);
    await mine.add("a", noise(8, 4), { steps: 6 });
    expect(mine.supportLoss).toHaveLength(7);
    const again = await linear.restore(await mine.toBytes());
    await again.remove("#3");
    expect(again.state).toEqual((await linear.adapt(examples, { steps: 3, rate: 0.5 })).state);
    expect(() => linear.start({ steps: 1.5 })).toThrow(/steps 1\.5 was given/);
    expect(() => prototypes.start({ rate: 2 })).toThrow(/this bundle \(prototypes\) has no rates/);
  });

  it("keeps no examples where these are nobody's business, and then does not change", async () => {
    const mine = await linear.adapt(support(5, ["a", "b"]), { keepExamples: false });
    const answer = await mine.predict(noise(1, 4));
    expect(mine.examples).toEqual([]);
    for (const call of [mine.add("a", noise(1, 4)), mine.remove("a"), mine.relabel("a", "c")]) {
      const error = await refusal(call);
      expect(error.code).toBe("examples-not-kept");
      expect(error.message).toMatch(/keeps no examples, so it cannot be changed; adapt anew/);
    }
    expect(await mine.undo()).toBe(false);
    const kept = await linear.adapt(support(5, ["a", "b"]));
    expect((await mine.toBytes()).length).toBeLessThan((await kept.toBytes()).length);
    const again = await linear.restore(await mine.toBytes());
    expect(await again.predict(noise(1, 4))).toEqual(answer);
    expect((await refusal(again.remove("a"))).code).toBe("examples-not-kept");
  });
});

describe("undo", () => {
  it("takes several changes back, to the bit and without a run", async () => {
    const mine = await linear.adapt(support(6, ["a", "b"]));
    const seen = [await whole(mine)];
    await mine.add("c", noise(7, 4));
    seen.push(await whole(mine));
    await mine.relabel("c", "a");
    seen.push(await whole(mine));
    await mine.remove("b");
    expect(mine.ready).toBe(false);
    for (const before of seen.reverse()) {
      const parameters = before.state["head/weight"];
      expect(await mine.undo()).toBe(true);
      expect({ ...(await whole(mine)), bytes: 0 }).toEqual({ ...before, bytes: 0 });
      // Not made anew: the very arrays of then.
      expect(mine.state["head/weight"]).toBe(parameters);
    }
    expect(await mine.undo()).toBe(false);
  });

  it("reaches 16 changes back", async () => {
    const mine = await prototypes.adapt([
      { label: "a", data: [1, 0] },
      { label: "b", data: [0, 1] },
    ]);
    for (let index = 0; index < 20; index++) await mine.add("a", [index + 1, 1]);
    let undone = 0;
    while (await mine.undo()) undone++;
    expect(undone).toBe(16);
    expect(mine.examples).toHaveLength(6);
  });
});

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
    const learner = await Learner.load(writeBundle("linear"), CPU);
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

describe("evaluate", () => {
  it("counts right answers by label, and what was taken for what", async () => {
    const mine = await prototypes.adapt([
      { label: "left", data: [-1, 0.1] },
      { label: "right", data: [1, 0.1] },
      { label: "up", data: [0.1, 5] },
    ]);
    const asked = [
      { label: "left", data: [-1, 0] },
      { label: "left", data: [-2, 0] },
      { label: "left", data: [2, 0] },
      { label: "right", data: [1, 0] },
    ];
    const answers = await mine.predictBatch(asked.map(({ data }) => data));
    const loss =
      answers.reduce((sum, { probabilities }, index) => sum - Math.log(probabilities[asked[index]!.label]!), 0) / 4;
    const batch = { data: asked.flatMap(({ data }) => data), shape: [4, 2], labels: asked.map(({ label }) => label) };
    for (const examples of [asked, batch]) {
      const result = await mine.evaluate(examples);
      expect(result).toMatchObject({
        examples: 4,
        accuracy: 0.75,
        perLabel: [
          { label: "left", examples: 3, recall: 2 / 3, precision: 1 },
          { label: "right", examples: 1, recall: 1, precision: 0.5 },
          { label: "up", examples: 0, recall: null, precision: null },
        ],
        confusion: [
          [2, 1, 0],
          [0, 1, 0],
          [0, 0, 0],
        ],
      });
      expect(result.loss).toBeCloseTo(loss, 12);
    }
    expect(Number.isFinite((await mine.evaluate([{ label: "up", data: [900, -900] }])).loss)).toBe(true);
    expect((await refusal(mine.evaluate([]))).message).toBe("no examples were given; give at least one");
    expect((await refusal(mine.evaluate([{ label: "down", data: [1, 1] }]))).message).toBe(
      'the label "down" was given; this personal model knows "left", "right", "up"; use one of these',
    );
  });

  it("and predictBatch take thousands of examples in pieces, in their order, and let others have a turn", async () => {
    const mine = await prototypes.adapt([
      { label: "left", data: [-1, 0] },
      { label: "right", data: [1, 0] },
    ]);
    const asked = Array.from({ length: 5000 }, (_, index) => [Math.sin(index), 0.5]);
    let turns = 0;
    const clock = setInterval(() => turns++);
    const answers = await mine.predictBatch(asked);
    clearInterval(clock);
    expect(answers.map(({ label }) => label)).toEqual(asked.map(([x]) => (x! > 0 ? "right" : "left")));
    expect(turns).toBeGreaterThan(0);
    const truth = asked.map((data) => ({ label: data[0]! > 0 ? "right" : "left", data }));
    expect((await mine.evaluate(truth)).accuracy).toBe(1);
    expect((await refusal(mine.predictBatch([...asked, [1, Number.NaN]]))).message).toMatch(/query 5000 holds NaN/);
  });
});

describe("check", () => {
  it("holds examples out in turn, and says when steps make new answers worse", async () => {
    const rows: [string, number[]][] = [
      ["a", [1, 0.2, 0, 0]],
      ["a", [0.8, 0, 0.1, 0]],
      ["b", [-1, 0, 0.2, 0]],
      ["b", [-0.9, 0.1, 0, 0]],
    ];
    const good = await linear.adapt(
      rows.map(([label, data]) => ({ label, data })),
      { check: true },
    );
    const { check } = good;
    expect(check).toMatchObject({ heldOut: 4, accuracy: 1, worse: false });
    // The same by hand: each held out, with and without steps.
    let [after, before] = [0, 0];
    for (const [held, [label, data]] of rows.entries()) {
      const others = rows.filter((_, index) => index !== held).map(([label, data]) => ({ label, data }));
      after -= Math.log((await (await linear.adapt(others)).predict(data)).probabilities[label]!) / 4;
      before -= Math.log((await (await linear.adapt(others, { steps: 0 })).predict(data)).probabilities[label]!) / 4;
    }
    expect(check!.heldOutLoss).toBeCloseTo(after, 6);
    expect(check!.heldOutLossBefore).toBeCloseTo(before, 6);
    expect(check!.message).toMatch(
      /^on 4 examples that were held out in turn, the loss is \S+, 100 % right after the steps and .* before them: adapting does no harm$/,
    );

    // Exclusive or: whatever a linear head learns of three corners is wrong for the fourth.
    const bad = await linear.adapt(
      [
        { label: "a", data: [1, 2, 0, 0] },
        { label: "b", data: [-1, 2, 0, 0] },
        { label: "a", data: [-1, -2, 0, 0] },
        { label: "b", data: [1, -2, 0, 0] },
      ],
      { check: true, steps: 40 },
    );
    expect(bad.check).toMatchObject({ heldOut: 4, worse: true });
    expect(bad.check!.message).toMatch(
      /adapting makes it worse; take fewer steps, give more examples, or look for wrong labels$/,
    );
    expect(bad.check!.heldOutLoss).toBeGreaterThan(bad.check!.heldOutLossBefore!);

    await bad.add("a", noise(1, 4));
    expect(bad.check).toBeUndefined();
    await bad.undo();
    expect(bad.check!.worse).toBe(true);
  });

  it("takes at most 20 examples, of each label in turn, and none of a label that has one", async () => {
    const examples = Array.from({ length: 60 }, (_, index) => ({
      label: index < 50 ? "many" : "few",
      data: [index < 50 ? 1 : -1, 0.01 * index],
    }));
    const mine = await prototypes.adapt(examples, { check: true });
    expect(mine.check).toMatchObject({ heldOut: 20, accuracy: 1, accuracyBefore: 1, worse: false });
    const single = await prototypes.adapt(examples.slice(49, 51), { check: true });
    expect(single.check).toMatchObject({ heldOut: 0, heldOutLoss: null, accuracy: null, worse: null });
    expect(single.check!.message).toMatch(/cannot tell whether adapting helps.*give two or more of a label/);
    const fit = await line.adapt({ x: points(-1, 0, 1), y: points(1, 2, 3) }, { check: true });
    expect(fit.check).toMatchObject({ heldOut: 3, accuracy: null, worse: false });
    expect(fit.check!.heldOutLoss).toBeLessThan(fit.check!.heldOutLossBefore!);
  });
});
