// Raw input becomes an example as the manifest's input.preprocessing says. Training and devices go through here alike.
import { checkPreprocessing, type Manifest, type Preprocessing } from "@innerloop/schemas/bundle";
import { finish, type Picture, resized, standardized } from "./pictures.ts";
import { badInput } from "./refusal.ts";
import { type Samples, type Sound, windowOf } from "./windows.ts";

/** What becomes an example without decoding: a decoded picture, or samples in the order of time. */
export type RawInput = Picture | Samples | Sound;

/**
 * Turns raw input into an example, for those who have a manifest and no learner.
 *
 * @param input a picture or samples, whichever the manifest says
 * @returns float32, the numbers of `input.shape`
 * @throws InnerloopError `bad-input` for input that does not fit, or a bundle without preprocessing; `manifest-invalid`
 */
export function exampleOf(manifest: Pick<Manifest, "input">, input: RawInput): Float32Array {
  return preprocess(preprocessingOf(manifest), input);
}

/**
 * As {@link exampleOf}, by the preprocessing alone.
 *
 * @returns pictures: float32 `[height · width · channels]`; windows: float32 `[length · channels]`
 */
export function preprocess(how: Preprocessing, input: RawInput): Float32Array {
  if (how.kind === "window") return windowOf(how, samplesIn(input));
  if (how.kind !== "image") throw unknownInput("no raw input yet");
  if (!isPicture(input)) throw unknownInput("a picture as { data, width, height }");
  return standardized(finish(resized(input, how)), how);
}

/**
 * A manifest's preprocessing, checked.
 *
 * @throws InnerloopError `bad-input` where there is none, `newer-version` for one of a later release, `manifest-invalid`
 */
export function preprocessingOf({ input }: Pick<Manifest, "input">): Preprocessing {
  const how = checkPreprocessing(input);
  if (how) return how;
  throw badInput(
    "raw input was given, and this bundle does not say how it becomes an example: its manifest has no input.preprocessing; " +
      `give adapt and predict the numbers themselves, [${input.shape.join(", ")}]`,
  );
}

/** Whether a value looks like a decoded picture. */
export function isPicture(input: unknown): input is Picture {
  return isObject(input) && "data" in input && "width" in input;
}

/** @throws InnerloopError `bad-input` for what are no samples */
export function samplesIn(input: unknown): Samples | Sound {
  if (isObject(input) && ("data" in input || "getChannelData" in input) && !isPicture(input)) return input as Samples;
  throw unknownInput("samples as { data, rate?, channels? }, or an AudioBuffer,");
}

/** @param expected what the bundle takes, here */
export function unknownInput(expected: string): Error {
  return badInput(`input of an unknown form was given; this bundle takes ${expected} to make an example of`);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
