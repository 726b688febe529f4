// The door of the data: every data set behind one interface, opened by its spec.

export { type LogisticRegressionOptions, logisticRegression } from "./baselines/logistic-regression.ts";
export {
  type BaselineOptions,
  nearestExamples,
  nearestNeighbourAccuracy,
  nearestNeighbours,
} from "./baselines/nearest-neighbour.ts";
export {
  type Augmentation,
  type Augmentations,
  augmentationNames,
  augmentationsFor,
  augmented,
} from "./episodes/augment/index.ts";
export { type DatasetInput, type LoopOptions, MetaDataset, type MetaDatasetOptions } from "./episodes/dataset.ts";
export { KeptTasks } from "./episodes/kept.ts";
export { PooledTasks } from "./episodes/pooled-tasks.ts";
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
} from "./episodes/shifts/index.ts";
export {
  type SplitClasses,
  type SplitOptions,
  type SplitRule,
  splitClasses,
  splitOf,
  usuallyHeldBack,
} from "./episodes/split.ts";
export {
  type Episode,
  type EpisodeShape,
  type ExampleTensors,
  type Split,
  splits,
  type TaskSource,
} from "./episodes/task.ts";
export { contentOfTasks, type PictureContent, somePictures } from "./files/content-of-pictures.ts";
export type { Chosen, FileItem, FileKind, Found, FoundClass, LeftOut } from "./files/file-kind.ts";
export type { DoorCount, GuessedDoor } from "./files/guess.ts";
export { listed, sentenceOf } from "./files/left-out.ts";
export type { FilesRead, ReadingBounds } from "./files/open-files.ts";
export { type UnlikePictures, unlikePictures } from "./files/suited-pictures.ts";
export { readTable, type TableRow } from "./files/tables.ts";
export { drawGlyph, GLYPH_SIZE } from "./made/glyphs.ts";
export { drawMotion, MOTION_LENGTH, MOTION_RATE } from "./made/motions.ts";
export { TONE_RATE } from "./made/synthesis.ts";
export { drawTone } from "./made/tones.ts";
export { type ArraysOptions, openArrays } from "./readers/arrays.ts";
export { Glyphs, type GlyphsOptions } from "./readers/glyphs.ts";
export { type FoundImages, findImages, type ImageClass, listImageClasses } from "./readers/image-folders.ts";
export { type ImagesOptions, imageOf, loadImage, openImages } from "./readers/images.ts";
export {
  fileKindOf,
  guessDoor,
  isSpec,
  type NamedReader,
  openTasks,
  readerOf,
  readers,
  type SurveyedData,
  surveyData,
  TASK_SPECS,
} from "./readers/index.ts";
export { Motions } from "./readers/motions.ts";
export { Omniglot, type OmniglotOptions } from "./readers/omniglot.ts";
export { pathOf } from "./readers/place.ts";
export type { OpenTasksOptions, Reader } from "./readers/reader.ts";
export { Sinusoid } from "./readers/sinusoid.ts";
export { Tones } from "./readers/tones.ts";
