// Optimizers of an inner loop, as a call names them.
import { adam, type OptimizedOptions, sgd } from "@innerloop/graph";
import { InnerloopError, show } from "@innerloop/schemas";

/** How the weights of a model move. */
export interface OptimizerOptions {
  /** `sgd` takes back steps that make the loss higher; `momentum`, `adam` and `adamw` keep the best place of their way. */
  readonly kind: "sgd" | "momentum" | "adam" | "adamw";
  /** Of `momentum`; 0.9 unless given. */
  readonly momentum?: number;
  /** Weight decay: of `adamw` 0.01 unless given, of the others 0. */
  readonly decay?: number;
  /** The largest norm of all gradients together. */
  readonly clip?: number;
  /** Examples that a step goes by; all of them unless given. */
  readonly batch?: number;
}

export const optimizerKinds = ["sgd", "momentum", "adam", "adamw"] as const;

/**
 * The rule of an optimizer; undefined for plain descent, which is guarded step by step.
 * @throws InnerloopError `bad-option` (status 2)
 */
export function ruleOf({ kind, momentum = 0.9, decay, clip, batch }: OptimizerOptions): OptimizedOptions | undefined {
  if (!optimizerKinds.includes(kind))
    throw badOption(`the optimizer ${show(kind)} was asked for; there are ${optimizerKinds.join(", ")}`);
  for (const [name, value, most] of [
    ["momentum", momentum, 1],
    ["decay", decay ?? 0, 1000],
    ["clip", clip ?? 1, Number.MAX_VALUE],
    ["batch", batch ?? 1, Number.MAX_SAFE_INTEGER],
  ] as const)
    if (!(value >= 0 && value <= most)) throw badOption(`${name} is ${value}; a number from 0 to ${most} was expected`);
  if (kind === "sgd" && clip === undefined && batch === undefined && (decay ?? 0) === 0) return undefined;
  const weightDecay = decay ?? (kind === "adamw" ? 0.01 : 0);
  const rule =
    kind === "sgd" || kind === "momentum"
      ? sgd({ momentum: kind === "sgd" ? 0 : momentum, weightDecay })
      : adam({ weightDecay });
  return { rule, ...(clip === undefined ? {} : { clip }) };
}

const badOption = (message: string): InnerloopError =>
  new InnerloopError("bad-option", `${message}.`, { exitStatus: 2 });
