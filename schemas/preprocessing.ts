// The door `@innerloop/schemas/preprocessing`: a manifest's preprocessing as whoever preprocesses checks it: apart from the manifest's own check, so that a kind of a
// later release bars nobody who gives numbers.
import { LARGEST_EXAMPLE, mismatch, repeated } from "./check.ts";
import { InnerloopError } from "./errors.ts";
import { preprocessingShapes } from "./generated/preprocessing-shapes.js";
import type { Manifest, Preprocessing, SoundPreprocessing } from "./manifest.ts";
import { sizeOf } from "./tensor.ts";
import { show } from "./text.ts";

/**
 * Checks a manifest's `input.preprocessing`: the fields of its kind, and that it makes what `input.shape` says.
 *
 * @returns it; undefined where there is none
 * @throws InnerloopError `manifest-invalid`, or `newer-version` for a kind that this release does not know.
 */
export function checkPreprocessing(input: Manifest["input"]): Preprocessing | undefined {
  const how: Preprocessing | null | undefined = input.preprocessing;
  if (how === undefined) return undefined;
  const kind = String(how?.kind);
  if (!Object.hasOwn(preprocessingShapes, kind))
    throw new InnerloopError(
      "newer-version",
      `the manifest's input.preprocessing is of the kind ${JSON.stringify(how?.kind)}, and this release knows ` +
        `${Object.keys(preprocessingShapes)
          .join(", ")
          .replace(/, (?=\w+$)/, " and ")}; upgrade @innerloop/runtime, or give the numbers of an example`,
    );
  const wrong = misfitOf(input);
  if (wrong) throw new InnerloopError("manifest-invalid", `the manifest: ${wrong}; export the bundle again`);
  return how!;
}

/** What is wrong with a preprocessing of a kind that is known, in words; nothing where all is right. */
export function misfitOf({ preprocessing: how, shape }: Manifest["input"]): string | undefined {
  if (how === undefined) return undefined;
  return mismatch(preprocessingShapes[how.kind]!, how, "input.preprocessing") ?? misfit(how, shape);
}

/**
 * The shape of what a preprocessing makes: `[height, width, channels]` of pictures, `[length, channels]` of windows,
 * `[frames, bands, 1]` of sounds, `[numbers]` of rows, `[tokens]` of texts, `[first + last]` of bytes.
 */
export function preprocessedShape(how: Preprocessing): number[] {
  if (how.kind === "image") return [how.height, how.width, how.channels];
  if (how.kind === "window") return [how.length, how.channels];
  if (how.kind === "sound") return [1 + Math.floor((how.length - how.frame) / how.hop), how.bands, 1];
  if (how.kind === "text") return [how.length];
  if (how.kind === "bytes") return [how.first + how.last];
  return [how.columns.reduce((sum, column) => sum + (column.kind === "number" ? 1 : column.values.length), 0)];
}

/** Pixels that stay free at each end of a side, of the share that does. */
export const marginOf = (side: number, margin = 0): number => Math.floor(margin * side + 0.5);

/** What does not go together in a preprocessing, or with the shape of an example, in words; nothing where all does. */
export function misfit(how: Preprocessing, shape: readonly number[]): string | undefined {
  const wrong = contradictions[how.kind](how as never);
  if (wrong) return `preprocessing ${wrong}`;
  const made = preprocessedShape(how);
  if (sizeOf(made) > LARGEST_EXAMPLE) return `preprocessing makes [${made.join(", ")}], more numbers than are taken`;
  return sizeOf(made) === sizeOf(shape)
    ? undefined
    : `preprocessing makes [${made.join(", ")}], and an example is [${shape.join(", ")}]`;
}

type Contradictions = {
  readonly [Kind in Preprocessing["kind"]]: (how: Preprocessing & { kind: Kind }) => string | undefined;
};

/** By kind, in words that follow "preprocessing". */
const contradictions: Contradictions = {
  image({ width, height, margin = 0 }) {
    const bare = [width, height].find((side) => side - 2 * marginOf(side, margin) < 1);
    return bare === undefined ? undefined : `has a margin of ${margin}, which leaves nothing of ${bare} pixels`;
  },
  window({ mean, std, channels, length, pad }) {
    // What was recorded may be short, and the rest costs as much.
    if (pad && length * channels > mostWork) return `pads to ${length} samples, more than are taken`;
    const other = [mean, std]
      .flatMap((numbers) => (typeof numbers === "number" ? [] : [numbers.length]))
      .find((numbers) => numbers !== channels);
    return other === undefined ? undefined : `has ${other} means or deviations for ${channels} channels`;
  },
  sound(how) {
    const { rate, length, frame, hop, lowest, highest } = how;
    if (frame > length) return `has frames of ${frame} samples in sounds of ${length}`;
    if (hop > frame) return `has frames of ${frame} samples every ${hop}, which leave some out`;
    if (highest > rate / 2) return `has bands up to ${highest} Hz, and ${rate} samples a second hold ${rate / 2} Hz`;
    if (lowest >= highest) return `has bands from ${lowest} to ${highest} Hz`;
    const [frames, bands] = preprocessedShape(how);
    if (frames! * frame > mostWork) return `has ${frames} frames of ${frame} samples, more than are taken`;
    const empty = emptyBand(how);
    if (empty === undefined) return undefined;
    return `has ${bands} bands, and number ${empty} lies between the frequencies that ${frame} samples tell apart`;
  },
  row({ columns }) {
    if (columns.length === 0) return "has no columns";
    const twice = repeated(columns.map(({ name }) => name));
    if (twice !== undefined) return `has the column ${show(twice)} twice`;
    for (const column of columns) {
      if (column.kind === "number") continue;
      const again = repeated(column.values);
      if (again !== undefined) return `has the value ${show(again)} of ${show(column.name)} twice`;
      if (column.values.length === 0) return `has no values of ${show(column.name)}`;
    }
    return undefined;
  },
  text({ tokenizer }) {
    try {
      if (Object(JSON.parse(tokenizer)).model !== undefined) return undefined;
    } catch {
      // What it is instead does not matter.
    }
    return "has a tokenizer that is no tokenizer.json";
  },
  bytes: ({ first, last }) => (first + last === 0 ? "takes no bytes" : undefined),
};

/** Samples at most of a padded window, and of all frames of a sound together, so that neither takes a second. */
const mostWork = 2 ** 22;

/** The first band that none of a frame's frequencies lies in, counted from 1. */
function emptyBand({ rate, frame, bands, lowest, highest }: SoundPreprocessing): number | undefined {
  let size = 1;
  while (size < frame) size *= 2;
  const mel = (hertz: number) => Math.log(1 + hertz / 700);
  const [low, high] = [mel(lowest), mel(highest)];
  const held = new Set<number>();
  for (let bin = 0; bin <= size / 2; bin++) {
    // Bands have their middles at whole numbers, and reach to those of their neighbours.
    const position = ((mel((bin * rate) / size) - low) / (high - low)) * (bands + 1);
    held.add(Math.floor(position)).add(Math.ceil(position));
  }
  return Array.from({ length: bands }, (_, band) => band + 1).find((band) => !held.has(band));
}
