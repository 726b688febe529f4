// Accuracy on the same episodes of unseen classes: a bundle adapted by the runtime, and @tensorflow-models/knn-classifier on
// an embedding, which is what a TypeScript user would reach for.
import { Learner } from "@innerloop/runtime";
import { sizeOf } from "@innerloop/schemas";
import { type Episode, metrics, type TaskSource } from "@innerloop/train";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { create } from "@tensorflow-models/knn-classifier";
import { type Body, openFeatures } from "./body.ts";

export interface Accuracy {
  readonly mean: number;
  /** Half of the 95 % interval. */
  readonly ci95: number;
}

type Answer = (episode: Episode) => Promise<number>;

async function over(tasks: TaskSource, shots: number, episodes: number, answer: Answer): Promise<Accuracy> {
  const found: number[] = [];
  for (let i = 0; i < episodes; i++)
    found.push(await answer(tasks.episode("test", 0, i, { ways: 5, shots, queries: 15 })));
  return metrics.estimate(found);
}

/** The bundle, as an application uses it. */
export async function bundleAccuracy(
  bundle: string,
  tasks: TaskSource,
  shots: number,
  episodes: number,
): Promise<Accuracy> {
  const learner: Learner = await Learner.load(bundle, { provider: "cpu" });
  try {
    return await over(tasks, shots, episodes, async ({ support, query }) => {
      const labels = Array.from(support.y.data, String);
      const mine = await learner.adapt({ data: support.x.data as Float32Array, shape: support.x.shape, labels });
      const answers = await mine.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
      return share(
        answers.map(({ label }) => label),
        query.y.data as Int32Array,
      );
    });
  } finally {
    await learner.dispose();
  }
}

/**
 * knn-classifier with the k that does best on the first fifty episodes, so that the peer is at its best; or on the pixels
 * themselves where there is no body.
 */
export async function knnAccuracy(
  body: Body | undefined,
  tasks: TaskSource,
  shots: number,
  episodes: number,
): Promise<Accuracy & { readonly k: number }> {
  await tf.setBackend("cpu");
  const features = body && (await openFeatures(body));
  const withK =
    (k: number): Answer =>
    async ({ support, query }) => {
      const width = features?.width ?? sizeOf(tasks.inputShape);
      const [known, asked] = features
        ? [await features.of(support.x), await features.of(query.x)]
        : [support.x.data as Float32Array, query.x.data as Float32Array];
      const row = (all: Float32Array, i: number) => tf.tensor1d(all.subarray(i * width, (i + 1) * width));
      const classifier = create();
      Array.from(support.y.data, Number).forEach((label, i) => {
        const example = row(known, i);
        classifier.addExample(example, label);
        example.dispose();
      });
      const labels: string[] = [];
      for (let i = 0; i < asked.length / width; i++) {
        const example = row(asked, i);
        labels.push((await classifier.predictClass(example, k)).label);
        example.dispose();
      }
      classifier.dispose();
      return share(labels, query.y.data as Int32Array);
    };
  try {
    let best = { k: 1, mean: -1 };
    for (const k of shots === 1 ? [1] : [1, 3, 5]) {
      const { mean } = await over(tasks, shots, Math.min(50, episodes), withK(k));
      if (mean > best.mean) best = { k, mean };
    }
    return { ...(await over(tasks, shots, episodes, withK(best.k))), k: best.k };
  } finally {
    await features?.close();
  }
}

const share = (labels: readonly string[], truth: Int32Array): number =>
  labels.filter((label, i) => Number(label) === truth[i]).length / labels.length;
