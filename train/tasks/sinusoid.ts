// The regression tasks of the MAML paper: sine waves of random amplitude and phase.
import { InnerloopError } from "@innerloop/schemas";
import type { Random } from "../random.ts";
import { checkCounts, episodeRandom } from "./sampling.ts";
import type { Episode, EpisodeShape, Examples, Split, TaskSource } from "./task.ts";

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
    if (shape.ways !== 1) {
      throw new InnerloopError(
        "bad-episode-shape",
        `ways is ${shape.ways}; sinusoid is a regression, which has no classes. Set ways to 1`,
        { exitStatus: 2 },
      );
    }
    const rng = episodeRandom(split, seed, index);
    const amplitude = rng.uniform(0.1, 5);
    const phase = rng.uniform(0, Math.PI);
    const wave = (x: number): number => amplitude * Math.sin(x - phase);
    return { support: points(rng, wave, shape.shots), query: points(rng, wave, shape.queries) };
  }
}

function points(rng: Random, wave: (x: number) => number, count: number): Examples {
  const x = Float32Array.from({ length: count }, () => rng.uniform(-5, 5));
  const y = Float32Array.from(x, wave);
  return {
    x: { dtype: "float32", shape: [count, 1], data: x },
    y: { dtype: "float32", shape: [count, 1], data: y },
  };
}
