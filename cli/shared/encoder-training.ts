// Meta-training on the features of a frozen encoder, as people see it.
import type { Encoder } from "@innerloop/export";
import type { EncoderTrained } from "@innerloop/measure";
import { withoutEffect } from "../call/command.ts";
import { interruptible } from "../call/interrupt.ts";
import { clock, percent, percentWithInterval, startProgress, style } from "../terminal/output.ts";

export const encoderTrainingOptions = {
  data: {
    type: "text",
    what: "SPEC of data with many classes, as texts:tickets.csv: a learner is meta-trained on the embeddings, so that new classes are told apart better",
    group: "Training on data",
  },
  minutes: {
    type: "number",
    least: 0.01,
    what: "of --data: minutes of training",
    otherwise: "2",
    group: "Training on data",
  },
  ways: {
    type: "whole",
    least: 2,
    most: 65_536,
    what: "of --data: classes in an episode",
    otherwise: "5",
    group: "Training on data",
  },
  shots: {
    type: "whole",
    least: 1,
    most: 65_536,
    what: "of --data: support examples of each class",
    otherwise: "1",
    group: "Training on data",
  },
  seed: {
    type: "whole",
    least: 0,
    what: "of --data: seed of weights and episodes",
    otherwise: "0",
    group: "Training on data",
  },
  label: {
    type: "text",
    what: "of --data, a table: the column that has the class of each row",
    group: "Training on data",
  },
} as const;

/** What was given of {@link encoderTrainingOptions}. */
export interface EncoderTrainingGiven {
  readonly data?: string | undefined;
  readonly minutes?: number | undefined;
  readonly ways?: number | undefined;
  readonly shots?: number | undefined;
  readonly seed?: number | undefined;
  readonly label?: string | undefined;
}

/** Options of an inner loop and a head that somebody chooses, which training on data chooses itself. */
const chosenByTraining = [
  ...["head", "train", "lora-on", "alpha", "loss", "loss-settings", "class-weights", "optimizer", "steps", "rate"],
  ...["head-rate", "decay", "momentum", "clip", "batch", "stop-loss", "patience", "labels"],
];

/** @throws InnerloopError `no-effect` (status 2) for what does nothing with data, or without */
export function checkEncoderTraining(given: Readonly<Record<string, unknown>>): void {
  const idle = (names: readonly string[]) => names.find((name) => given[name] !== undefined);
  if (given.data === undefined) {
    const name = idle(Object.keys(encoderTrainingOptions));
    if (name !== undefined) throw withoutEffect(`--${name}`, "it is for training on data, which --data names");
    return;
  }
  const name = idle(chosenByTraining);
  if (name !== undefined)
    throw withoutEffect(
      `--${name}`,
      "with --data the encoder stays as it is, and what is on its embedding is meta-trained",
    );
}

/**
 * Trains on the features of an encoder, and writes the bundle.
 * @throws InnerloopError what `trainOnEncoder` throws; Interrupted where a signal stopped it
 */
export function trainShown(
  encoder: Encoder,
  data: string,
  out: string,
  { minutes = 2, ways, shots, seed, label }: EncoderTrainingGiven,
): Promise<EncoderTrained> {
  const work = async (signal: AbortSignal): Promise<EncoderTrained> => {
    const { trainOnEncoder } = await import("@innerloop/measure");
    const progress = await startProgress("   training");
    try {
      progress.update(0, `reading ${data}`);
      return await trainOnEncoder(encoder, {
        data,
        out,
        config: {
          minutes,
          ...(ways === undefined ? {} : { ways }),
          ...(shots === undefined ? {} : { shots }),
          ...(seed === undefined ? {} : { seed }),
          ...(label === undefined ? {} : { examples: { label } }),
        },
        signal,
        onEncoded: (done, all) => progress.update(done / all, `${done}/${all} encoded`),
        onMessage: (message) => progress.log(`   ${style("yellow", "note   ")} ${message}`, 8),
        onProgress: ({ fraction, secondsLeft, accuracy }) =>
          progress.update(fraction, [`${clock(secondsLeft)} left`, `accuracy ${percent(accuracy)}`]),
        onValidation: ({ iteration, accuracy, best }) =>
          progress.log(
            `   ${style("dim", `iteration ${String(iteration).padStart(5)}`)}  held back: accuracy ${percentWithInterval(accuracy)}${best ? `  ${style("green", "best")}` : ""}`,
          ),
      });
    } finally {
      progress.stop();
    }
  };
  return interruptible("Stopping.", work, () => "Stopped; nothing was written.");
}
