// A bundle is measured on a person's own examples: what it answers, how sure that is, and what is said of examples that do not fit.
import { starterBundles } from "@innerloop/bundles";
import { evaluateExamples, type OwnExample, shareOf, signTest } from "@innerloop/measure";
import { Learner } from "@innerloop/runtime";
import { drawGlyph } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";

describe("intervals", () => {
  // scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
  it.each([
    [23, 25, 0.750338910496047, 0.9777795987151525],
    [0, 10, 0, 0.27753279986288926],
    [50, 50, 0.9286524008666412, 1],
    [1, 3, 0.06149194472039626, 0.7923403991979523],
  ])("of %i of %i are Wilson's", (count, of, low, high) => {
    const share = shareOf(count, of);
    expect(share).toMatchObject({ count, of, share: count / of });
    expect(share.low).toBeCloseTo(low, 12);
    expect(share.high).toBeCloseTo(high, 12);
  });

  // scipy.stats.binomtest(min(a, b), a + b, 0.5).pvalue
  it.each([
    [5, 0, 0.0625],
    [6, 1, 0.125],
    [20, 31, 0.16077960181198847],
    [3, 3, 1],
    [0, 0, 1],
  ])("differences of %i against %i are told from chance by the sign test", (one, other, p) => {
    expect(signTest(one, other)).toBeCloseTo(p, 12);
    expect(signTest(other, one)).toBeCloseTo(p, 12);
  });
});

/** Drawings of one character, by drawers from a number on. */
const drawings = (label: string, id: number, from: number, count: number): OwnExample[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `${label}/${from + i}.png`,
    label,
    data: Float32Array.from(drawGlyph(5_000_000 + id, from + i), (byte) => byte / 255),
  }));

describe("one's own examples", () => {
  it("are taught and asked, and compared with simple ways", async () => {
    const learner: Learner = await Learner.load(starterBundles[0]!.folder, { provider: "cpu" });
    try {
      const labels = ["heart", "star", "moon", "sun"];
      const support = labels.flatMap((label, id) => drawings(label, id, 0, 5));
      const asked = labels.flatMap((label, id) => drawings(label, id, 5, 10));
      const others = drawings("cloud", 17, 0, 6);
      const found = await evaluateExamples(learner, support, [...asked, ...others, support[0]!]);
      const personal = await learner.adapt(support.map(({ label, data }) => ({ label, data })));
      const answers = await personal.predictBatch(asked.map(({ data }) => data));
      const wrong = answers.filter(({ label }, i) => label !== asked[i]!.label);
      expect(found).toMatchObject({
        support: 20,
        queries: 41,
        notAsked: [],
        notTaught: [{ label: "cloud", examples: 6 }],
        same: [{ support: "heart/0.png", query: "heart/0.png" }],
        classes: [...labels].sort().map((label) => ({ label, support: 5 })),
      });
      expect(found.accuracy).toEqual(shareOf(41 - wrong.length, 41));
      expect(found.wrong.map(({ name }) => name)).toEqual(
        asked.flatMap(({ name, label }, i) => (answers[i]!.label === label ? [] : [name])),
      );
      expect(found.confusion.flat().reduce((a, b) => a + b, 0)).toBe(41);
      expect(found.baselines.map(({ name }) => name)).toEqual([
        "the nearest neighbour on raw input",
        "logistic regression on raw input",
      ]);
      for (const { accuracy, bundleAlone, thisAlone, p } of found.baselines) {
        expect(found.accuracy.count - accuracy.count).toBe(bundleAlone - thisAlone);
        expect(p).toBe(signTest(bundleAlone, thisAlone));
      }
      const toOthers = await personal.predictBatch(others.map(({ data }) => data));
      expect(found.confidence?.falseAccepts).toEqual(shareOf(toOthers.filter(({ known }) => known).length, 6));
      expect(found.accuracy.share).toBeGreaterThan(0.9);
    } finally {
      await learner.dispose();
    }
  });

  it("of classes that were not taught alone are refused, with both lists", async () => {
    const learner: Learner = await Learner.load(writeBundle("prototypes"), { provider: "cpu" });
    const of = (label: string, value: number): OwnExample => ({
      name: label,
      label,
      data: new Float32Array(learner.manifest.input.shape.reduce((a, b) => a * b, 1)).fill(value),
    });
    try {
      await expect(evaluateExamples(learner, [of("a", 1), of("b", 2)], [of("c", 1)])).rejects.toMatchObject({
        code: "bad-support",
        exitStatus: 2,
        message: expect.stringMatching(/taught are a, b, asked c\. Call the classes alike/),
      });
      const { notAsked, verdict } = await evaluateExamples(learner, [of("a", 1), of("b", 2)], [of("a", 1)]);
      expect(notAsked).toEqual(["b"]);
      expect(verdict.kind).toBe("guessing");
    } finally {
      await learner.dispose();
    }
  });
});
