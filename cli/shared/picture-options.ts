// The options by which a bundle takes pictures that look otherwise than those of its training.
import type { PictureSettings } from "@innerloop/runtime";
import type { Manifest } from "@innerloop/schemas";
import { say, style } from "../terminal/output.ts";

export const pictureOptions = {
  margin: {
    type: "number",
    least: 0,
    most: 0.45,
    what: "pictures: share of each side that stays free at both of its ends",
    otherwise: "as the bundle says",
  },
  invert: {
    type: "switch",
    what: "pictures: dark becomes light, or with --no-invert stays",
    otherwise: "as the bundle says",
  },
} as const;

/** What was given, as `Learner.load` takes it. */
export function picturesFrom({
  margin,
  invert,
}: {
  readonly margin?: number | undefined;
  readonly invert?: boolean | undefined;
}): { readonly pictures?: PictureSettings } {
  const pictures = { ...(margin === undefined ? {} : { margin }), ...(invert === undefined ? {} : { invert }) };
  return Object.keys(pictures).length === 0 ? {} : { pictures };
}

/** Says which options would make pictures look like those of the bundle's training, where they do not. */
export async function sayWhatIsUnlike(examples: readonly Float32Array[], manifest: Manifest): Promise<void> {
  if (!manifest.input.content) return;
  const { noteOnPictures } = await import("@innerloop/measure");
  const note = noteOnPictures(examples, manifest, (setting) => `--${setting}`);
  if (note !== undefined) say(`${style("yellow", "note")} ${note}.`);
}
