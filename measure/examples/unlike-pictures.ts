// What is said of pictures that look otherwise than those that a bundle was trained on, where a setting would make them alike.
import type { Manifest } from "@innerloop/schemas";
import { unlikePictures } from "@innerloop/train";

/**
 * @param examples as the bundle takes them
 * @param naming how a setting is written: `--margin`
 * @returns a sentence; nothing where they are alike, where they are no pictures on an even ground, and where the bundle says nothing of its own
 */
export function noteOnPictures(
  examples: readonly Float32Array[],
  { input }: Pick<Manifest, "input">,
  naming: (setting: string) => string = (setting) => setting,
): string | undefined {
  const unlike = unlikePictures(examples, input);
  if (!unlike || !input.content) return undefined;
  const { own, margin, invert } = unlike;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const found = [
    ...(margin === undefined
      ? []
      : [
          `What is on these pictures fills ${percent(own.extent)} of a side, and ${percent(input.content.extent)} of those that the bundle was trained on`,
        ]),
    ...(invert === undefined ? [] : ["the ground of these pictures is the other way around than it was in training"]),
  ].join("; ");
  const settings = [
    ...(margin === undefined ? [] : [`${naming("margin")} ${margin}`]),
    ...(invert === undefined ? [] : [naming(invert ? "invert" : "no-invert")]),
  ].join(" ");
  return `${found[0]!.toUpperCase()}${found.slice(1)}: ${settings} makes them alike`;
}
