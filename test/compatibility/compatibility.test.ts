// Files of version 0.1.0 are read by every later one: a bundle of characters (ANIL, any number of classes), one of sinusoids
// (MAML), a user's file of each and the checkpoints that they were exported from, with what that version answered. Bytes of
// answers depend on the processor; so answers have to be those of the files in bare ONNX Runtime to the byte, and the
// recorded ones up to rounding.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exportRun } from "@innerloop/measure";
import { decodeSafetensors, type Manifest, type Tensor } from "@innerloop/schemas";
import { decodeModel, encodeModel } from "@innerloop/schemas/onnx";
import { openRun, readCheckpoint } from "@innerloop/train";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { answersOf, continued, examplesFor, openBundle } from "./answers.ts";

const fixtures = join(import.meta.dirname, "0.1.0");
const temporary = temporaryFolder("compatibility");

const bytesOf = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Rounding in float32 of sums in another order, grown over the steps. */
function expectClose(found: Tensor | undefined, recorded: Tensor): void {
  expect(found?.shape).toEqual(recorded.shape);
  const largest = Math.max(...[...recorded.data].map(Number).map(Math.abs), 1e-3);
  const apart = [...recorded.data].map((x, i) => Math.abs(Number(x) - Number(found!.data[i])));
  expect(Math.max(...apart) / largest).toBeLessThan(1e-4);
}

describe.each(["characters", "sinusoids"])("%s of version 0.1.0", (name) => {
  const folder = join(fixtures, name);
  const recorded = readFile(join(folder, "answers.safetensors")).then(
    (bytes) => decodeSafetensors(bytes, name).tensors,
  );

  test("the bundle answers what its files answer in bare ONNX Runtime, to the byte, and what it answered then", async () => {
    const learner = await openBundle(folder);
    const { support, queries } = examplesFor(learner.manifest);
    const answers = await answersOf(await learner.adapt(support as Parameters<typeof learner.adapt>[0]), queries);
    expect(bytesOf(answers.answers!)).toEqual(await bareAnswers(folder));
    for (const key of ["answers", "losses"]) expectClose(answers[key], (await recorded)[key]!);
    await learner.dispose();
  });

  test("the file of a user is restored, and answers as it did", async () => {
    const learner = await openBundle(folder);
    const { support, queries } = examplesFor(learner.manifest);
    const restored = await answersOf(await learner.restore(join(folder, "user.safetensors")), queries);
    for (const key of ["answers", "losses"]) expectClose(restored[key], (await recorded)[key]!);
    const fresh = await answersOf(await learner.adapt(support as Parameters<typeof learner.adapt>[0]), queries);
    expectClose(restored.answers, fresh.answers!);
    await learner.dispose();
  });

  test.each([0, 1] as const)("the run goes on as it did, with %i worker threads", async (workers) => {
    const weights = await continued(folder, workers);
    const expected = Object.entries(await recorded).filter(([key]) => key.startsWith(`${workers}/`));
    expect(Object.keys(weights).sort()).toEqual(expected.map(([key]) => key).sort());
    for (const [key, tensor] of expected) expectClose(weights[key], tensor);
  });

  test("the checkpoint becomes a bundle that answers the same", async () => {
    const out = join(temporary, name);
    const run = await openRun(folder);
    const { best } = await readCheckpoint(folder);
    expect(run.weights).toEqual(best);
    const manifest = await exportRun(run, out, { calibrate: false });
    expect(manifest.parameters).toEqual(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")).parameters);
    const learner = await openBundle(out);
    const { support, queries } = examplesFor(learner.manifest);
    const answers = await answersOf(await learner.adapt(support as Parameters<typeof learner.adapt>[0]), queries);
    for (const key of ["answers", "losses"]) expectClose(answers[key], (await recorded)[key]!);
    await learner.dispose();
  });
});

/** The answers of a bundle's two files, run as any program would. */
async function bareAnswers(folder: string): Promise<Buffer> {
  const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
  const { support, queries } = examplesFor(manifest);
  const packed = Array.isArray(support) ? packedClasses(support) : undefined;
  const shape: number[] = manifest.input.shape;
  const float = (lists: readonly Float32Array[], axes: readonly number[]) =>
    new OrtTensor("float32", Float32Array.from(lists.flatMap((list) => [...list])), [...axes]);
  const [adapt, predict] = await Promise.all(
    ["adapt.onnx", "predict.onnx"].map(async (file) =>
      InferenceSession.create(await withoutAdapted(join(folder, file), manifest), {
        intraOpNumThreads: 1,
        executionProviders: ["cpu"],
      }),
    ),
  );
  const supportFeeds = packed
    ? {
        support_x: float(packed.x, [packed.x.length, ...shape]),
        support_y: new OrtTensor("int64", packed.y, [packed.y.length]),
      }
    : {
        support_x: float([(support as Points).x.data], (support as Points).x.shape),
        support_y: float([(support as Points).y.data], (support as Points).y.shape),
      };
  const feeds: Record<string, OrtTensor> = {
    ...supportFeeds,
    steps: new OrtTensor(
      "int64",
      BigInt64Array.of(BigInt(manifest.innerLoop.testSteps ?? manifest.innerLoop.steps)),
      [],
    ),
    rate: new OrtTensor("float32", Float32Array.of(1), []),
  };
  if (adapt!.inputNames.includes("ways")) feeds.ways = new OrtTensor("int64", BigInt64Array.of(3n), []);
  const state = await adapt!.run(feeds);
  const query: Record<string, OrtTensor> = { query_x: float(queries, [queries.length, ...shape]) };
  for (const [key, tensor] of Object.entries(state))
    if (key.startsWith("adapted/")) query[key.slice("adapted/".length)] = tensor as OrtTensor;
  const { logits } = await predict!.run(query);
  const data = logits!.data as Float32Array;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** ONNX Runtime for JavaScript ignores what is fed for an initializer, so predict.onnx goes without those that adapting gives. */
async function withoutAdapted(file: string, { parameters }: Manifest): Promise<Uint8Array> {
  const bytes = await readFile(file);
  if (!file.endsWith("predict.onnx")) return bytes;
  const model = decodeModel(bytes, file);
  const adapted = new Set(parameters.filter((it) => it.adapted).map((it) => it.name));
  model.graph!.initializer = (model.graph!.initializer ?? []).filter((it) => !adapted.has(it.name ?? ""));
  return encodeModel(model);
}

type Points = { readonly x: PackedArray; readonly y: PackedArray };
type PackedArray = { readonly data: Float32Array; readonly shape: readonly number[] };

function packedClasses(examples: readonly { readonly label: string; readonly data: Float32Array }[]) {
  return {
    x: examples.map(({ data }) => data),
    y: BigInt64Array.from(examples, ({ label }) => BigInt("abc".indexOf(label))),
  };
}
