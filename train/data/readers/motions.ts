// Procedural gestures: an embedded data set of motion windows, so that the first run with them needs no recording.
import { preprocess } from "@innerloop/runtime/input";
import { preprocessedShape, type WindowPreprocessing } from "@innerloop/schemas";
import { random } from "../../random.ts";
import { drawEpisode, episodeRandom } from "../episodes/sampling.ts";
import { type Episode, type EpisodeShape, type Split, splits } from "../episodes/task.ts";
import { drawMotion, MOTION_LENGTH, MOTION_RATE } from "../made/motions.ts";
import { direction, rotated, type Vector } from "../made/vectors.ts";
import { MadeTasks } from "./made-tasks.ts";
import type { Reader } from "./reader.ts";

// The stream of `random` that says how the device of an episode is held.
const deviceStream = 0x64657669;

/**
 * Procedural gestures, 100×3: two seconds of an accelerometer at 50 samples a second, in m/s² with gravity, divided by 7.
 *
 * `train` has 1,500 gestures with 20 attempts each, or as many as an episode needs; `val` and `test` have 2²⁰ others each. All
 * examples of an episode are of one device, that lies in the hand in one of all possible ways.
 */
export class Motions extends MadeTasks {
  readonly name = "motions";
  readonly preprocessing: WindowPreprocessing = {
    kind: "window",
    length: MOTION_LENGTH,
    pad: true,
    channels: 3,
    rate: MOTION_RATE,
    mean: [0, 0, 0],
    std: [7, 7, 7],
  };
  readonly inputShape: readonly number[] = preprocessedShape(this.preprocessing);

  protected readonly noun = "motion";
  protected readonly kept = { train: { classes: 1500, examples: 20 } };

  protected draw(id: number, number: number): Float32Array {
    return preprocess(this.preprocessing, { data: drawMotion(id, number), rate: MOTION_RATE, channels: 3 });
  }

  // All axes are divided by the same number, so that it makes no difference whether a device is turned before or after.
  override episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode {
    const device = random(deviceStream, splits.indexOf(split), seed, index);
    const [about, angle] = [direction(device), device.uniform(0, 2 * Math.PI)];
    const axes = (
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ] as const
    ).map((axis) => rotated(axis, about, angle));
    const pool = this.classesOf(split, (window) => turned(window, axes));
    return drawEpisode(pool, episodeRandom(split, seed, index), shape);
  }
}

/** A window of a device that is held turned. @param axes where its own axes point */
function turned(window: Float32Array, axes: readonly Vector[]): Float32Array {
  const result = new Float32Array(window.length);
  for (let at = 0; at < window.length; at += 3)
    for (let axis = 0; axis < 3; axis++) {
      const [x, y, z] = axes[axis]!;
      result[at + axis] = x * window[at]! + y * window[at + 1]! + z * window[at + 2]!;
    }
  return result;
}

export const motions: Reader = {
  spec: "motions",
  summary: "procedural gestures, as an accelerometer feels them, as many as anyone asks for",
  kind: "classification",
  preset: "motions-5way-1shot",
  open: () => new Motions(),
};
