// manifest.json of a bundle as types: what a learner is, and all that is needed to run and to check it. They are written from
// manifest.schema.json.
import type { Manifest } from "./generated/manifest.js";

export type {
  BytesPreprocessing,
  CategoryColumn,
  Confidence,
  HeadKind,
  ImagePreprocessing,
  Manifest,
  ManifestFile,
  ManifestParameter,
  NumberColumn,
  Preprocessing,
  Rejection,
  RowPreprocessing,
  SoundPreprocessing,
  SplitRecord,
  Spread,
  TextPreprocessing,
  WindowPreprocessing,
} from "./generated/manifest.js";

type Files = Manifest["files"];

/** A file that every bundle has. */
export type BundleFile = {
  [File in keyof Files]-?: Record<never, never> extends Pick<Files, File> ? never : File;
}[keyof Files];

/** A file that a bundle may have besides. */
export type OptionalBundleFile = Exclude<keyof Files, BundleFile>;
