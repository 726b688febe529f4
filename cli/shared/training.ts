// A training run as people see it; `train` and `quickstart` share it.
import type { RunConfig } from "@innerloop/schemas";
import type { RunResult, Validation } from "@innerloop/train";
import { Interrupted } from "../call/errors.ts";
import { interruptible } from "../call/interrupt.ts";
import { clock, commandLine, percent, percentWithInterval, startProgress, style } from "../terminal/output.ts";

/** What a run of a config is told. */
export interface ShownRun {
  readonly config: RunConfig;
  readonly out: string;
  readonly resume?: boolean;
  /** The folder of the bundle that the config starts from. */
  readonly from?: string;
  /** Words before the progress. */
  readonly title?: string;
  /** Told of every validation, as it is shown. */
  onValidation?(validation: Validation): void;
}

/**
 * Trains, and shows the engine, the progress and the validations on stderr.
 * @throws InnerloopError what training throws; Interrupted where a signal stopped it, with everything saved
 */
export const trainToTheEnd = (run: ShownRun): Promise<RunResult> =>
  interruptible("Finishing this iteration, then saving.", async (signal) => {
    const result = await showTraining(run, signal);
    if (result.stopped) throw new Interrupted(stoppedMessage(result, run.out));
    return result;
  });

async function showTraining(
  { config, out, resume = false, from, title = "   training", onValidation }: ShownRun,
  signal: AbortSignal,
): Promise<RunResult> {
  const { algorithms, runTraining } = await import("@innerloop/train");
  const progress = await startProgress(title);
  try {
    progress.update(0, `reading ${config.data}`);
    let classes = true;
    let heldBack = true;
    let part = "";
    return await runTraining({
      config,
      out,
      resume,
      ...(from === undefined ? {} : { from }),
      signal,
      onRead: (done, all) => progress.update(done / all, `${done}/${all} of ${config.data} read`),
      onStart({ config, task: kind, engine, reason, strategy, parameters, bytes, iteration, ...start }) {
        classes = kind === "classification";
        heldBack = start.heldBack;
        const { algorithm, head, steps, ways, shots, data } = config;
        const takesSteps = "steps" in algorithms.named(algorithm).options;
        const learner = takesSteps ? `${algorithm}, ${head} head, ${steps} steps` : algorithm;
        const task = classes ? `${ways}-way ${shots}-shot` : `${shots} shots`;
        const log = (name: string, text: string) => progress.log(`   ${style("dim", name)} ${text}`, 8);
        log("task   ", `${task} on ${data}, for ${lengthOf(config)}`);
        log("learner", `${learner}; ${config.model.kind}, ${parameters.toLocaleString("en")} parameters`);
        log("engine ", `${engine} (${reason}); ${strategy}`);
        log("memory ", `about ${(bytes / 1e9).toFixed(1)} GB at its peak`);
        if (iteration > 0) log("resumes", `after iteration ${iteration}`);
      },
      onPace({ secondsPerIteration, iterations, seconds }) {
        const each =
          secondsPerIteration < 1 ? `${(1000 * secondsPerIteration).toFixed(0)} ms` : clock(secondsPerIteration);
        const all = `about ${iterations.toLocaleString("en")} iterations in ${clock(seconds)}`;
        progress.log(`   ${style("dim", "pace   ")} ${each} an iteration: ${all}`, 8);
      },
      onProgress({ epoch, batch, loss, accuracy, tasksPerSecond, secondsLeft, fraction }) {
        progress.update(fraction, [
          `${part}${clock(secondsLeft)} left`,
          `loss ${loss.toFixed(3)}`,
          ...(classes ? [`accuracy ${percent(accuracy)}`] : []),
          `epoch ${epoch}  batch ${batch}/${config.validation.every}`,
          `${tasksPerSecond.toFixed(0)} tasks/s`,
        ]);
      },
      onValidating({ iteration, done, episodes }) {
        progress.update(
          done / episodes,
          `${part}validating after iteration ${iteration}  ${done}/${episodes} episodes`,
        );
      },
      onPart(title) {
        part = title === undefined ? "" : `${title}  `;
      },
      onMessage(message) {
        progress.log(`   ${style("yellow", "note   ")} ${message}`, 8);
      },
      onValidation(validation) {
        onValidation?.(validation);
        const { iteration, loss, accuracy, best } = validation;
        const score = classes
          ? `accuracy ${percentWithInterval(accuracy)}  loss ${loss.toFixed(3)}`
          : `loss ${loss.toFixed(4)}`;
        progress.log(
          `   ${style("dim", `iteration ${String(iteration).padStart(5)}`)}  ${heldBack ? "held back" : "trained on"}: ${score}` +
            (best ? `  ${style("green", "best")}` : ""),
        );
      },
    });
  } finally {
    progress.stop();
  }
}

/** How long a run is, in words. */
export function lengthOf({ iterations, minutes }: RunConfig): string {
  const parts = [
    ...(iterations === undefined ? [] : [count(iterations, "iteration")]),
    ...(minutes === undefined ? [] : [count(minutes, "minute")]),
  ];
  return parts.join(" or ");
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

/** What to say about a run that was stopped. */
const stoppedMessage = ({ header }: RunResult, out: string): string =>
  `Stopped after iteration ${header.iteration}; everything is saved in ${out}.\nGo on with: ${commandLine`train --resume --out ${out}`}`;
