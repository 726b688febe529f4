// The door of the tasks: every data set behind one interface, opened by its spec.
import { InnerloopError } from "@innerloop/schemas";
import { Glyphs, type GlyphsOptions } from "./glyphs.ts";
import { type ImagesOptions, openImages } from "./images.ts";
import { Omniglot, type OmniglotOptions } from "./omniglot.ts";
import { pathOf } from "./place.ts";
import { Sinusoid } from "./sinusoid.ts";
import type { TaskSource } from "./task.ts";

export { type DatasetInput, type LoopOptions, MetaDataset, type MetaDatasetOptions } from "./dataset.ts";
export { drawGlyph, GLYPH_SIZE, Glyphs, type GlyphsOptions } from "./glyphs.ts";
export { type FoundImages, findImages, type ImageClass, listImageClasses } from "./image-folders.ts";
export { type ImagesOptions, imageOf, loadImage, openImages } from "./images.ts";
export { KeptTasks } from "./kept.ts";
export { type LogisticRegressionOptions, logisticRegression } from "./logistic-regression.ts";
export {
  type BaselineOptions,
  nearestExamples,
  nearestNeighbourAccuracy,
  nearestNeighbours,
} from "./nearest-neighbour.ts";
export { Omniglot, type OmniglotOptions } from "./omniglot.ts";
export { pathOf } from "./place.ts";
export {
  type DrawnShift,
  drawShift,
  mislabelled,
  type Shift,
  type ShiftedInput,
  type ShiftFamilies,
  type ShiftFamily,
  type ShiftOptions,
  shifted,
  shiftFamilies,
  shiftNames,
} from "./shifts/index.ts";
export { Sinusoid } from "./sinusoid.ts";
export { type SplitOptions, splitClasses } from "./split.ts";
export type { Episode, EpisodeShape, Examples, Split, TaskSource } from "./task.ts";

/** Options of {@link openTasks}; each data set takes the ones that concern it. */
export type OpenTasksOptions = GlyphsOptions & OmniglotOptions & ImagesOptions;

const OPENERS: Record<string, (folder: string, options: OpenTasksOptions) => TaskSource | Promise<TaskSource>> = {
  glyphs: (_, options) => new Glyphs(options),
  sinusoid: () => new Sinusoid(),
  "omniglot:DIR": (folder, options) => new Omniglot(folder, options),
  "images:DIR": (folder, options) => openImages(folder, options),
};

/** Whether {@link openTasks} knows a spec; what a program calls its own data is none. */
export const isSpec = (spec: string): boolean => openerOf(spec).open !== undefined;

function openerOf(spec: string) {
  const colon = spec.indexOf(":");
  const key = colon < 0 ? spec : `${spec.slice(0, colon)}:DIR`;
  const folder = colon < 0 ? "" : pathOf(spec.slice(colon + 1));
  const known = Object.hasOwn(OPENERS, key) && (colon < 0 || folder !== "");
  return { open: known ? OPENERS[key] : undefined, folder };
}

/** The specs that {@link openTasks} knows. */
export const TASK_SPECS: readonly string[] = Object.keys(OPENERS);

/**
 * Opens a data set: `glyphs`, `sinusoid`, `omniglot:DIR` or `images:DIR`.
 *
 * @throws {InnerloopError} `unknown-data` (status 2) for another spec, listing the known ones; and what the data set
 *   itself throws where its folder is missing, empty or broken
 */
export async function openTasks(spec: string, options: OpenTasksOptions = {}): Promise<TaskSource> {
  const { open, folder } = openerOf(spec);
  if (!open) {
    const missing = TASK_SPECS.find((known) => known === `${spec.replace(/:$/, "")}:DIR`);
    throw new InnerloopError(
      "unknown-data",
      `Data "${spec.length > 80 ? `${spec.slice(0, 79)}…` : spec}" ${missing ? "lacks its folder" : "is not known"}; expected ${TASK_SPECS.join(", ")}` +
        (missing
          ? `. Give ${missing} with the folder's path`
          : spec === ""
            ? ""
            : `. A folder of images is images:DIR, as images:${spec.slice(0, 80)}`),
      { exitStatus: 2 },
    );
  }
  return open(folder, options);
}
