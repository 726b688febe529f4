// An evaluation as people see it; `eval` and `quickstart` share it.
import { type Evaluation, type EvaluationOptions, evaluateBundle } from "./evaluation.ts";
import { interruptible } from "./interrupt.ts";
import { startProgress, style } from "./output.ts";

/** Evaluates with a progress bar; Ctrl-C ends it. */
export async function showEvaluation(
  bundle: string,
  options: Omit<EvaluationOptions, "signal" | "onEpisode" | "onNote">,
): Promise<Evaluation> {
  return interruptible("Stopping.", async (signal) => {
    const progress = await startProgress("   evaluating");
    try {
      const onEpisode = (done: number, all: number) => progress.update(done / all, `${done}/${all} episodes`);
      const onNote = (note: string) => progress.log(`   ${style("yellow", "note   ")} ${note}`);
      return await evaluateBundle(bundle, { ...options, signal, onEpisode, onNote });
    } finally {
      progress.stop();
    }
  });
}
