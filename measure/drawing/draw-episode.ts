// Draws the first episode of an evaluation as its bundle answers it.
import { Learner } from "@innerloop/runtime";
import type { Tensor } from "@innerloop/schemas";
import { imageOf, replaceFile, type TaskSource } from "@innerloop/train";
import type { BundleEvaluation } from "../evaluation/evaluation.ts";
import { wrongCall } from "../refusal.ts";
import { episodePicture } from "./episode-picture.ts";

/** Queries of each class that are drawn. */
const drawnQueries = 8;

/**
 * Adapts to the evaluation's first episode, and writes a picture of it: the support set, eight queries of each class, and what
 * was answered to each.
 * @param bundle its folder; it is for images
 * @param file the SVG file to write
 * @param tasks the data of the evaluation; their preprocessing says how images are drawn
 * @param things what the classes are, for the title
 * @throws InnerloopError `wrong-data` (status 2) for data that are no images; what `Learner.load` throws; `write-failed`
 */
export async function drawEpisode(
  bundle: string,
  file: string,
  tasks: TaskSource,
  { ways, shots, seed, split, innerSteps }: BundleEvaluation,
  things = "classes",
): Promise<void> {
  const { preprocessing } = tasks;
  if (preprocessing?.kind !== "image")
    throw wrongCall(
      "wrong-data",
      `The examples of ${tasks.name} are no images, which alone can be drawn; give images.`,
    );
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
    const png = (data: Float32Array) => imageOf(data, preprocessing);
    const supportOf = (way: number) => shown.filter((_, i) => Number(support.y.data[i]) === way);
    const example = shots === 1 ? "one example" : `${shots} examples`;
    const picture = episodePicture({
      title: `${ways} new ${things}, ${example} of each`,
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
