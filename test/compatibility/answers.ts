// What a run and a bundle on disk answer: a user's predictions, and the weights of a training that goes on. The same program
// recorded the fixtures beside it with the version that wrote them: node test/dist/compatibility/answers.js FOLDER
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Learner, type Personal } from "@innerloop/runtime";
import { encodeSafetensors, type Manifest, sizeOf, type Tensor } from "@innerloop/schemas";
import { readCheckpoint, runTraining } from "@innerloop/train";

/** Exact in float32 on every machine, and like nothing else: x = ((i · 37 + j · 11 + k) mod 64) / 64 for number i of example j. */
const example = (length: number, j: number, k: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((i * 37 + j * 11 + k) % 64) / 64);

const rows = (lists: readonly (readonly number[])[]): Tensor => ({
  dtype: "float32",
  shape: [lists.length, lists[0]!.length],
  data: Float32Array.from(lists.flatMap((list) => [...list])),
});

type AnyLearner = Learner<"classification" | "regression">;
type AnyPersonal = Personal<"classification" | "regression">;

/** What a user gives: two examples of each of three classes, or four points of a function; and queries. `[n, ...]`, packed. */
export function examplesFor({ task, input, output }: Manifest) {
  const length = sizeOf(input.shape);
  if (task === "regression") {
    const [x, y] = [
      [-3, -1, 1, 3],
      [-0.75, -0.25, 0.25, 0.75],
    ].map((list) => Float32Array.from(list)) as [Float32Array, Float32Array];
    const support = { x: { data: x, shape: [4, length] }, y: { data: y, shape: [4, output.size ?? 1] } };
    return { support, queries: [-2, 0, 2].map((at) => Float32Array.of(at)) };
  }
  const support = [0, 1, 2].flatMap((j) => [0, 1].map((k) => ({ label: "abc"[j]!, data: example(length, j, k) })));
  return { support, queries: [0, 1, 2].map((j) => example(length, j, 3)) };
}

export async function openBundle(folder: string): Promise<AnyLearner> {
  return (await Learner.load(folder, { provider: "cpu" })) as AnyLearner;
}

/** What a user's model says of queries: its logits or values, and the support losses on the way there. */
export async function answersOf(mine: AnyPersonal, queries: readonly Float32Array[]): Promise<Record<string, Tensor>> {
  const predictions = await mine.predictBatch(queries);
  const answers = predictions.map((answer) => ("value" in answer ? answer.value : answer.logits));
  return { answers: rows(answers), losses: rows([mine.supportLoss]) };
}

/** The weights of a run that goes on for five more iterations, all tasks in one graph or over worker threads. */
export async function continued(run: string, workers: 0 | 1): Promise<Record<string, Tensor>> {
  const folder = await mkdtemp(join(tmpdir(), "innerloop-going-on-"));
  try {
    await copyFile(join(run, "checkpoint.safetensors"), join(folder, "checkpoint.safetensors"));
    const { config, iteration } = (await readCheckpoint(folder)).header;
    await runTraining({ config: { ...config, workers, iterations: iteration + 5 }, out: folder, resume: true });
    const { tensors } = await readCheckpoint(folder);
    return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${workers}/${name}`, tensor]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function record(folder: string): Promise<void> {
  const learner = await openBundle(folder);
  const { support, queries } = examplesFor(learner.manifest);
  const mine = await learner.adapt(support as Parameters<AnyLearner["adapt"]>[0]);
  await mine.save(join(folder, "user.safetensors"));
  const recorded = {
    ...(await answersOf(mine, queries)),
    ...(await continued(folder, 0)),
    ...(await continued(folder, 1)),
  };
  await writeFile(join(folder, "answers.safetensors"), encodeSafetensors(recorded));
  await learner.dispose();
}

const [, program, folder] = process.argv;
if (program === fileURLToPath(import.meta.url) && folder) await record(folder);
