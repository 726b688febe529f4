// What a wrong call, bundle or example gets: one message that says what was given, what was expected and what to do.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Learner, type Manifest } from "@innerloop/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";

const CPU = { provider: "cpu" } as const;

describe("Learner.load refuses", () => {
  it("a folder that is not there, and one with a file missing", async () => {
    const error = await refusal(Learner.load(join(temporaryFolder(), "none"), CPU));
    expect(error.code).toBe("bundle-missing");
    expect(error.message).toMatch(/there is no such folder; a bundle .* was expected; check the path/);
    for (const file of ["manifest.json", "predict.onnx", "adapt.onnx"]) {
      const folder = writeBundle("linear");
      rmSync(join(folder, file));
      const missing = await refusal(Learner.load(folder, CPU));
      expect(missing.code).toBe("bundle-missing");
      expect(missing.message).toContain(`this folder has no ${file}`);
    }
  });

  it("a file that was altered or cut short", async () => {
    const folder = writeBundle("linear");
    const file = join(folder, "adapt.onnx");
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
    const altered = await refusal(Learner.load(folder, CPU));
    expect(altered.code).toBe("bundle-altered");
    expect(altered.message).toMatch(/adapt\.onnx: its sha256 is \w+ and the manifest says \w+: it was altered; copy/);
    truncateSync(file, 1000);
    const cut = await refusal(Learner.load(folder, CPU));
    expect(cut.code).toBe("bundle-altered");
    expect(cut.message).toMatch(/it has 1000 bytes and the manifest says \d+: it was cut short/);
  });

  it("a file for predicting with batch statistics that is missing or altered, where the manifest lists one", async () => {
    const file = "predict-transductive.onnx";
    const folder = writeBundle("linear", ({ files }) => Object.assign(files, { [file]: files["predict.onnx"] }));
    const missing = await refusal(Learner.load(folder, CPU));
    expect(missing.code).toBe("bundle-missing");
    expect(missing.message).toContain(`this folder has no ${file}`);
    copyFileSync(join(folder, "predict.onnx"), join(folder, file));
    await (await Learner.load(folder, CPU)).dispose();
    copyFileSync(join(folder, "adapt.onnx"), join(folder, file));
    const altered = await refusal(Learner.load(folder, CPU));
    expect(altered.code).toBe("bundle-altered");
    expect(altered.message).toContain(`${file}: it has`);
  });

  it("a manifest that is newer, damaged or no JSON", async () => {
    const newer = writeBundle("linear", (manifest) => Object.assign(manifest, { version: 2 }));
    expect((await refusal(Learner.load(newer, CPU))).code).toBe("newer-version");
    const damaged = writeBundle("linear", (manifest) => Object.assign(manifest, { input: 3 }));
    expect((await refusal(Learner.load(damaged, CPU))).code).toBe("manifest-invalid");
    writeFileSync(join(damaged, "manifest.json"), '{ "format": ');
    const broken = await refusal(Learner.load(damaged, CPU));
    expect(broken.code).toBe("manifest-invalid");
    expect(broken.message).toMatch(/manifest\.json: it is not valid JSON/);
  });

  it("a bundle for another task, and options it does not know", async () => {
    const folder = writeBundle("linear");
    const other = await refusal(Learner.load(folder, { ...CPU, task: "regression" }));
    expect(other.message).toMatch(/"linear" is for classification and regression was asked for/);
    const provider = await refusal(Learner.load(folder, { provider: "tpu" as "cpu" }));
    expect(provider.message).toBe(
      'provider "tpu" was given; auto, cuda, webgpu, cpu, wasm, dml, coreml are known; choose one of them',
    );
    expect(provider.exitStatus).toBe(2);
    expect((await refusal(Learner.load(folder, { ...CPU, threads: 1.5 }))).code).toBe("bad-option");
  });

  it("a host without onnxruntime-node, and says what to install", () => {
    const script = `
      const { Learner } = await import("@innerloop/runtime");
      await Learner.load(${JSON.stringify(writeBundle("linear"))}).catch((error) => console.log(error.code, error.message));`;
    const hook = `data:text/javascript,${encodeURIComponent(`
      import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(
        'export async function resolve(name, context, next) {' +
        '  if (name === "onnxruntime-node") throw new Error("Cannot find package");' +
        '  return next(name, context); }'));`)}`;
    const output = execFileSync(process.execPath, ["--import", hook, "--input-type=module", "-e", script], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8",
    });
    expect(output).toMatch(
      /^onnxruntime-missing onnxruntime-node could not be loaded on .*npm install onnxruntime-node; .*ONNXRUNTIME_NODE_INSTALL=skip/,
    );
  });
});

describe("adapt refuses", () => {
  const four = [0.1, 0.2, 0.3, 0.4];
  let learner: Learner;
  beforeAll(async () => {
    learner = await Learner.load(writeBundle("linear"), CPU);
  });
  afterAll(() => learner.dispose());

  const cases: [what: string, examples: unknown, message: RegExp][] = [
    ["no examples", [], /^no examples were given; give at least one example of each of two or more labels$/],
    ["no batch", { data: [], shape: [0, 2, 2, 1], labels: [] }, /^no examples were given/],
    ["another form", { images: [] }, /examples of an unknown form were given; expected a list of \{ label, data \}/],
    ["nothing", undefined, /examples of an unknown form/],
    [
      "one label",
      [
        { label: "a", data: four },
        { label: "a", data: four },
      ],
      /every example has the label "a"; at least two different labels were expected/,
    ],
    [
      "more labels than ways",
      ["a", "b", "c", "d"].map((label) => ({ label, data: four })),
      /4 different labels were given \("a", "b", "c", "d"\); this bundle tells up to 3 apart; give fewer/,
    ],
    [
      "an example of another length",
      [
        { label: "a", data: four },
        { label: "b", data: [1, 2, 3] },
      ],
      /example 1 \(label "b"\) has 3 values; this bundle takes 4 \(\[2, 2, 1\]\)/,
    ],
    [
      "an example of another shape",
      [
        { label: "a", data: four, shape: [4] },
        { label: "b", data: four },
      ],
      /example 0 \(label "a"\) has the shape \[4\]; this bundle takes \[2, 2, 1\]/,
    ],
    [
      "NaN",
      [
        { label: "a", data: four },
        { label: "b", data: [1, Number.NaN, 3, 4] },
      ],
      /example 1 \(label "b"\) holds NaN at position 1; every value must be a finite 32-bit number/,
    ],
    [
      "what float32 cannot hold",
      [
        { label: "a", data: four },
        { label: "b", data: [1, 2, 3, 1e39] },
      ],
      /holds 1e\+39 at position 3/,
    ],
    ...([null, "", "2", true, new Date(0), undefined, 2n, [2]] as unknown[]).map((value): [string, unknown, RegExp] => [
      `in a list of numbers: ${typeof value} ${String(value)}`,
      [
        { label: "a", data: four },
        { label: "b", data: [1, value, 3, 4] },
      ],
      /example 1 \(label "b"\) holds .* at position 1; every value must be a finite 32-bit number/,
    ]),
    [
      "null at the start of a list",
      [
        { label: "a", data: four },
        { label: "b", data: [null, 2, 3, 4] },
      ],
      /example 1 \(label "b"\) holds null at position 0/,
    ],
    [
      "a list with holes",
      [
        { label: "a", data: four },
        { label: "b", data: Object.assign(new Array(4), { 0: 1 }) },
      ],
      /example 1 \(label "b"\) holds undefined at position 1/,
    ],
    [
      "infinity in a batch",
      { data: [...four, 1, Number.POSITIVE_INFINITY, 3, 4], shape: [2, 2, 2, 1], labels: ["a", "b"] },
      /example 1 of the examples holds Infinity at position 1/,
    ],
    [
      "a blank picture",
      [
        { label: "a", data: four },
        { label: "b", data: [0, 0, 0, 0] },
      ],
      /example 1 \(label "b"\) is blank: all of its 4 values are 0; nothing can be learned from it; check how it was made/,
    ],
    ["a window of one value", [{ label: "a", data: [7, 7, 7, 7] }], /blank: all of its 4 values are 7/],
    [
      "raw pixels",
      [{ label: "a", data: Uint8Array.of(1, 2, 3, 4) }],
      /example 0 \(label "a"\) is given as Uint8Array; .* was expected; learner\.example makes one of raw input/,
    ],
    ["data that is missing", [{ label: "a" }], /example 0 \(label "a"\) is given as undefined/],
    [
      "a label that is no text",
      [
        { label: "a", data: four },
        { label: 3, data: four },
      ],
      /example 1 has the label 3; a label is a text that is not empty/,
    ],
    [
      "a batch of another shape",
      { data: four, shape: [1, 4], labels: ["a"] },
      /the examples have the shape \[1, 4\]; expected \[n, 2, 2, 1\] with n examples/,
    ],
    [
      "a batch of another length",
      { data: four, shape: [2, 2, 2, 1], labels: ["a", "b"] },
      /the examples hold 4 values; the shape \[2, 2, 2, 1\] needs 8/,
    ],
    [
      "too few labels",
      { data: [...four, ...four], shape: [2, 2, 2, 1], labels: ["a"] },
      /2 examples and 1 labels were given; give one label for each example/,
    ],
  ];
  it.each(cases)("%s", async (_, examples, message) => {
    const error = await refusal(learner.adapt(examples as never));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: "bad-input", exitStatus: 2 });
  });

  it("steps and rates that make no sense", async () => {
    const examples = ["a", "b"].map((label) => ({ label, data: four }));
    for (const options of [{ steps: -1 }, { steps: 1.5 }, { rate: -1 }, { rate: Number.NaN }]) {
      expect((await refusal(learner.adapt(examples, options))).code).toBe("bad-option");
    }
    const prototypes = await Learner.load(writeBundle("prototypes"), CPU);
    const rate = prototypes.adapt(
      ["a", "b"].map((label) => ({ label, data: [1, 2] })),
      { rate: 2 },
    );
    expect((await refusal(rate)).message).toMatch(
      /rate 2 was given; this bundle \(prototypes\) has no rates; leave it out/,
    );
    await prototypes.dispose();
  });

  it("a run that diverges, with advice", async () => {
    const line = await Learner.load(writeBundle("line"), { ...CPU, task: "regression" });
    const points = { x: { data: [1, 2], shape: [2, 1] }, y: { data: [1, 2], shape: [2, 1] } };
    const error = await refusal(line.adapt(points, { rate: 1000, steps: 100 }));
    expect(error.code).toBe("diverged");
    expect(error.message).toMatch(
      /the loss became infinite after \d+ of 100 steps; use fewer steps .* smaller rate than 1000/,
    );
    await line.dispose();
  });

  it("a label outside a fixed set", async () => {
    const fixed = await Learner.load(
      writeBundle("linear", (manifest: Manifest) => {
        manifest.labels = ["a", "b", "c"];
      }),
      CPU,
    );
    const error = await refusal(fixed.adapt(["a", "z"].map((label) => ({ label, data: four }))));
    expect(error.message).toBe('the label "z" was given; this bundle knows "a", "b", "c"; use one of these');
    await fixed.dispose();
  });

  it("points that do not fit a regression", async () => {
    const line = await Learner.load(writeBundle("line"), { ...CPU, task: "regression" });
    const column = (...data: number[]) => ({ data, shape: [data.length, 1] });
    const calls: [unknown, RegExp][] = [
      [[{ label: "a", data: [1] }], /a regression expects \{ x: \{ data, shape \}, y: \{ data, shape \} \}/],
      [{ x: column(), y: column() }, /no examples were given; give at least one point/],
      [{ x: column(1, 2), y: column(1) }, /x has 2 examples and y has 1; give one y for each x/],
      [{ x: column(1), y: column(Number.NaN) }, /example 0 of y holds NaN/],
      [{ x: { data: [1, 2], shape: [1, 2] }, y: column(1) }, /x have the shape \[1, 2\]; expected \[n, 1\]/],
    ];
    for (const [points, message] of calls)
      expect((await refusal(line.adapt(points as never))).message).toMatch(message);
    await line.dispose();
  });
});

describe("predict refuses", () => {
  it("what does not fit, and a learner that knows no class yet", async () => {
    const learner = await Learner.load(writeBundle("linear"), CPU);
    const calls: [unknown, RegExp][] = [
      [[1, 2, 3], /the query has 3 values; this bundle takes 4/],
      [[], /the query has 0 values/],
      [Uint8Array.of(1, 2, 3, 4), /the query is given as Uint8Array/],
      [undefined, /the query is given as undefined/],
      [
        { data: [1, 2, 3, 4], shape: [1, 2, 2, 1] },
        /the query has the shape \[1, 2, 2, 1\]; this bundle takes \[2, 2, 1\]/,
      ],
      [[1, 2, Number.NEGATIVE_INFINITY, 4], /the query holds -Infinity at position 2/],
      [Float32Array.of(1, 2, 3, Number.NaN), /the query holds NaN at position 3/],
      [
        Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3, 4),
        /the query holds Infinity at position 0/,
      ],
    ];
    for (const [query, message] of calls)
      expect((await refusal(learner.predict(query as never))).message).toMatch(message);
    const batches: [unknown, RegExp][] = [
      [[[1, 2, 3, 4], [1]], /query 1 has 1 values/],
      [[1, 2], /query 0 is given as number/],
      ["text", /queries of an unknown form/],
      [{ data: [1, 2], shape: [2] }, /the queries have the shape \[2\]; expected \[n, 2, 2, 1\]/],
    ];
    for (const [batch, message] of batches)
      expect((await refusal(learner.predictBatch(batch as never))).message).toMatch(message);
    await learner.dispose();

    const prototypes = await Learner.load(writeBundle("prototypes"), CPU);
    const error = await refusal(prototypes.predict([1, 2]));
    expect(error.code).toBe("not-adapted");
    expect(error.message).toMatch(/makes its head from the examples, so it knows no class yet; call adapt first/);
    await prototypes.dispose();
  });

  it("a bundle whose files are not what its manifest says", async () => {
    const folder = writeBundle("linear", (manifest) =>
      manifest.parameters.push({ name: "ghost", shape: [1], adapted: true, required: false }),
    );
    const learner = await Learner.load(folder, CPU);
    const error = await refusal(learner.adapt(["a", "b"].map((label) => ({ label, data: [1, 2, 3, 4] }))));
    expect(error.code).toBe("bundle-inconsistent");
    expect(error.message).toMatch(/no output "adapted\/ghost", which its manifest promises/);
    await learner.dispose();
  });
});
