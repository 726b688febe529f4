// Procedural sounds: an embedded data set of words, whistles and knocks, so that the first run with sounds needs no recording.
import { preprocess } from "@innerloop/runtime/input";
import { preprocessedShape, type SoundPreprocessing } from "@innerloop/schemas";
import { TONE_RATE } from "../made/synthesis.ts";
import { drawTone } from "../made/tones.ts";
import { MadeTasks } from "./made-tasks.ts";
import type { Reader } from "./reader.ts";

/**
 * Procedural sounds, 47×40×1: of the loudest second of a recording, 40 bands every 21 ms.
 *
 * `train` has 600 sounds with 10 takes each, `val` 160 with 30, or as many takes as an episode needs; `test` has 2²⁰ with 65,536. Half
 * of the sounds are like words, the others whistles, knocks, hums and rustling.
 */
export class Tones extends MadeTasks {
  readonly name = "tones";
  readonly preprocessing: SoundPreprocessing = {
    kind: "sound",
    rate: TONE_RATE,
    length: TONE_RATE,
    frame: 500,
    hop: 333,
    bands: 40,
    lowest: 80,
    highest: 7200,
    relative: true,
    floor: 1e-4,
    mean: -7.8,
    std: 1.7,
  };
  readonly inputShape: readonly number[] = preprocessedShape(this.preprocessing);

  protected readonly noun = "tone";
  protected readonly kept = { train: { classes: 600, examples: 10 }, val: { classes: 160, examples: 30 } };

  protected draw(id: number, number: number): Float32Array {
    return preprocess(this.preprocessing, { data: drawTone(id, number), rate: TONE_RATE, channels: 1 });
  }
}

export const tones: Reader = {
  spec: "tones",
  summary: "procedural sounds: words, whistles, knocks, hums, as many as anyone asks for",
  kind: "classification",
  preset: "tones-5way-1shot",
  open: () => new Tones(),
};
