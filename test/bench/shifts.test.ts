// The table of shifted data: its figures on made-up measurements, and its measurements against a bundle asked directly.
import { starterBundle } from "@innerloop/bundles";
import { Learner } from "@innerloop/runtime";
import { openTasks, shifted } from "@innerloop/train";
import { familyOf, measure, type Row, type Sample, shiftsReport, summaryOf } from "innerloop-bench";
import { describe, expect, test } from "vitest";

const bundle = starterBundle("drawings");
const adapted = (way: string, accuracy: number, difference: number, rose = 0) => ({
  way,
  accuracy,
  difference: { mean: difference, ci95: 0.01 },
  rose,
  failed: 0,
});
const rows: Row[] = [
  {
    family: "plain",
    inDomain: true,
    ways: 5,
    shots: 1,
    episodes: 150,
    adapted: [adapted("0 steps", 0.97, 0), adapted("default", 0.972, 0.002), adapted("20 steps", 0.969, -0.001)],
  },
  {
    family: "noise",
    inDomain: false,
    ways: 5,
    shots: 1,
    episodes: 40,
    adapted: [adapted("0 steps", 0.6, 0), adapted("default", 0.64, 0.04, 2), adapted("20 steps", 0.5, -0.1, 7)],
  },
  {
    family: "paper",
    inDomain: false,
    ways: 2,
    shots: 5,
    episodes: 150,
    adapted: [adapted("0 steps", 0.8, 0), adapted("default", 0.79, -0.01), adapted("20 steps", 0.8, 0)],
  },
];

describe("the figures of a bundle", () => {
  test("are the worst difference, those under half a point, and means by domain", () => {
    const summary = summaryOf(rows);
    expect(summary).toMatchObject({
      settings: 3,
      compared: 6,
      fewestEpisodes: 40,
      harmed: 2,
      rose: 9,
      adaptations: 1020,
    });
    expect(summary.worst).toEqual({ difference: -0.1, ci95: 0.01, where: "noise, 5 ways, 1 shots, 20 steps" });
    expect(summary.inDomain).toBeCloseTo(0.002, 12);
    expect(summary.offDomain).toBeCloseTo(0.015, 12);
    expect(summary.offDomainAtZero).toBeCloseTo(0.7, 12);
    expect(summary.offDomainAtDefault).toBeCloseTo(0.715, 12);
  });

  test("are a table with a row of each kind of data, training's first", () => {
    const lines = shiftsReport([{ name: "mine", rows }])
      .split("\n")
      .filter((line) => line.startsWith("|"));
    expect(lines).toEqual([
      "| input | 0 steps | default | 20 steps | worst |",
      "|---|---:|---:|---:|---:|",
      "| plain | 97.0 | +0.20 | −0.10 | −0.10 |",
      "| noise | 60.0 | +4.00 | −10.00 | −10.00 |",
      "| paper | 80.0 | −1.00 | 0.00 | −1.00 |",
    ]);
  });
});

test("the same episodes, asked of the runtime directly, give the same shares and losses", async () => {
  const tasks = await openTasks("glyphs");
  const samples: Sample[] = [];
  const [row] = await measure(bundle, {
    families: [familyOf("noise", tasks)],
    counts: [3],
    shots: [1],
    queries: 2,
    episodes: 4,
    minutes: 1,
    threads: 1,
    seed: 5,
    onSample: (sample) => samples.push(sample),
  });
  expect(row).toMatchObject({ family: "noise", inDomain: false, ways: 3, shots: 1, episodes: 4 });
  // Noise of a deviation of 0.3, as docs/results.md says.
  const source = shifted(tasks, { families: ["noise"], strength: 0.75, splits: ["test"] });
  const learner: Learner = await Learner.load(bundle, { provider: "cpu" });
  const options = [{ steps: 0 }, {}, { steps: 20 }, { rate: 3 }];
  const right = options.map(() => 0);
  for (let i = 0; i < 4; i++) {
    const { support, query } = source.episode("test", 5, i, { ways: 3, shots: 1, queries: 2 });
    for (const [way, option] of options.entries()) {
      const labels = Array.from(support.y.data as Int32Array, (label) => `class ${label}`);
      const mine = await learner.adapt(
        { data: support.x.data as Float32Array, shape: support.x.shape, labels },
        option,
      );
      const answers = await mine.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
      right[way]! += answers.filter((answer, at) => {
        const best = answer.logits.indexOf(Math.max(...answer.logits));
        return mine.labels[best] === `class ${query.y.data[at]}`;
      }).length;
      if (i === 0) expect(samples[0]!.answers[way]!.losses).toEqual([...mine.supportLoss]);
    }
  }
  await learner.dispose();
  expect(row!.adapted.map(({ accuracy }) => Math.round(accuracy * 24))).toEqual(right);
});

test("a share of the labels is wrong, and nothing else, in the family of wrong labels", async () => {
  const tasks = await openTasks("glyphs");
  const size = { ways: 5, shots: 5, queries: 2 };
  const wrong = familyOf("wrong labels", tasks).tasks;
  for (let i = 0; i < 5; i++) {
    const [own, other] = [tasks.episode("test", 0, i, size), wrong.episode("test", 0, i, size)];
    expect(other.support.x).toEqual(own.support.x);
    expect(other.query).toEqual(own.query);
    expect(
      [...(other.support.y.data as Int32Array)].filter((label, row) => label !== own.support.y.data[row]),
    ).toHaveLength(5);
  }
});
