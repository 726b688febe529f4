// A Personal's life with its user: what each change makes of it, what it says of itself, and what it refuses.
import { describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";
import { expectClose, noise, support } from "./oracle.ts";
import { line, linear, points, prototypes, whole } from "./three-learners.ts";

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
