// Running adapt.onnx: how many steps, watched and stopped between them, and what comes out.
import { InnerloopError, type Manifest, type Tensor } from "@innerloop/schemas/bundle";
import { type Kept, packSupport } from "./examples.ts";
import { rest } from "./lifetime.ts";
import type { OpenedBundle } from "./opened.ts";
import { badOption } from "./refusal.ts";
import type { Session } from "./session.ts";

/** How far to go. */
export interface StepOptions {
  /** Inner-loop steps, from 0; the manifest's `innerLoop.steps` when not given. */
  readonly steps?: number;
  /** Multiplies the learned inner rates; 1 when not given. */
  readonly rate?: number;
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
  /** The mean loss over the support set before each step, and after the last. */
  readonly supportLoss: readonly number[];
  /** The adapted parameters, by their names in predict.onnx. */
  readonly parameters: Readonly<Record<string, Tensor>>;
}

/**
 * The steps and rate to adapt with.
 *
 * @throws InnerloopError `bad-option`.
 */
export function readSteps<O extends StepOptions>({ innerLoop }: Manifest, options: O): O & { readonly steps: number } {
  const { steps = innerLoop.steps, rate } = options;
  if (!(Number.isInteger(steps) && steps >= 0)) {
    throw badOption(`steps ${String(steps)} was given; a whole number from 0 was expected`);
  }
  if (rate !== undefined && !(Number.isFinite(rate) && rate >= 0)) {
    throw badOption(`rate ${String(rate)} was given; it multiplies the learned rates: a number from 0 was expected`);
  }
  if (rate !== undefined && Object.keys(innerLoop.rates).length === 0) {
    throw badOption(`rate ${rate} was given; this bundle (${innerLoop.algorithm}) has no rates; leave it out`);
  }
  return { ...options, steps };
}

/**
 * Adapts the bundle's weights to examples.
 *
 * @throws InnerloopError `bad-input`, `diverged` when the loss became infinite, `aborted`, `bundle-inconsistent`.
 */
export async function adapt(
  opened: OpenedBundle,
  examples: readonly Kept[],
  { steps, rate, signal, onProgress }: AdaptOptions & { readonly steps: number },
): Promise<AdaptedState> {
  const { manifest } = opened.bundle;
  const { x, y, labels, columns } = packSupport(manifest, examples);
  const session = await opened.session("adapt.onnx");
  const names = manifest.parameters.filter(({ adapted }) => adapted).map(({ name }) => name);
  const watched = signal !== undefined || onProgress !== undefined;
  // The caller sees and stops single steps where each can start from what the one before it made.
  const stride = watched && steps > 1 && names.every((name) => session.inputs.includes(name)) ? 1 : steps;
  const rates: Record<string, Tensor> =
    rate === undefined ? {} : { rate: { dtype: "float32", shape: [], data: Float32Array.of(rate) } };
  const supportLoss: number[] = [];
  let parameters: Record<string, Tensor> = {};
  let told = 0;
  for (let done = 0; ; ) {
    refuseAborted(signal);
    const results = await run(session, { support_x: x, support_y: y, ...rates, ...parameters }, stride);
    const losses = Array.from(output(results, "support_loss").data as Float32Array);
    // A run's first loss is the last of the run before it.
    supportLoss.splice(done, 1, ...losses);
    const at = supportLoss.findIndex((loss) => !Number.isFinite(loss));
    if (at >= 0) {
      throw new InnerloopError(
        "diverged",
        `the loss became infinite after ${at} of ${steps} steps; ` +
          `use fewer steps (this bundle was made for ${manifest.innerLoop.steps}) or a smaller rate than ${rate ?? 1}, and check the examples' scale`,
      );
    }
    parameters = Object.fromEntries(names.map((name) => [name, output(results, `adapted/${name}`)]));
    done += stride;
    const last = stride < steps ? steps : losses.length - 1;
    for (; told < supportLoss.length; told++) onProgress?.({ step: told, steps: last, loss: supportLoss[told]! });
    if (done >= steps) break;
    await rest();
  }
  refuseAborted(signal);
  const shots = labels.length > 0 ? { shots: examples.length / labels.length } : {};
  return { labels, columns, ...shots, supportLoss, parameters };
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

function run(session: Session, feeds: Readonly<Record<string, Tensor>>, steps: number) {
  return session.run({ ...feeds, steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) } });
}
