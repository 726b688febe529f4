// What a run does when the device that it computes on is lost: it says how to go on, or goes on with the next engine.
import type { Learner } from "@innerloop/graph";
import { shellWord } from "@innerloop/runtime/files";
import { InnerloopError } from "@innerloop/schemas";
import { listEngines } from "../engines/index.ts";
import { MetaTrainer } from "../trainer/meta-trainer.ts";
import type { MetaTrainerOptions } from "../trainer/reports.ts";

export const isDeviceLost = (error: unknown): error is InnerloopError =>
  error instanceof InnerloopError && error.code === "device-lost";

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The error of a run that ends here. @param saved the run's folder and the iteration of its checkpoint */
export function deviceLost(
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
    {
      cause: error,
    },
  );
}

/**
 * A trainer on the first engine, in the order of `auto`, that works and is not among those that were lost.
 * @throws InnerloopError `device-lost` where there is none, with what keeps each from working
 */
export async function trainerElsewhere(
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
