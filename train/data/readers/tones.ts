// Procedural sounds: an embedded data set of words, whistles and knocks, so that the first run with sounds needs no recording.
import { preprocess } from "@innerloop/runtime/input";
import { preprocessedShape, type SoundPreprocessing } from "@innerloop/schemas";
import { TONE_RATE } from "../made/synthesis.ts";
import { drawTone } from "../made/tones.ts";
import { MadeTasks } from "./made-tasks.ts";
import type { Reader } from "./reader.ts";

/**
 * Procedural sounds, 49×40×1: of the loudest second of a recording, 40 bands every 20 ms.
 *
 * `train` has 800 sounds with 12 takes each, or as many as an episode needs; `val` and `test` have 2²⁰ others each. Half of
 * the sounds are like words, the others whistles, knocks, hums and rustling.
 */
export class Tones extends MadeTasks {
  readonly name = "tones";
  readonly preprocessing: SoundPreprocessing = {
    kind: "sound",
    rate: TONE_RATE,
    length: TONE_RATE,
    frame: 512,
    hop: 320,
    bands: 40,
    lowest: 60,
    highest: 7600,
    relative: true,
    floor: 1e-4,
    mean: -7.8,
    std: 1.7,
  };
  readonly inputShape: readonly number[] = preprocessedShape(this.preprocessing);

  protected readonly noun = "tone";
  protected readonly trainingSize = { classes: 800, examples: 12 };

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
