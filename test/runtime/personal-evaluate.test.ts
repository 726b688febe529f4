// What a Personal says of its own answers: evaluate, and check.
import { describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";
import { noise } from "./oracle.ts";
import { line, linear, points, prototypes } from "./three-learners.ts";

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
