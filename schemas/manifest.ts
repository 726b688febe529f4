// manifest.json of a bundle as types: what a learner is, and all that is needed to run and to check it.

/** How raw input becomes the values of an example; docs/bundle.md has it step by step. */
export type Preprocessing = ImagePreprocessing | WindowPreprocessing;

/**
 * A picture: laid on white; made grey when `channels` is 1; resized to width × height by averaging areas; pixels divided by
 * 255; turned to 1 − p when `invert`; then (p − mean) / std.
 */
export interface ImagePreprocessing {
  kind: "image";
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  channels: 1 | 3;
  invert: boolean;
  mean: number;
  std: number;
}

/** Samples in the order of time, of sensors or sound: resampled to `rate`, the last `length` of them, (x − mean) / std. */
export interface WindowPreprocessing {
  kind: "window";
  /** Samples. */
  length: number;
  channels: number;
  /** Samples a second; absent where samples are taken as they come. */
  rate?: number;
  /** One number, or one for each channel. */
  mean: number | number[];
  std: number | number[];
}

/** A parameter of predict.onnx. */
export interface ManifestParameter {
  name: string;
  /** Sizes; a name stands for a size that the caller's data decide, such as "ways". */
  shape: (number | string)[];
  /** The inner loop moves it: adapt.onnx has an output `adapted/<name>`. */
  adapted: boolean;
  /** predict.onnx has no initializer for it, as for a head that the support set makes. */
  required: boolean;
}

export interface ManifestFile {
  /** Lower-case hexadecimal. */
  sha256: string;
  bytes: number;
}

export type BundleFile = "predict.onnx" | "adapt.onnx";

/** Files that a bundle may have besides. */
export interface OptionalBundleFiles {
  /** Predicts with the query batch's own statistics, to compare with papers; only where the body has batch norm. */
  "predict-transductive.onnx"?: ManifestFile;
  /** adapt.onnx as it suits an execution provider of ONNX Runtime, such as adapt.webgpu.onnx. */
  [variant: `adapt.${string}.onnx`]: ManifestFile;
}

export type OptionalBundleFile = keyof OptionalBundleFiles;

/** How "none of these" is told: by a score of the logits, which the classes taught keep above a threshold. */
export interface Rejection {
  /**
   * Of the logits l and the temperature T: `maximum` is the largest l, `logsumexp` is T · ln Σ exp(l / T), `margin` is the
   * largest l less the second, `probability` is the largest of softmax(l / T).
   */
  score: "maximum" | "logsumexp" | "margin" | "probability";
  /** What an example of a class that was taught scores at least, at `ways` and `shots` of the confidence. */
  threshold: number;
  /** How the threshold grows with 1 / shots. */
  shotsSlope: number;
  /** How the threshold grows with ln ways. */
  waysSlope: number;
  /** The share of examples of other classes that may pass: what the threshold was chosen for. */
  falseAccepts: number;
  /** The share of examples of the classes that pass it, measured at `ways` and `shots`. */
  kept: number;
  /** How the threshold shrinks towards 0 with the excess x of a {@link Spread}: by exp(−closeSlope · min(x, knee) − slope · x). */
  closeSlope?: number;
  slope?: number;
}

/**
 * How far apart the classes of a support set are, as the adapted bundle itself sees it: D is the mean, over the support
 * examples and the classes that are not theirs, of the logit of their own class less that of the other. For a head of
 * prototypes it is the mean squared distance between the means of two classes. Where the data are unlike those of the
 * training, classes lie closer together, and so do strangers.
 *
 * Ordinary, with n classes of k examples each, is ln D = level + shotsSlope · (1/k − 1/shots) + waysSlope · ln(n / ways), give or
 * take s = √(leastDeviation² + (deviation · (n / ways)^waysExponent)²). With z = (what is ordinary − ln D) / s, the examples are
 * unlike what was trained where z is above `closer` or below −`wider`, and their excess is x = s · (z − tolerance), from 0 to 20.
 */
export interface Spread {
  level: number;
  shotsSlope: number;
  waysSlope: number;
  deviation: number;
  waysExponent: number;
  leastDeviation: number;
  tolerance: number;
  closer: number;
  wider: number;
  knee: number;
  /**
   * The temperature grows by exp((temperatureCloseSlope + temperatureCloseShotsSlope · (1/k − 1/shots)) · min(x, knee) +
   * temperatureSlope · x).
   */
  temperatureSlope: number;
  temperatureCloseSlope: number;
  temperatureCloseShotsSlope: number;
  /** Measured on shifted episodes of held-back classes. */
  shifted: {
    episodes: number;
    expectedCalibrationError: number;
    /** The shares of examples of the classes, and of others, that pass; absent without a rejection. */
    kept?: number;
    falseAccepts?: number;
    /** The share of those episodes whose examples are said to be unlike what was trained, and of ordinary ones. */
    unlike: number;
    unlikeOrdinary: number;
  };
}

/**
 * What makes probabilities mean something, fitted on episodes of classes that were held back in training. With n classes
 * of k examples each, in the mean, logits are divided by
 * T = temperature · exp(temperatureSlope · (1/k − 1/shots)) before the softmax (Guo et al. 2017), and what scores less than
 * threshold + shotsSlope · (1/k − 1/shots) + waysSlope · ln(n / ways) is none of the classes.
 */
export interface Confidence {
  /** Classes in the episodes that `temperature` and `threshold` are for. */
  ways: number;
  /** Examples a class in them. */
  shots: number;
  temperature: number;
  temperatureSlope: number;
  /** With the temperature, in 15 equal bins, on the episodes of `shots`, whatever their ways. */
  expectedCalibrationError: number;
  /** The same at a temperature of 1. */
  uncalibratedError: number;
  /** Fitted on so many, of several ways and shots. */
  episodes: number;
  /** Absent where the held-back data have no classes left to be none of these. */
  rejection?: Rejection;
  /** How to tell, and what to do, where a support set is unlike what was trained; absent where that was not measured. */
  spread?: Spread;
}

export interface Manifest {
  format: "innerloop-bundle";
  version: 1;
  name: string;
  /** ISO 8601. */
  created: string;
  producer: { name: string; version: string };
  task: "classification" | "regression";
  /** `shape` is that of one example, without the batch axis: [28, 28, 1]. */
  input: { shape: number[]; dtype: "float32"; preprocessing?: Preprocessing };
  /** `ways` is null for any number of classes and for regression; `size` is the number of values of a regression. */
  output: { ways: number | null; size?: number };
  /** The label set, where the data has a fixed one. */
  labels?: string[];
  opset: number;
  irVersion: number;
  innerLoop: {
    algorithm: string;
    head: "learned" | "zero" | "prototypes";
    /** How steps are taken: `guarded` keeps none that raises the loss, `plain` is the papers' loop; absent: plain, or no steps. */
    loop?: "guarded" | "plain";
    /** Steps taken when the caller names no number. */
    steps: number;
    /** The inner rate of each adapted parameter, by name. */
    rates: Record<string, number>;
    /** Examples a class that the learner was trained for. */
    shots?: number;
  };
  parameters: ManifestParameter[];
  files: Record<BundleFile, ManifestFile> & OptionalBundleFiles;
  /** The exported files against the training engine: the largest difference of an output, relative to its largest entry. */
  verification: { episodes: number; largestDifference: number; engine: string };
  training?: {
    data?: string;
    seed?: number;
    iterations?: number;
    tasksSeen?: number;
    metaBatch?: number;
    ways?: number;
    shots?: number;
    norm?: string;
    usesBatchStatistics?: boolean;
  };
  metrics?: Record<string, number>;
  /** Classification only. */
  confidence?: Confidence;
}
