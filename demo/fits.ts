// Which ways to record something a bundle is for: the page goes by it, and the command before it serves the page.
import { InnerloopError, type Manifest, type Preprocessing } from "@innerloop/schemas/bundle";

/** The ways that the page has to record something, in its order. */
export const ways = ["draw", "gesture", "sound", "camera"] as const;
export type Way = (typeof ways)[number];

/** A bundle as the page is told of it: one way to record for it. */
export interface PageBundle {
  readonly way: Way;
  /** Where it lies below the page's address: `bundle/`. */
  readonly at: string;
  readonly preprocessing: Preprocessing;
  /** Whether it was trained on ink on paper: what is drawn on a card is then taken out of a photograph. */
  readonly ink: boolean;
}

/** Pixels a side: below, a symbol cannot be told; above, the page would not keep up. */
const sides = { least: 8, most: 256 };

/** Seconds that somebody records for at most. */
const longest = 20;

/** From this rate on, in Hz, samples of one channel are sound: a phone's motion sensors give no more than 200. */
const leastSoundRate = 2000;

/** Samples a second of a phone's motion sensors, where a bundle does not say. */
export const usualMotionRate = 60;

/**
 * The ways to record for a bundle, the best one first.
 *
 * @throws InnerloopError `other-bundle` (status 2) for a bundle that nothing can be recorded for here: a regression, a fixed set
 *   of labels, room for fewer than two classes, or examples that are no pictures, motions or sounds
 */
export function waysFor({ name, task, input, output, labels }: Manifest): readonly Way[] {
  const { preprocessing, shape } = input;
  const refuse = (what: string): InnerloopError =>
    new InnerloopError(
      "other-bundle",
      `the bundle "${name}" ${what}; one that tells new classes of pictures, motions or sounds apart was expected, such as ` +
        "innerloop quickstart trains; leave BUNDLE out to use those that come with the page",
      { exitStatus: 2 },
    );
  if (task !== "classification") throw refuse(`is for ${task}`);
  if (labels) throw refuse(`knows the labels ${labels.slice(0, 5).join(", ")} and no others`);
  if (output.ways !== null && output.ways < 2) throw refuse(`tells ${output.ways} class apart`);
  if (preprocessing?.kind === "image") {
    const { width, height, channels } = preprocessing;
    if (shape.length !== 3 || shape[0] !== height || shape[1] !== width || shape[2] !== channels)
      throw refuse(
        `says ${width} × ${height} × ${channels} of its pictures, and [${shape.join(", ")}] of its examples`,
      );
    if (Math.min(width, height) < sides.least || Math.max(width, height) > sides.most)
      throw refuse(
        `takes pictures of ${width} × ${height} pixels, where ${sides.least} to ${sides.most} a side can be drawn`,
      );
    return channels === 1 ? ["draw", "camera"] : ["camera", "draw"];
  }
  if (preprocessing?.kind === "sound" || preprocessing?.kind === "window") {
    const { kind, length, rate = usualMotionRate } = preprocessing;
    if (length / rate > longest)
      throw refuse(`takes ${Math.round(length / rate)} seconds at a time, where up to ${longest} can be recorded`);
    if (kind === "sound" || (preprocessing.channels <= 2 && rate >= leastSoundRate)) return ["sound"];
    if (preprocessing.channels === 3 || preprocessing.channels === 6) return ["gesture"];
    throw refuse(
      `takes windows of ${preprocessing.channels} channels, where 3 (acceleration) or 6 (and rotation) can be recorded`,
    );
  }
  throw refuse(`does not take pictures, motions or sounds (its examples are [${shape.join(", ")}])`);
}

/** Whether a bundle of pictures was trained on ink on paper: on drawn characters, dark on light. */
export function isOfInk({ input, training }: Manifest): boolean {
  const { preprocessing } = input;
  return (
    preprocessing?.kind === "image" && preprocessing.channels === 1 && preprocessing.invert && isDrawn(training?.data)
  );
}

const isDrawn = (data = ""): boolean => /^(glyphs|omniglot)/.test(data);

/** @throws InnerloopError `other-bundle` for what {@link waysFor} does not give this way for */
export function expectKind<K extends Preprocessing["kind"]>(
  how: Preprocessing,
  kind: K,
): Extract<Preprocessing, { kind: K }> {
  if (isOf(how, kind)) return how;
  throw new InnerloopError("other-bundle", `${kind} preprocessing was expected, and the bundle has ${how.kind}`);
}

function isOf<K extends Preprocessing["kind"]>(
  how: Preprocessing,
  kind: K,
): how is Extract<Preprocessing, { kind: K }> {
  return how.kind === kind;
}
