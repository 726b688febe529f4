// Evaluations as people see them: on episodes, which `eval` and `quickstart` share, and on a person's own examples.
import type { BundleEvaluation, EvaluationOptions, OwnEvaluation, OwnExample } from "@innerloop/measure";
import type { Learner } from "@innerloop/runtime";
import { wrongCall } from "../call/command.ts";
import { interruptible } from "../call/interrupt.ts";
import { labelled, readSupport } from "../inputs/example-files.ts";
import { bundleAt } from "../inputs/places.ts";
import { startProgress, style } from "../terminal/output.ts";
import { sayWhatIsUnlike } from "./picture-options.ts";

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

/** What a person's own examples are. */
interface OwnPlaces {
  readonly support: string;
  readonly query: string;
  /** The column of tables that has the classes. */
  readonly label: string | undefined;
  readonly steps: number | undefined;
}

/**
 * The same on one's own examples.
 * @throws InnerloopError what reading them and `evaluateExamples` throw; `wrong-data` (status 2) for a bundle of a regression
 */
export async function showOwnEvaluation(
  learner: Learner,
  { support, query, label, steps }: OwnPlaces,
): Promise<OwnEvaluation> {
  const { manifest } = learner;
  if (manifest.task === "regression")
    throw wrongCall(
      "wrong-data",
      `The bundle "${manifest.name}" is for a regression, and --support and --query have classes; measure it on data, with --data.`,
    );
  const { evaluateExamples } = await import("@innerloop/measure");
  const work = async (signal: AbortSignal): Promise<OwnEvaluation> => {
    const progress = await startProgress("   evaluating");
    try {
      progress.update(0, `reading ${support}`);
      const taught = await ownExamples(support, "support");
      await sayWhatIsUnlike(
        taught.map(({ data }) => data),
        manifest,
      );
      progress.update(0, `reading ${query}`);
      const asked = await ownExamples(query, "query");
      return await evaluateExamples(learner, taught, asked, {
        ...(steps === undefined ? {} : { steps }),
        signal,
        onProgress: (done, all) => progress.update(done / all, `${done}/${all} queries`),
      });
    } finally {
      progress.stop();
    }
  };
  const ownExamples = async (place: string, option: string): Promise<OwnExample[]> => {
    const examples = await readSupport(place, manifest, option, { label });
    return labelled(examples).map((each, i) => ({ ...each, name: examples[i]!.input }));
  };
  return interruptible("Stopping.", work, () => "Stopped before all queries were answered; nothing is reported.");
}
