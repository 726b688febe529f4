// Raw input becomes an example as the manifest's input.preprocessing says. Training and devices go through here alike.
import type { Manifest, Preprocessing } from "@innerloop/schemas/bundle";
import { isPicture, preprocessingOf, samplesIn, unknownInput } from "./given.ts";
import { finish, type Picture, resized, standardized } from "./pictures.ts";
import { numbersOfBytes } from "./raw-bytes.ts";
import { type Row, rowOf } from "./rows.ts";
import type { Samples, Sound } from "./samples.ts";
import { soundOf } from "./sounds.ts";
import { textOf } from "./texts.ts";
import { windowOf } from "./windows.ts";

/** What becomes an example without decoding: a decoded picture, samples in the order of time, a row of a table, a text, or the bytes of a file. */
export type RawInput = Picture | Samples | Sound | Row | string | Uint8Array;

/**
 * Turns raw input into an example, for those who have a manifest and no learner.
 *
 * @param input a picture, samples, a row, a text or bytes, whichever the manifest says
 * @returns float32, the numbers of `input.shape`
 * @throws InnerloopError `bad-input` for input that does not fit, or a bundle without preprocessing; `manifest-invalid`
 */
export function exampleOf(manifest: Pick<Manifest, "input">, input: RawInput): Float32Array {
  return preprocess(preprocessingOf(manifest), input);
}

/**
 * As {@link exampleOf}, by the preprocessing alone.
 *
 * @returns float32: pictures `[height · width · channels]`, windows `[length · channels]`, sounds `[frames · bands]`, rows `[numbers]`, texts `[tokens]`, bytes `[first + last]`
 */
export function preprocess(how: Preprocessing, input: RawInput): Float32Array {
  if (how.kind === "window") return windowOf(how, samplesIn(input));
  if (how.kind === "sound") return finish(soundOf(how, samplesIn(input)));
  if (how.kind === "row") return rowOf(how, input as Row);
  if (how.kind === "text") return textOf(how, input);
  if (how.kind === "bytes") return numbersOfBytes(how, input);
  if (!isPicture(input)) throw unknownInput("a picture as { data, width, height }");
  return standardized(finish(resized(input, how)), how);
}
