// Draws the first episode of an evaluation as its bundle answers it.
import { Learner } from "@innerloop/runtime";
import type { ImagePreprocessing, Tensor } from "@innerloop/schemas";
import { imageOf, replaceFile, type TaskSource } from "@innerloop/train";
import type { Evaluation } from "../evaluation/evaluation.ts";
import { episodePicture } from "./episode-picture.ts";

/** Queries of each class that are drawn. */
const drawnQueries = 8;

/**
 * Adapts to the evaluation's first episode, and writes a picture of it.
 * @param tasks images; their preprocessing says how they are drawn
 * @throws InnerloopError `write-failed`
 */
export async function drawEpisode(
  bundle: string,
  file: string,
  tasks: TaskSource,
  { ways, shots, seed, split, innerSteps }: Evaluation,
): Promise<void> {
  const learner: Learner = await Learner.load(bundle, { provider: "cpu" });
  try {
    const { support, query } = tasks.episode(split, seed, 0, { ways, shots, queries: drawnQueries });
    const shown = rowsOf(support.x);
    const asked = rowsOf(query.x);
    const personal = await learner.adapt(
      shown.map((data, i) => ({ label: String(support.y.data[i]), data })),
      { steps: innerSteps },
    );
    const answers = await personal.predictBatch(asked);
    const png = (data: Float32Array) => imageOf(data, tasks.preprocessing as ImagePreprocessing);
    const supportOf = (way: number) => shown.filter((_, i) => Number(support.y.data[i]) === way);
    const example = shots === 1 ? "one example" : `${shots} examples`;
    const picture = episodePicture({
      title: `${ways} new characters, ${example} of each`,
      support: await Promise.all(Array.from({ length: ways }, (_, way) => Promise.all(supportOf(way).map(png)))),
      queries: await Promise.all(
        asked.map(async (data, i) => ({
          image: await png(data),
          truth: Number(query.y.data[i]),
          predicted: Number(answers[i]!.label),
          probability: answers[i]!.probability,
        })),
      ),
    });
    await replaceFile(file, new TextEncoder().encode(picture));
  } finally {
    await learner.dispose();
  }
}

/** The examples of a batch. */
function rowsOf({ data, shape }: Tensor): Float32Array[] {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, i) => (data as Float32Array).slice(i * size, (i + 1) * size));
}
