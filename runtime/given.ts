// What a bundle takes as raw input, and whether that was given.
import { type ImagePreprocessing, type Manifest, type Preprocessing, show } from "@innerloop/schemas/bundle";
import { checkPreprocessing, misfitOf } from "@innerloop/schemas/preprocessing";
import type { Picture } from "./pictures.ts";
import { badInput, badOption } from "./refusal.ts";
import type { Samples, Sound } from "./samples.ts";

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

/** What of a bundle's preprocessing is another for pictures that look otherwise than those of its training. */
export type PictureSettings = Partial<Pick<ImagePreprocessing, "margin" | "ground" | "invert">>;

/**
 * A manifest whose pictures become examples in another way.
 *
 * @throws InnerloopError `bad-option` for settings that are none, and a bundle that takes no pictures
 */
export function withPictures(manifest: Manifest, settings: PictureSettings): Manifest {
  const { input, name } = manifest;
  if (input.preprocessing?.kind !== "image")
    throw badOption(`pictures was given, and the bundle "${name}" takes none as raw input; leave it out`);
  if (!isObject(settings)) throw badOption(`pictures is ${show(settings)}; { margin?, ground?, invert? } was expected`);
  const { margin, ground, invert } = settings;
  const given = Object.entries({ margin, ground, invert }).filter(([, value]) => value !== undefined);
  const preprocessing = { ...input.preprocessing, ...Object.fromEntries(given) };
  const wrong = misfitOf({ ...input, preprocessing });
  if (wrong) throw badOption(`pictures does not fit: ${wrong}`);
  return { ...manifest, input: { ...input, preprocessing } };
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
