// Options of inner steps that do nothing for a bundle.
import { type Manifest, takesSteps } from "@innerloop/schemas";
import { withoutEffect } from "../call/command.ts";

/**
 * Refuses --steps and --rate for a bundle that takes no steps, and --rate where none are asked for.
 * @throws InnerloopError `no-effect` (status 2)
 */
export function checkStepOptions(
  manifest: Manifest,
  { steps, rate }: { readonly steps?: number | string | undefined; readonly rate?: number | undefined },
): void {
  const { name, innerLoop } = manifest;
  if (!takesSteps(manifest))
    for (const [option, value] of Object.entries({ steps, rate }))
      if (value !== undefined)
        throw withoutEffect(`--${option}`, `the bundle "${name}" (${innerLoop.algorithm}) takes no inner steps`);
  if (rate !== undefined && steps === 0)
    throw withoutEffect("--rate", "with --steps 0 no step is taken", "give more --steps");
}
