// Running adapt.onnx: how many steps, watched and stopped between them, and what comes out.
import { InnerloopError, type Manifest, show, type Tensor, takesSteps } from "@innerloop/schemas/bundle";
import { type Kept, packSupport } from "./examples.ts";
import { rest } from "./lifetime.ts";
import type { OpenedBundle } from "./opened.ts";
import { badOption, checkOptions } from "./refusal.ts";

/** How far to go. */
export interface StepOptions {
  /**
   * Inner-loop steps, 0 to 1,000; the manifest's `innerLoop.steps` when not given. `auto`: as many, at such a rate, as did
   * best on examples that were held out in turn; see {@link Adaptation.chosen}.
   */
  readonly steps?: number | "auto";
  /** Multiplies the learned inner rates, 0 to 1,000; 1 when not given. */
  readonly rate?: number;
}

/** Steps and rate as numbers. */
export interface Settled extends StepOptions {
  readonly steps: number;
}

/** Beyond these, a call is a mistake. */
export const mostSteps = 1000;
const highestRate = 1000;

/** What an adaptation did. */
export interface Adaptation {
  /** Steps that were asked for; 0 where the bundle's algorithm has none. */
  readonly steps: number;
  /** The step whose result was kept: 0 when it is the start. Absent for a bundle with the papers' plain loop. */
  readonly kept?: number;
  /** Steps that were taken back, since they made the examples' loss higher. Absent likewise. */
  readonly refused?: number;
  /** What `steps: "auto"` chose, and why. */
  readonly chosen?: { readonly steps: number; readonly rate: number; readonly message: string };
}

/** How to adapt. */
export interface AdaptOptions extends StepOptions {
  /** Stops the work before its next step; the call then fails with the code `aborted`, and nothing has changed. */
  readonly signal?: AbortSignal;
  /**
   * Called for the start and after each step. Where the bundle allows (a learned head), steps are then taken one by one,
   * with the event loop free in between; else all calls come after the last step. Numbers are the same.
   */
  readonly onProgress?: (progress: Progress) => void;
  /** Holds examples out in turn and says in `check` what that tells; some 40 adaptations more. */
  readonly check?: boolean;
}

/** What {@link AdaptOptions.onProgress} is told. */
export interface Progress {
  /** Steps taken: 0 first. */
  readonly step: number;
  /** Steps that are taken in all; 0 where the bundle's algorithm has none. */
  readonly steps: number;
  /** The mean loss over the examples after so many steps. */
  readonly loss: number;
}

/** The result of an adaptation: everything in which a personal model differs from its bundle. */
export interface AdaptedState {
  /** The labels it tells apart; empty for a regression. */
  readonly labels: readonly string[];
  /** The logit of each label: `logits[columns[i]]` is that of `labels[i]`. */
  readonly columns: readonly number[];
  /** How many examples a label had, in the mean; absent for a regression, and where an early file does not say. */
  readonly shots?: number;
  /** How far apart the classes are, as `supportSpread` measures it; absent where the bundle does not ask for it. */
  readonly spread?: number;
  /** The mean loss over the support set before each step, and after the last. */
  readonly supportLoss: readonly number[];
  /** What was done to get there; unknown of what an earlier release saved. */
  readonly adaptation?: Adaptation;
  /** The adapted parameters, by their names in predict.onnx. */
  readonly parameters: Readonly<Record<string, Tensor>>;
}

/**
 * The steps and rate to adapt with.
 *
 * @throws InnerloopError `bad-option`.
 */
export function readSteps<O extends StepOptions>(
  { innerLoop }: Manifest,
  options: O,
): O & { readonly steps: number | "auto" } {
  checkOptions(options);
  const { onProgress } = options as AdaptOptions;
  if (onProgress !== undefined && typeof onProgress !== "function") throw badOption("onProgress is no function");
  const { steps = innerLoop.steps, rate } = options;
  if (steps !== "auto" && !(Number.isInteger(steps) && steps >= 0 && steps <= mostSteps))
    throw badOption(
      `steps ${show(steps)} was given; a whole number from 0 to ${mostSteps}, or "auto", was expected; ` +
        `this bundle was made for ${innerLoop.steps}`,
    );
  if (rate !== undefined && !(Number.isFinite(rate) && rate >= 0 && rate <= highestRate))
    throw badOption(
      `rate ${show(rate)} was given; it multiplies the learned rates: a number from 0 to ${highestRate} was expected`,
    );
  if (rate !== undefined && steps === "auto")
    throw badOption(`rate ${rate} was given with steps "auto", which chooses the rate as well; give one of them`);
  if (rate !== undefined && !takesSteps({ innerLoop }))
    throw badOption(`rate ${rate} was given; this bundle (${innerLoop.algorithm}) has no rates; leave it out`);
  return { ...options, steps };
}

/** Steps that are taken in one run of the model where nobody watches, at first, and how long later runs are to take. */
const firstStride = 16;
const strideMs = 30;

/**
 * Adapts the bundle's weights to examples. Where the bundle allows (a learned head), many steps are several runs, with the
 * event loop free in between.
 *
 * @throws InnerloopError `bad-input`, `diverged` when the loss is no number, `aborted`, `bundle-inconsistent`.
 */
export async function adapt(
  opened: OpenedBundle,
  examples: readonly Kept[],
  { steps, rate, signal, onProgress }: Settled & Pick<AdaptOptions, "signal" | "onProgress">,
): Promise<AdaptedState> {
  const { bundle, moving } = opened;
  const { manifest } = bundle;
  const { x, y, labels, columns } = packSupport(manifest, examples);
  const session = await opened.session("adapt.onnx");
  const watched = signal !== undefined || onProgress !== undefined;
  let stride = watched ? 1 : firstStride;
  // A run can start from what the one before it made where the model takes that as its start.
  if (steps > stride && !moving.every(([name]) => session.inputs.includes(name))) stride = steps;
  const supportLoss: number[] = [];
  let parameters: Record<string, Tensor> = {};
  let [told, kept, refused, scale] = [0, 0, 0, 1];
  const guarded = session.outputs.includes("kept_step");
  for (let done = 0; ; ) {
    refuseAborted(signal);
    const turns = Math.min(stride, steps - done);
    const feeds: Record<string, Tensor> = { support_x: x, support_y: y, steps: whole(turns) };
    if (rate !== undefined || scale !== 1) feeds.rate = float((rate ?? 1) * scale);
    const started = performance.now();
    const results = await session.run(Object.assign(feeds, parameters));
    if (!watched) stride = Math.ceil((stride * strideMs) / (performance.now() - started));
    const losses = Array.from(output(results, "support_loss").data as Float32Array);
    // A run's first loss is the last of the run before it.
    supportLoss.splice(done, 1, ...losses);
    const at = supportLoss.findIndex((loss) => !Number.isFinite(loss));
    if (at >= 0) throw (await opened.later()).diverged(manifest, at, steps, rate);
    if (guarded) {
      const number = (name: string) => Number(output(results, name).data[0]);
      kept = number("kept_step") > 0 ? done + number("kept_step") : kept;
      refused += number("refused_steps");
      scale *= number("rate_scale");
    }
    parameters = {};
    for (const [name, made] of moving) parameters[name] = output(results, made);
    done += turns;
    const last = done < steps ? steps : supportLoss.length - 1;
    for (; told < supportLoss.length; told++) onProgress?.({ step: told, steps: last, loss: supportLoss[told]! });
    if (done >= steps) break;
    await rest();
  }
  refuseAborted(signal);
  const shots = labels.length > 0 ? { shots: examples.length / labels.length } : {};
  const adaptation = { steps: supportLoss.length - 1, ...(guarded ? { kept, refused } : {}) };
  return { labels, columns, ...shots, supportLoss, adaptation, parameters };
}

/** @throws InnerloopError `aborted`, when the signal was. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new InnerloopError("aborted", "the call was aborted by its signal; everything is as it was before", {
    cause: signal.reason,
  });
}

/** An output that the manifest promises. */
export function output(results: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const tensor = results[name];
  if (tensor !== undefined) return tensor;
  throw new InnerloopError(
    "bundle-inconsistent",
    `the bundle's model has no output "${name}", which its manifest promises; export the bundle again`,
  );
}

const float = (value: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
const whole = (value: number): Tensor => ({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) });
