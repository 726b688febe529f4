// The regression tasks of the MAML paper: sine waves of random amplitude and phase.
import { InnerloopError } from "@innerloop/schemas";
import { checkCounts, episodeRandom } from "../episodes/sampling.ts";
import type { Episode, EpisodeShape, Split, TaskSource } from "../episodes/task.ts";
import { drawPoints, drawWave } from "../made/waves.ts";
import type { Reader } from "./reader.ts";

/**
 * Sine waves y = A·sin(x − φ) with A ~ U[0.1, 5), φ ~ U[0, π) and x ~ U[−5, 5), one wave a task (Finn et al. 2017,
 * section 5.1). `shots` and `queries` are the numbers of points; `ways` is 1. Tasks have no end, and the three
 * splits are separate streams of them.
 */
export class Sinusoid implements TaskSource {
  readonly name = "sinusoid";
  readonly kind = "regression";
  readonly inputShape: readonly number[] = [1];
  readonly outputSize = 1;

  classCount(_split: Split): number {
    return Number.POSITIVE_INFINITY;
  }

  episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode {
    checkCounts(shape);
    if (shape.ways !== 1)
      throw new InnerloopError(
        "bad-episode-shape",
        `ways is ${shape.ways}; sinusoid is a regression, which has no classes. Set ways to 1`,
        { exitStatus: 2 },
      );
    const random = episodeRandom(split, seed, index);
    const wave = drawWave(random);
    return { support: drawPoints(random, wave, shape.shots), query: drawPoints(random, wave, shape.queries) };
  }
}

export const sinusoid: Reader = {
  spec: "sinusoid",
  summary: "sine waves of random amplitude and phase, a regression",
  kind: "regression",
  ownSplits: true,
  preset: "sinusoid-10shot",
  open: () => new Sinusoid(),
};
