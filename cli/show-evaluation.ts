// An evaluation as people see it; `eval` and `quickstart` share it.
import { type Evaluation, type EvaluationOptions, evaluateBundle } from "./evaluation.ts";
import { interruptible } from "./interrupt.ts";
import { startProgress } from "./output.ts";

/** Evaluates with a progress bar; Ctrl-C ends it. */
export async function showEvaluation(
  bundle: string,
  options: Omit<EvaluationOptions, "signal" | "onEpisode">,
): Promise<Evaluation> {
  return interruptible("Stopping.", async (signal) => {
    const progress = await startProgress("   evaluating");
    try {
      const onEpisode = (done: number, all: number) => progress.update(done / all, `${done}/${all} episodes`);
      return await evaluateBundle(bundle, { ...options, signal, onEpisode });
    } finally {
      progress.stop();
    }
  });
}
