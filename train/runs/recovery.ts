// What is around a run's loop for the time when the device that it computes on is lost: the run ends and says how to go on, or
// goes on with the next engine.
import type { Learner } from "@innerloop/graph";
import { shellWord } from "@innerloop/runtime/files";
import { InnerloopError, type RunConfig } from "@innerloop/schemas";
import { listEngines } from "../engines/index.ts";
import { MetaTrainer } from "../trainer/meta-trainer.ts";
import type { MetaTrainerOptions } from "../trainer/reports.ts";
import type { TrainingLoop } from "./loop.ts";

interface Recovery {
  readonly onDeviceLost: RunConfig["onDeviceLost"];
  /** The run's folder. */
  readonly out?: string;
  readonly learner: Learner;
  /** Those of the trainer that is replaced; the engine is another one. */
  readonly trainerOptions: MetaTrainerOptions;
  onMessage?(message: string): void;
}

/**
 * Runs a loop to its end. Where its device is lost and the config says so, it goes on with the next engine, from the last
 * state that the host knows.
 * @throws InnerloopError `device-lost` where it does not say so or no engine is left; what the loop throws
 */
export async function runRecovering(loop: TrainingLoop, recovery: Recovery): Promise<void> {
  const { onDeviceLost, out, learner, trainerOptions, onMessage } = recovery;
  const lost = new Set<string>();
  for (;;) {
    try {
      return await loop.run();
    } catch (error) {
      if (!isDeviceLost(error)) throw error;
      const { name } = loop.trainer.engine.engine;
      lost.add(name);
      if (onDeviceLost !== "fallback")
        throw deviceLost(error, name, out === undefined ? undefined : { out, iteration: loop.savedIteration });
      const at = loop.submitted;
      await loop.trainer.dispose().catch(() => {});
      loop.goOnWith(await trainerElsewhere(learner, trainerOptions, lost));
      onMessage?.(
        `the engine ${name} lost its device in iteration ${at} (${error.message}); the run goes on from iteration ` +
          `${loop.iteration} with ${loop.trainer.engine.engine.name}, ${loop.trainer.strategy}`,
      );
    }
  }
}

const isDeviceLost = (error: unknown): error is InnerloopError =>
  error instanceof InnerloopError && error.code === "device-lost";

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The error of a run that ends here. @param saved the run's folder and the iteration of its checkpoint */
function deviceLost(
  error: InnerloopError,
  engine: string,
  saved: { readonly out: string; readonly iteration: number } | undefined,
): InnerloopError {
  const next = saved
    ? `its checkpoint of iteration ${saved.iteration} is in ${saved.out}: go on with --resume --out ${shellWord(saved.out)} when the device is back, ` +
      "or on another engine with --engine as well; --on-device-lost fallback changes over by itself"
    : "nothing of it was saved, since it has no folder (--out); --on-device-lost fallback goes on with another engine";
  return new InnerloopError(
    "device-lost",
    `The engine ${engine} lost its device (${error.message}); the run ends here, ${next}.`,
    { cause: error },
  );
}

/**
 * A trainer on the first engine, in the order of `auto`, that works and is not among those that were lost.
 * @throws InnerloopError `device-lost` where there is none, with what keeps each from working
 */
async function trainerElsewhere(
  learner: Learner,
  options: MetaTrainerOptions,
  lost: ReadonlySet<string>,
): Promise<MetaTrainer> {
  const reasons: string[] = [];
  for (const { name, available, reason, onlyByName } of await listEngines()) {
    if (lost.has(name)) continue;
    try {
      if (available && !onlyByName) return await MetaTrainer.create(learner, { ...options, engine: name });
      reasons.push(`${name}: ${onlyByName ?? reason ?? "not available"}`);
    } catch (cause) {
      reasons.push(`${name}: ${messageOf(cause)}`);
    }
  }
  throw new InnerloopError(
    "device-lost",
    `The engine ${[...lost].join(", then ")} lost its device, and no other engine works here: ${reasons.join("; ")}.`,
  );
}
