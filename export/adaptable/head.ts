// A fresh linear head on features, for the classes of a support set: where it starts, and how it reads features while it is
// trained. What comes of it is a plain linear map of the features as they are.
import {
  absentClasses,
  absoluteLogits,
  centreOf,
  op,
  type Parameters,
  prototypeHead,
  ridgeHead,
  type Value,
} from "@innerloop/graph";

/** A head on features, by the names of its arrays. */
export interface Linear {
  /** `[width, classes]` */
  readonly weight: Value;
  /** `[classes]` */
  readonly bias: Value;
}

export const logitsOf = (features: Value, { weight, bias }: Linear): Value => op.Add(op.MatMul(features, weight), bias);

/**
 * How features are seen while a head is trained: less their centre, and scaled so that their squares sum to 8 in the mean,
 * whatever units the model has. Rates then suit every model, and steps on a head whose features share a large part are stable.
 */
export interface Frame {
  /** `[1, width]` */
  readonly centre: Value;
  /** `[]` */
  readonly scale: Value;
}

const squaredSize = 8;
const least = 1e-12;

/**
 * The frame of a support set's features, which is what it is: steps do not move it.
 * @param weights that make classes equal, `[n]`
 */
export function frameOf(features: Value, weights: Value): Frame {
  const centre = centreOf(features, weights);
  const away = op.Sub(features, centre);
  const squares = op.ReduceSum(op.Mul(away, away), { axes: [1], keepdims: false });
  const mean = op.ReduceMean(op.Mul(weights, squares), { keepdims: false });
  const scale = op.Sqrt(op.Div(squaredSize, op.Max(mean, least)));
  return { centre: op.stopGradient(centre), scale: op.stopGradient(scale) };
}

export const framed = (features: Value, { centre, scale }: Frame): Value => op.Mul(op.Sub(features, centre), scale);

export interface HeadKind {
  /** As manifests have it. */
  readonly name: "prototypes" | "zero";
  /** Features as it reads them: rows of the body. */
  features(rows: Value): Value;
  /** Where it starts, from features that are framed. @param weights that make classes equal */
  start(features: Value, hot: Value, weights: Value): Linear;
  /** What is kept of it: arrays by their short names. */
  finish(head: Linear, frame: Frame): Parameters;
  /** Its answers, of features that are not framed. */
  logits(features: Value, kept: Parameters): Value;
  /** How much it holds on to its start. */
  readonly decay: number;
}

const named = (parameters: Parameters): Linear => ({
  weight: parameters["head.weight"]!,
  bias: parameters["head.bias"]!,
});

/** Rows of length 1, as embeddings are compared: by their angles. */
const unit = (rows: Value): Value =>
  op.Div(rows, op.Sqrt(op.Add(op.ReduceSum(op.Mul(rows, rows), { axes: [1], keepdims: true }), least)));

/**
 * Any number of classes, by their means: logits are −‖z − p‖² to the mean p of each class (Snell et al. 2017), z being rows of
 * length 1 in the frame; steps then go on from there. The frame is kept, since squares of numbers that share a large part cancel.
 */
export const meansHead: HeadKind = {
  name: "prototypes",
  features: unit,
  start: (features, hot) => named(prototypeHead(features, hot)),
  finish: (head, { centre, scale }) => ({ ...head, centre, scale }),
  logits(features, { weight, bias, centre, scale }) {
    const seen = framed(features, { centre: centre!, scale: scale! });
    return absoluteLogits(logitsOf(seen, { weight: weight!, bias: bias! }), seen);
  },
  decay: 1,
};

/**
 * A regression in the frame, whose squares sum to 8. On embeddings of sounds, pictures, texts and files, of 1 to 10 examples a class, these
 * figures are as good as any: twice or half of the decay gains a percent here and loses it there, the probabilities are
 * at their best about this sharpness, and more turns change no answer.
 */
const ridge = { decay: 0.05, sharpness: 10, turns: 10 };

/** A fresh classifier of a number of classes: a plain linear map, (e − c)·s·W + b being e·(sW) + (b − c·sW). */
export const freshHead: HeadKind = {
  name: "zero",
  features: (rows) => rows,
  start: (features, hot, weights) => named(ridgeHead(features, hot, weights, ridge)),
  finish({ weight, bias }, { centre, scale }) {
    const scaled = op.Mul(weight, scale);
    return { weight: scaled, bias: op.Sub(bias, op.Squeeze(op.MatMul(centre, scaled), [0])) };
  },
  logits: (features, { weight, bias }) => logitsOf(features, { weight: weight!, bias: bias! }),
  decay: 0,
};

/** The same for any number of classes, on rows of length 1. */
export const anyHead: HeadKind = { ...freshHead, features: unit, decay: 1 };

/** Logits of classes without examples are out of the question. */
export const withoutAbsent = (logits: Value, hot: Value): Value => op.Add(logits, absentClasses(hot));
