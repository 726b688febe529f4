// The road through the commands: train, export, eval, adapt, predict, inspect, on runs of a few iterations.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";
import { beforeAll, describe, expect, it } from "vitest";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { innerloop, type Outcome, writeImages } from "../support/innerloop.ts";

const cwd = temporaryFolder();
const call = (...args: string[]) => innerloop(args, { cwd });
const words = (text: string) => call(...text.split(" "));
const path = (...parts: string[]) => join(cwd, ...parts);

const short = "--meta-batch 2 --iterations 4 --validate-every 2 --validate-episodes 2 --queries 2";
let trained: Outcome;
let exported: Outcome;

beforeAll(async () => {
  await writeImages(path("mine"), 3, 4);
  await writeImages(path("alone"), 1, 4);
  [trained] = await Promise.all([
    words(`train --data glyphs --filters 8 --ways 3 ${short}`),
    words(`train sinusoid-10shot ${short} --out wave`),
  ]);
  await words(`train --data glyphs --algorithm maml --filters 4 --norm batch --ways 3 ${short} --out fixed`);
  exported = await words("export runs/glyphs-1");
  await Promise.all([words("export wave --out wave-bundle"), words("export fixed --out fixed-bundle --no-calibrate")]);
});

describe("train", () => {
  it("says what it does on stderr, and where the run is on stdout", () => {
    expect(trained.status).toBe(0);
    expect(trained.stderr).toMatch(/3-way 1-shot on glyphs, for 4 iterations/);
    expect(trained.stderr).toMatch(/engine {2}\S+ \(.+\)/);
    expect(trained.stderr).toMatch(/iteration {5}2 {2}held back: accuracy/);
    expect(trained.stdout).toMatch(/^runs\/glyphs-1: 4 iterations; best after \d/);
    expect(trained.stdout).toContain("Next: innerloop export runs/glyphs-1");
    expect(filesIn(path("runs", "glyphs-1"))).toContain(path("runs", "glyphs-1", "checkpoint.safetensors"));
  });

  it("refuses a folder that holds a run", async () => {
    const { status, stderr } = await words(`train sinusoid-10shot ${short} --out wave`);
    expect(status).toBe(2);
    expect(stderr).toMatch(/wave holds a run already; go on with it \(--resume\)/);
  });

  it("does not change midway what cannot change", async () => {
    const { status, stderr } = await words("train --resume --out wave --head zero");
    expect(status).toBe(2);
    expect(stderr).toMatch(/cannot go on like that: .*head "learned" in the run, "zero" asked for.*begin a new run/s);
  });
});

describe("export", () => {
  it("writes a verified bundle", () => {
    expect(exported.status).toBe(0);
    expect(exported.stdout).toMatch(/^runs\/glyphs-1\/bundle: verified on 10 fresh episodes against \S+\n.*difference/);
    const manifest = JSON.parse(readFileSync(path("runs", "glyphs-1", "bundle", "manifest.json"), "utf8"));
    expect(manifest.verification.largestDifference).toBeLessThan(1e-4);
    expect(manifest.training).toMatchObject({ data: "glyphs", iterations: 4, tasksSeen: 8, ways: 3 });
  });

  it("does not replace what is no bundle", async () => {
    const { status, stderr } = await words("export wave --out mine");
    expect(status).toBe(2);
    expect(stderr).toMatch(/something else than a bundle/);
  });

  it("writes variants for providers, which inspect shows, and refuses those that there are not", async () => {
    const varied = await words("export fixed --out varied --no-calibrate --variant webgpu,cuda");
    expect(varied).toMatchObject({ status: 0, stdout: expect.stringMatching(/adapt\.webgpu\.onnx +\d/) });
    const { files } = JSON.parse((await words("inspect varied --json")).stdout);
    expect(files).toEqual(
      expect.arrayContaining(
        ["adapt.onnx", "adapt.webgpu.onnx", "adapt.cuda.onnx"].map((name) =>
          expect.objectContaining({ name, state: "intact" }),
        ),
      ),
    );
    const before = filesIn(cwd);
    const { status, stderr } = await words("export fixed --out other --variant tpu");
    expect(status).toBe(2);
    expect(stderr).toMatch(/the variant "tpu" was asked for; there are cuda, webgpu, dml;/);
    expect(filesIn(cwd)).toEqual(before);
  });

  it("makes the folders above the bundle", async () => {
    expect((await words("export wave --out shelf/of/bundles")).status).toBe(0);
    expect(existsSync(path("shelf", "of", "bundles", "manifest.json"))).toBe(true);
  });

  it("leaves nothing where it cannot write", async () => {
    const before = filesIn(cwd);
    const { status, stderr } = await words("export wave --out wave/checkpoint.safetensors/bundle");
    expect(status).toBe(1);
    expect(stderr).toMatch(/was not written/);
    expect(filesIn(cwd)).toEqual(before);
  });
});

describe("eval", () => {
  it("measures a classifier on unseen classes", async () => {
    const outcome = await words("eval runs/glyphs-1/bundle --episodes 12 --queries 3 --seed 3 --json");
    expect(outcome.status).toBe(0);
    const result = JSON.parse(outcome.stdout);
    expect(result).toMatchObject({
      inductive: true,
      episodes: 12,
      ways: 3,
      shots: 1,
      queries: 3,
      seed: 3,
      provider: "cpu",
      data: "glyphs",
      split: "test",
    });
    for (const share of [result.accuracy.mean, result.recall, result.f1, result.nearestNeighbour.mean])
      expect(share).toBeGreaterThanOrEqual(0);
    // As many queries of each class: recall is accuracy.
    expect(result.recall).toBeCloseTo(result.accuracy.mean, 12);
    expect(result.steps.map(({ step }: { step: number }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(result.steps[5].accuracy).toEqual(result.accuracy);
    const again = JSON.parse(
      (await words("eval runs/glyphs-1/bundle --episodes 12 --queries 3 --seed 3 --json")).stdout,
    );
    expect({ ...again, seconds: 0 }).toEqual({ ...result, seconds: 0 });
  });

  it("gives the numbers that the bundle gives", async () => {
    const { openTasks } = await import("@innerloop/train");
    const tasks = await openTasks("glyphs");
    const learner = await Learner.load(path("runs", "glyphs-1", "bundle"), { provider: "cpu" });
    let right = 0;
    const hits = new Map<string, number[]>();
    for (let i = 0; i < 6; i++) {
      const { support, query, classes } = tasks.episode("test", 0, i, { ways: 4, shots: 2, queries: 3 });
      const mine = await learner.adapt(
        {
          data: support.x.data as Float32Array,
          shape: support.x.shape,
          labels: Array.from(support.y.data as Int32Array, String),
        },
        { steps: 2 },
      );
      const answers = await mine.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
      right += answers.filter(({ label }, row) => label === String(query.y.data[row])).length;
      answers.forEach(({ label }, row) => {
        const name = classes![Number(query.y.data[row])]!.split("@")[0]!;
        hits.set(name, [...(hits.get(name) ?? []), label === String(query.y.data[row]) ? 1 : 0]);
      });
    }
    await learner.dispose();
    const { stdout } = await words(
      "eval runs/glyphs-1/bundle --ways 4 --shots 2 --queries 3 --steps 2 --episodes 6 --json",
    );
    const { accuracy, over } = JSON.parse(stdout);
    expect(accuracy.mean).toBeCloseTo(right / 72, 12);
    // What is wrong with a class's answers together, against what would be on average.
    const off = [...hits.values()].map((own) => own.reduce((sum, hit) => sum + hit - right / 72, 0));
    expect(off.length).toBeGreaterThan(10);
    expect(over.classes.count).toBe(off.length);
    const deviation = Math.sqrt((off.length / (off.length - 1)) * off.reduce((sum, it) => sum + it ** 2, 0)) / 72;
    // Student's t at 0.95 is from 2.23 to 2.06 with 10 to 24 degrees of freedom.
    expect(over.classes.ci95 / deviation).toBeGreaterThan(2.06);
    expect(over.classes.ci95 / deviation).toBeLessThan(2.23);
    expect(over).not.toHaveProperty("groups");
  });

  it("says how much hangs on the classes, and on the folders that they lie in", async () => {
    for (const script of ["runes", "letters", "signs"]) await writeImages(path("scripts", "test", script), 3, 8);
    const call = "eval runs/glyphs-1/bundle --data images:scripts --ways 3 --queries 4 --episodes 8";
    const { over } = JSON.parse((await words(`${call} --json`)).stdout);
    expect([over.classes.count, over.groups.count]).toEqual([9, 3]);
    const { stdout } = await words(call);
    expect(stdout).toMatch(
      /accuracy +[\d.]+ ± [\d.]+ % over episodes\n +over 9 classes +± [\d.]+ %\n +over 3 groups of classes +± [\d.]+ %/,
    );
  });

  it("measures a regression by its squared error", async () => {
    const { stdout } = await words("eval wave-bundle --episodes 5 --json");
    const result = JSON.parse(stdout);
    expect(result.meanSquaredError.mean).toBe(result.loss);
    expect(result).not.toHaveProperty("accuracy");
    expect(result.steps).toHaveLength(6);
    expect((await words("eval wave-bundle --episodes 5")).stdout).toMatch(/mean squared error {3}\d/);
  });

  it("says transductive where queries share their statistics, and refuses it where they cannot", async () => {
    const { stdout } = await words("eval fixed-bundle --episodes 3 --transductive --json");
    expect(JSON.parse(stdout).inductive).toBe(false);
    expect((await words("eval fixed-bundle --episodes 3 --transductive")).stdout).toContain("transductive:");
    const { status, stderr } = await words("eval wave-bundle --episodes 3 --transductive");
    expect(status).toBe(2);
    expect(stderr).toMatch(/no batch norm/);
  });

  it("shows a confusion matrix where all episodes have the same classes", async () => {
    await writeImages(path("split", "test"), 3, 4);
    const { stdout } = await words("eval runs/glyphs-1/bundle --data images:split --episodes 4 --queries 3 --json");
    const { confusion } = JSON.parse(stdout);
    expect(confusion.labels).toEqual(["test/symbol-0", "test/symbol-1", "test/symbol-2"]);
    for (const row of confusion.matrix) expect(row.reduce((a: number, b: number) => a + b)).toBe(12);
  });

  it("refuses data and ways that do not fit", async () => {
    expect(await words("eval wave-bundle --data glyphs")).toMatchObject({ status: 2, stdout: "" });
    const { status, stderr } = await words("eval fixed-bundle --ways 4");
    expect(status).toBe(2);
    expect(stderr).toMatch(/tells up to 3 classes apart/);
  });
});

describe("adapt and predict", () => {
  it("learn from a folder, and name images in the order of the call", async () => {
    const adapted = await words("adapt runs/glyphs-1/bundle --support mine --out mine.safetensors --json");
    expect(adapted.status).toBe(0);
    const { labels, examples, supportLoss } = JSON.parse(adapted.stdout);
    expect({ labels, examples }).toEqual({ labels: ["symbol-0", "symbol-1", "symbol-2"], examples: 12 });
    expect(supportLoss).toHaveLength(6);
    const inputs = ["mine/symbol-2/1.png", "mine/symbol-0", "mine/symbol-1/0.png"];
    const { status, stdout } = await call(
      "predict",
      "runs/glyphs-1/bundle",
      ...inputs,
      "--params",
      "mine.safetensors",
      "--json",
    );
    expect(status).toBe(0);
    const results = JSON.parse(stdout);
    const folder = [0, 1, 2, 3].map((drawer) => `mine/symbol-0/${drawer}.png`);
    expect(results.map(({ input }: { input: string }) => input)).toEqual([inputs[0], ...folder, inputs[2]]);
    for (const { label, probability, probabilities } of results) {
      expect(Object.keys(probabilities)).toEqual(labels);
      expect(probabilities[label]).toBe(probability);
      expect(Math.max(...(Object.values(probabilities) as number[]))).toBe(probability);
    }
    const text = await words("predict runs/glyphs-1/bundle --params mine.safetensors mine/symbol-1/0.png");
    expect(text.stdout).toMatch(/^mine\/symbol-1\/0\.png {2}(none of these, nearest )?symbol-\d .* %\n$/);
  });

  it("take tables of numbers", async () => {
    writeFileSync(path("wave.csv"), "x,y\n0,0\n1,0.8\n2,0.9\n");
    writeFileSync(path("wave.json"), JSON.stringify([{ x: [0.5] }, { x: [1.5] }]));
    const adapted = await words("adapt wave-bundle --support wave.csv --out wave.safetensors --steps 2");
    expect(adapted.status).toBe(0);
    expect(adapted.stdout).toMatch(/loss on the examples: \d\S+ before, \d\S+ after 2 steps/);
    const { stdout } = await words("predict wave-bundle --params wave.safetensors wave.json --json");
    expect(JSON.parse(stdout)).toEqual([
      { input: "wave.json:1", value: [expect.any(Number)] },
      { input: "wave.json:2", value: [expect.any(Number)] },
    ]);
  });

  it("say what is wrong with what they are given", async () => {
    writeFileSync(path("nan.csv"), "x,y\n0,0\n1,nan\n");
    writeFileSync(path("wide.csv"), "a,b,y\n0,1,0\n");
    writeFileSync(path("torn.png"), readFileSync(path("mine", "symbol-0", "0.png")).subarray(0, 50));
    cpSync(path("fixed-bundle"), path("named-bundle"), { recursive: true });
    const file = path("named-bundle", "manifest.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...manifest, labels: ["symbol-0", "symbol-1", "star"] }));
    const before = filesIn(cwd);
    const cases: [string, number, RegExp][] = [
      ["adapt runs/glyphs-1/bundle --support alone --out x", 2, /every example has the label "symbol-0"/],
      ["adapt runs/glyphs-1/bundle --support nowhere --out x", 2, /nowhere does not exist/],
      ["adapt runs/glyphs-1/bundle --support mine/symbol-0/0.png --out x", 2, /a folder with one sub-folder/],
      ["adapt named-bundle --support mine --out x", 2, /"symbol-2" was given; this bundle knows/],
      ["adapt runs/glyphs-1/bundle --support wave.csv --out x", 2, /wave.csv:1 has 1 numbers; .* takes 784/],
      ["adapt wave-bundle --support mine --out x", 2, /takes .csv or .json files with 1 numbers/],
      ["adapt wave-bundle --support nan.csv --out x", 2, /nan.csv:2 has no finite number in its column 2/],
      ["adapt wave-bundle --support wide.csv --out x", 2, /wide.csv:1 has 2 numbers; .* takes 1/],
      ["adapt runs/glyphs-1/bundle --support mine --out mine.safetensors/x", 1, /nothing was written/],
      ["predict runs/glyphs-1/bundle mine/symbol-0/0.png", 2, /knows no class yet; first run innerloop adapt/],
      ["predict runs/glyphs-1/bundle --params mine.safetensors nothing.png", 2, /nothing.png does not exist/],
      ["predict runs/glyphs-1/bundle --params mine.safetensors torn.png", 1, /torn.png: cannot be read as an image/],
      ["predict fixed-bundle --params mine.safetensors mine", 2, /saved with the bundle/],
      ["predict fixed-bundle --params nowhere mine", 2, /nowhere does not exist; a file that innerloop adapt wrote/],
      [
        "adapt wave-bundle --support wave.csv --out x --steps 0 --rate 2",
        2,
        /--rate has no effect here: with --steps 0/,
      ],
      ["eval wave-bundle --ways 5", 2, /--ways has no effect here: .* for a regression/],
      ["export wave --false-accepts 0.1 --out x", 2, /--false-accepts has no effect here: sinusoid is a regression/],
      ["export fixed --no-calibrate --false-accepts 0.1 --out x", 2, /--false-accepts has no effect here/],
      ["predict runs/glyphs-1/bundle --params torn.png mine", 1, /torn.png/],
    ];
    for (const [text, status, message] of cases) {
      const outcome = await words(text);
      expect(outcome.stderr, text).toMatch(message);
      expect(outcome.stderr.match(/error:/g), text).toHaveLength(1);
      expect({ status: outcome.status, stdout: outcome.stdout }, text).toEqual({ status, stdout: "" });
    }
    expect(filesIn(cwd)).toEqual(before);
  });
});

describe("a bundle that is not whole", () => {
  const damaged: [string, (folder: string) => void, RegExp][] = [
    ["a missing file", (folder) => rmSync(join(folder, "adapt.onnx")), /no adapt.onnx/],
    [
      "an altered file",
      (folder) => {
        const bytes = readFileSync(join(folder, "predict.onnx"));
        bytes[100]! ^= 1;
        writeFileSync(join(folder, "predict.onnx"), bytes);
      },
      /predict.onnx: its sha256 is \w+ .* it was altered/,
    ],
    [
      "a file that is cut short",
      (folder) => {
        const bytes = readFileSync(join(folder, "predict.onnx"));
        writeFileSync(join(folder, "predict.onnx"), bytes.subarray(0, 1000));
      },
      /it was cut short/,
    ],
    [
      "a newer version",
      (folder) => {
        const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
        writeFileSync(join(folder, "manifest.json"), JSON.stringify({ ...manifest, version: 2 }));
      },
      /has version 2 and this release reads/,
    ],
  ];
  it.each(damaged)("%s", async (name, damage, message) => {
    const folder = name.replaceAll(" ", "-");
    cpSync(path("wave-bundle"), path(folder), { recursive: true });
    damage(path(folder));
    const { status, stderr } = await call("eval", folder);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });
});

describe("quickstart", () => {
  it("goes the whole road, and leaves a run, a bundle and a picture", async () => {
    const outcome = await words("quickstart --minutes 0.03 --episodes 4 --out quick --json");
    expect(outcome.status).toBe(0);
    const { accuracy, baselines, inductive, episodes, bundle, picture } = JSON.parse(outcome.stdout);
    expect({ inductive, episodes, bundle, picture }).toEqual({
      inductive: true,
      episodes: 4,
      bundle: join("quick", "bundle"),
      picture: join("quick", "episode.svg"),
    });
    for (const { mean, ci95 } of [accuracy, ...(Object.values(baselines) as (typeof accuracy)[])]) {
      expect(mean).toBeGreaterThanOrEqual(0);
      expect(mean).toBeLessThanOrEqual(1);
      expect(ci95).toBeGreaterThanOrEqual(0);
    }
    expect(Object.keys(baselines)).toEqual(["nearestNeighbour", "beforeTraining", "beforeAdaptation"]);
    const svg = readFileSync(path(picture), "utf8");
    expect(svg.match(/data:image\/png;base64,/g)).toHaveLength(5 + 5 * 8);
    const right = svg.match(/>✓ \d+ %</g)?.length ?? 0;
    const wrong = svg.match(/>✗ \d+ %</g)?.length ?? 0;
    expect(right + wrong).toBe(40);
    expect(svg).toContain(`${right} of 40 queries right`);
    const learner = await Learner.load(path(bundle), { provider: "cpu" });
    await learner.dispose();
  });
});

describe("inspect", () => {
  it("shows a bundle, and which of its files are intact", async () => {
    const { data, text } = await inspected("wave-bundle");
    expect(data).toMatchObject({ kind: "bundle", manifest: { task: "regression" } });
    expect(data.files.map(({ state }: { state: string }) => state)).toEqual(["intact", "intact"]);
    expect(text).toMatch(/inner loop {3}maml, learned head, 5 steps/);
  });

  it("shows a run", async () => {
    const { data, text } = await inspected("wave");
    expect(data).toMatchObject({ kind: "run", iteration: 4, config: { data: "sinusoid" } });
    expect(text).toContain("wave: a run of 4 iterations");
  });

  it("shows an ONNX file, and its graph", async () => {
    const { data, text } = await inspected("wave-bundle/predict.onnx", "--graph");
    expect(data).toMatchObject({ kind: "onnx", outputs: [{ name: "logits", type: "float [query, 1]" }] });
    expect(data.inputs[0]).toEqual({ name: "query_x", type: "float [query, 1]", optional: false });
    expect(data.metadata["innerloop.format"]).toBe("innerloop-bundle");
    expect(text).toMatch(/= (MatMul|Gemm)\(query_x, /);
  });

  it("shows what adapt wrote", async () => {
    const { data } = await inspected("mine.safetensors");
    expect(data.metadata.format).toBe("innerloop-personal");
  });

  async function inspected(...args: string[]) {
    const [json, text] = [await call("inspect", ...args, "--json"), await call("inspect", ...args)];
    expect([json.status, text.status]).toEqual([0, 0]);
    return { data: JSON.parse(json.stdout), text: text.stdout };
  }
});
