// What a bundle computes, for every kind of learner; those that take long are in bundle.slow.test.ts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBundle } from "@innerloop/export";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { distance } from "../support/numbers.ts";
import { describeBundle, opened, scalar } from "./bundle-suite.ts";
import { large, learners, randomEpisode, randomWeights } from "./learners.ts";

for (const [name, make] of Object.entries(learners)) if (!large.includes(name)) describeBundle(name, make);

it("leaves outputs without a class alone", async () => {
  const learner = learners["maml, conv4, layer norm"]!();
  const weights = randomWeights(learner);
  const { "adapt.onnx": adapt } = await opened(buildBundle(learner, weights));
  const { support } = randomEpisode(learner, 3, 2, 1);
  const { "adapted/head.bias": bias } = await adapt!.run({
    support_x: support.x,
    support_y: support.y,
    steps: scalar(5),
  });
  const before = weights["head.bias"]!.data as Float32Array;
  expect([...(bias!.data as Float32Array)].slice(3)).toEqual([...before].slice(3));
  expect([...(bias!.data as Float32Array)].slice(0, 3)).not.toEqual([...before].slice(0, 3));
});

it("gives the same bytes for the same learner and weights", () => {
  const make = learners["maml, conv4, batch norm"]!;
  const [a, b] = [make(), make()].map((learner) => buildBundle(learner, randomWeights(learner)));
  expect(a!.manifest.files).toEqual(b!.manifest.files);
});

it("writes the opset that it is asked for, from 17 to 21", async () => {
  const learner = learners["maml, metamodel"]!();
  const weights = randomWeights(learner);
  const { support } = randomEpisode(learner, 5, 1, 1);
  const answers = [];
  for (const [opset, irVersion] of [
    [17, 8],
    [18, 8],
    [19, 9],
    [20, 9],
    [21, 10],
  ] as const) {
    const bundle = buildBundle(learner, weights, { opset });
    expect([bundle.manifest.opset, bundle.manifest.irVersion]).toEqual([opset, irVersion]);
    const { "adapt.onnx": adapt } = await opened(bundle);
    answers.push(
      (await adapt!.run({ support_x: support.x, support_y: support.y, steps: scalar(2) })).support_loss!.data,
    );
  }
  for (const answer of answers) expect(distance(answer, answers[0]!)).toBeLessThan(1e-6);
});

it("does not make ONNX Runtime complain", async () => {
  // An input that may be overridden is no constant, which ONNX Runtime mentions for each; nothing else may be said.
  const { spawnSync } = await import("node:child_process");
  const folder = temporaryFolder();
  const files = Object.values(learners).flatMap((make, i) => {
    const learner = make();
    return Object.entries(buildBundle(learner, randomWeights(learner)).files).map(([file, bytes]) => {
      const path = join(folder, `${i}-${file}`);
      writeFileSync(path, bytes);
      return path;
    });
  });
  const script = `import ort from "onnxruntime-node";
    for (const file of ${JSON.stringify(files)}) await ort.InferenceSession.create(file, { logSeverityLevel: 2 });`;
  const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: new URL("../../runtime", import.meta.url),
    encoding: "utf8",
  });
  expect(status).toBe(0);
  expect(stderr.split("\n").filter((line) => line !== "" && !line.includes("appears in graph inputs"))).toEqual([]);
});
