// exportBundle: verified through the runtime, written whole or not at all, and what each refusal says. Learners that take long
// are in export.slow.test.ts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildBundle,
  type ExportOptions,
  exportBundle,
  type VerificationExamples,
  type VerifyOptions,
} from "@innerloop/export";
import { Learner as Bundled } from "@innerloop/runtime";
import type { Tensor } from "@innerloop/schemas";
import { mlp, openReference, prototypeLearner } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { distance } from "../support/numbers.ts";
import { refusal } from "../support/refusal.ts";
import { describeExport, verification } from "./export-suite.ts";
import { large, learners, randomEpisode, randomWeights, unrolled } from "./learners.ts";

const make = learners["anil, head from prototypes"]!;
const setup = (options: Partial<ExportOptions> = {}) => {
  const learner = make();
  const weights = randomWeights(learner);
  const parent = temporaryFolder();
  const out = join(parent, "bundle");
  return { learner, weights, parent, out, options: { out, verify: verification(learner, weights), ...options } };
};

for (const [name, make] of Object.entries(learners)) if (!large.includes(name)) describeExport(name, make);

describe("a bundle through the runtime", () => {
  it("takes any texts as labels, and fewer classes than the head has outputs", async () => {
    const learner = learners["maml, conv4, layer norm"]!();
    const weights = randomWeights(learner);
    const out = join(temporaryFolder(), "bundle");
    await exportBundle(learner, weights, { out, verify: verification(learner, weights) });
    const bundled = await Bundled.load(out);
    const { support, query } = randomEpisode(learner, 3, 2, 1);
    const texts = ["wave", "tap", "none"];
    const mine = await bundled.adapt(
      {
        data: support.x.data as Float32Array,
        shape: support.x.shape,
        labels: Array.from(support.y.data, Number).map((label) => texts[label]!),
      },
      { steps: 4 },
    );
    expect(mine.labels).toEqual(texts);
    const expected = await unrolled(learner, weights)(support, query, 4);
    const answers = await mine.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
    const logits = Array.from(expected.logits.data, Number);
    answers.forEach((answer, i) => {
      expect(distance(answer.logits, logits.slice(i * 5, i * 5 + 3))).toBeLessThan(2e-5);
    });
    expect(distance(mine.supportLoss, expected.supportLoss as number[])).toBeLessThan(2e-5);
    await bundled.dispose();
  });

  it("keeps a fixed label set", async () => {
    const learner = learners["maml, metamodel"]!();
    const weights = randomWeights(learner);
    const out = join(temporaryFolder(), "bundle");
    const labels = ["a", "b", "c", "d", "e"];
    const manifest = await exportBundle(learner, weights, { out, labels, verify: verification(learner, weights) });
    expect(manifest.labels).toEqual(labels);
    const few = await refusal(
      exportBundle(learner, weights, { out: `${out}-2`, labels: ["a"], verify: verification(learner, weights) }),
    );
    expect(few).toMatchObject({ code: "bad-option", exitStatus: 2 });
    expect(few.message).toMatch(/1 labels.*5 outputs.*one label for each/);
  });
});

describe("verification", () => {
  it.each(["maml, conv4, batch norm", "maml, conv4, head from zero", "prototypes", "maml, mlp, regression"])(
    "runs against the training engine: %s",
    async (name) => {
      const learner = learners[name]!();
      const weights = randomWeights(learner);
      const { engine, answer, dispose } = await openReference(learner, weights, "onnxruntime:cpu");
      const { episodes } = verification(learner, weights);
      const verify = { episodes, engine, reference: answer };
      const manifest = await exportBundle(learner, weights, { out: join(temporaryFolder(), "bundle"), verify });
      await dispose();
      expect(manifest.verification).toMatchObject({ episodes: 3, engine: "onnxruntime:cpu" });
      expect(manifest.verification.largestDifference).toBeLessThan(1e-5);
    },
  );

  it("does not care how an episode numbers its classes", async () => {
    const { learner, weights, options } = setup();
    const turned = ({ x, y }: VerificationExamples): VerificationExamples => {
      const data = Int32Array.from(Array.from(y.data, Number), (label) => (label + 2) % 4);
      return { x, y: { ...y, data } };
    };
    const episodes = options.verify.episodes.map(({ support, query }) => ({
      support: turned(support),
      query: turned(query),
    }));
    await exportBundle(learner, weights, { ...options, verify: { ...options.verify, episodes } });
  });
});

describe("a refused bundle", () => {
  it("differs from its reference, by a figure, and leaves nothing", async () => {
    const { learner, weights, parent, options } = setup();
    const other = { ...weights, "conv1.weight": randomWeights(learner, 2)["conv1.weight"]! };
    const error = await refusal(
      exportBundle(learner, weights, {
        ...options,
        verify: { ...options.verify, reference: unrolled(learner, other) },
      }),
    );
    expect(error.code).toBe("verification-failed");
    expect(error.message).toMatch(
      /differs from float64: \S+ after 0 steps by \d\.\de[+-]\d+ .*1e-4.*nothing was written/,
    );
    expect(readdirSync(parent)).toEqual([]);
  });

  it("may not be off after steps alone, nor give what is no number", async () => {
    const { learner, weights, parent, options } = setup();
    const reference = unrolled(learner, weights);
    const off = (change: (value: number) => number): VerifyOptions => ({
      ...options.verify,
      reference: async (support, query, steps) => {
        const answer = await reference(support, query, steps);
        const data = Float64Array.from(Array.from(answer.logits.data, Number));
        return steps === 0 ? answer : { ...answer, logits: { ...answer.logits, data: data.map(change) } };
      },
    });
    for (const change of [(x: number) => x * 1.001, (x: number) => x * 1.5, () => Number.NaN]) {
      const error = await refusal(exportBundle(learner, weights, { ...options, verify: off(change) }));
      expect(error.code).toBe("verification-failed");
      expect(error.message).toContain("logits after 2 steps");
    }
    expect(readdirSync(parent)).toEqual([]);
  });

  it("may have one episode of several at a kink after steps, which its manifest tells", async () => {
    const { learner, weights, options } = setup();
    const reference = unrolled(learner, weights);
    const kink = options.verify.episodes[2]!.support.x.shape[0];
    const verify: VerifyOptions = {
      ...options.verify,
      reference: async (support, query, steps) => {
        const answer = await reference(support, query, steps);
        if (steps === 0 || support.x.shape[0] !== kink) return answer;
        const data = Float64Array.from(Array.from(answer.logits.data, Number), (x) => x * 1.01);
        return { ...answer, logits: { ...answer.logits, data } };
      },
    };
    const { verification } = await exportBundle(learner, weights, { ...options, verify });
    expect(verification.largestDifference).toBeGreaterThan(5e-3);
    expect(verification.largestDifference).toBeLessThan(2e-2);
  });

  it("has no episodes to verify it with", async () => {
    const { learner, weights, parent, options } = setup();
    const error = await refusal(
      exportBundle(learner, weights, { ...options, verify: { ...options.verify, episodes: [] } }),
    );
    expect(error).toMatchObject({ code: "bad-option", exitStatus: 2 });
    expect(readdirSync(parent)).toEqual([]);
  });

  it("leaves nothing when the reference fails", async () => {
    const { learner, weights, parent, options } = setup();
    const reference = () => Promise.reject(new Error("the engine stopped"));
    await expect(
      exportBundle(learner, weights, { ...options, verify: { ...options.verify, reference } }),
    ).rejects.toThrow("the engine stopped");
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe("weights", () => {
  const { learner, weights } = setup();
  const weight = weights["conv2.weight"]!;
  const cases: [string, Tensor | undefined, RegExp][] = [
    ["are missing", undefined, /no "conv2.weight"; this learner needs it as float32\[3, 3, 8, 8\]/],
    [
      "have another shape",
      { ...weight, shape: [9, 8, 8] },
      /float32\[9, 8, 8\]; this learner needs float32\[3, 3, 8, 8\]/,
    ],
    [
      "hold NaN",
      { ...weight, data: new Float32Array(weight.data.length).fill(Number.NaN) },
      /NaN at position 0.*finite/,
    ],
  ];
  it.each(cases)("that %s are refused", (_, value, message) => {
    const { "conv2.weight": __, ...rest } = weights;
    const given = value ? { ...rest, "conv2.weight": value } : rest;
    expect(() => buildBundle(learner, given)).toThrow(message);
  });
  it("are refused for an opset that is not written", () => {
    for (const opset of [16, 22, 18.5])
      expect(() => buildBundle(learner, weights, { opset })).toThrow(/opset .* was given; .* 17 to 21/);
  });
});

describe("the place of a bundle", () => {
  it("may hold an earlier bundle, which stays when the new one is refused", async () => {
    const { learner, weights, parent, out, options } = setup();
    const first = await exportBundle(learner, weights, { ...options, name: "first" });
    const reference = unrolled(learner, randomWeights(learner, 2));
    await refusal(exportBundle(learner, weights, { ...options, verify: { ...options.verify, reference } }));
    expect(JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"))).toEqual(first);
    await exportBundle(learner, weights, { ...options, name: "second" });
    expect(JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")).name).toBe("second");
    expect(readdirSync(parent)).toEqual(["bundle"]);
  });

  it("may not hold anything else", async () => {
    const { learner, weights, out, options } = setup();
    mkdirSync(out);
    writeFileSync(join(out, "diary.txt"), "dear diary");
    const error = await refusal(exportBundle(learner, weights, options));
    expect(error).toMatchObject({ code: "folder-taken", exitStatus: 2 });
    expect(error.message).toMatch(/something else than a bundle.*choose another place/);
    expect(readdirSync(out)).toEqual(["diary.txt"]);
  });

  it("may lie in folders that are not there yet, which go again when the bundle is refused", async () => {
    const { learner, weights, parent, options } = setup();
    const out = join(parent, "a", "b", "bundle");
    mkdirSync(join(parent, "a"));
    const reference = unrolled(learner, randomWeights(learner, 2));
    await refusal(exportBundle(learner, weights, { ...options, out, verify: { ...options.verify, reference } }));
    expect(readdirSync(parent, { recursive: true })).toEqual(["a"]);
    await exportBundle(learner, weights, { ...options, out });
    expect(readdirSync(join(parent, "a", "b"))).toEqual(["bundle"]);
    expect(existsSync(join(out, "manifest.json"))).toBe(true);
  });

  it("has to be one that can be written to", async () => {
    const { learner, weights, parent, options } = setup();
    writeFileSync(join(parent, "file"), "");
    const tooLong = join(parent, "new", "n".repeat(300), "bundle");
    for (const out of [join(parent, "file", "bundle"), tooLong]) {
      const error = await refusal(exportBundle(learner, weights, { ...options, out }));
      expect(error).toMatchObject({ code: "write-failed", exitStatus: 1 });
      expect(error.message).toMatch(/was not written.*nothing was left behind.*can be written to/);
    }
    expect(readdirSync(parent)).toEqual(["file"]);
  });

  it.skipIf(process.platform === "win32")("may run out of space: nothing is left behind", () => {
    // A process that may write files of 8 KiB at most meets what a full disk does: a write that fails halfway.
    const parent = temporaryFolder();
    const script = `
      import { exportBundle } from "@innerloop/export";
      import { maml, metamodel, random } from "@innerloop/train";
      const learner = maml(metamodel([8, 8, 1], 5));
      const weights = Object.fromEntries(Object.entries(learner.parameters).map(([name, { shape, initialize }]) =>
        [name, { dtype: "float32", shape, data: initialize(random(1)) }]));
      const verify = { episodes: [], engine: "none", reference: () => Promise.reject() };
      await exportBundle(learner, weights, { out: process.argv[1], verify }).catch((error) => console.log(error.code, error.message));`;
    const { stdout, stderr } = spawnSync(
      "bash",
      [
        "-c",
        'ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2"',
        process.execPath,
        script,
        join(parent, "bundle"),
      ],
      { cwd: new URL("..", import.meta.url), encoding: "utf8" },
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^write-failed .*EFBIG.*nothing was left behind/);
    expect(existsSync(join(parent, "bundle"))).toBe(false);
    expect(readdirSync(parent)).toEqual([]);
  });
});

it("prints nothing and leaves the learner's graphs as they were", async () => {
  const learner = prototypeLearner(mlp([4], 3));
  const weights = randomWeights(learner);
  const before = structuredClone(weights);
  const out = join(temporaryFolder(), "bundle");
  await exportBundle(learner, weights, { out, verify: verification(learner, weights) });
  expect(weights).toEqual(before);
});

it("refuses a provider that is not there, with what to do", async () => {
  const { learner, weights, out, options } = setup();
  await exportBundle(learner, weights, options);
  const error = await refusal(Bundled.load(out, { provider: "tpu" as "cpu" }));
  expect(error.message).toMatch(/"tpu".*auto, cuda, webgpu, cpu/);
});
