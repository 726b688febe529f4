// An evaluation as people see it; `eval` and `quickstart` share it.
import type { BundleEvaluation, EvaluationOptions } from "@innerloop/measure";
import { interruptible } from "../call/interrupt.ts";
import { bundleAt } from "../inputs/places.ts";
import { startProgress, style } from "../terminal/output.ts";

/**
 * Evaluates with a progress bar; Ctrl-C ends it.
 * @throws InnerloopError what `evaluateBundle` throws; `bundle-missing`; Interrupted where a signal stopped it
 */
export async function showEvaluation(
  bundle: string,
  options: Omit<EvaluationOptions, "signal" | "onEpisode" | "onNote" | "naming">,
): Promise<BundleEvaluation> {
  const { evaluateBundle } = await import("@innerloop/measure");
  let [done, all] = [0, options.episodes ?? 600];
  const work = async (signal: AbortSignal): Promise<BundleEvaluation> => {
    const progress = await startProgress("   evaluating");
    try {
      return await evaluateBundle(await bundleAt(bundle), {
        ...options,
        signal,
        naming: (setting) => `--${setting}`,
        onNote: (note) => progress.log(`   ${style("yellow", "note   ")} ${note}`),
        onEpisode(measured, episodes) {
          [done, all] = [measured, episodes];
          progress.update(done / all, `${done}/${all} episodes`);
        },
      });
    } finally {
      progress.stop();
    }
  };
  return interruptible("Stopping.", work, () => `Stopped after ${done} of ${all} episodes; nothing is reported.`);
}
