// Errors that few callers see, loaded when they are said.
import { InnerloopError, type Manifest, show } from "@innerloop/schemas/bundle";
import { badInput } from "./refusal.ts";

/** The loss of an adaptation is no finite number. @param at the step whose loss it is */
export function diverged({ innerLoop }: Manifest, at: number, steps: number, rate = 1): InnerloopError {
  return new InnerloopError(
    "diverged",
    at === 0
      ? "the loss of the examples is no finite number before any step: their values are too large for the network; " +
          "give examples on the scale of those that it was trained on"
      : `the loss became infinite after ${at} of ${steps} steps; ` +
          `use fewer steps (this bundle was made for ${innerLoop.steps}) or a smaller rate than ${rate}, and check the examples' scale`,
  );
}

/** The bundle is for another task than the one that was asked for. */
export function otherTask({ name, task }: Manifest, asked: string): InnerloopError {
  return new InnerloopError(
    "other-task",
    `the bundle "${name}" is for ${task} and ${asked} was asked for; load another bundle`,
    { exitStatus: 2 },
  );
}

/** What was given is nothing that a personal model can be read from. */
export const noSource = (file: unknown): InnerloopError =>
  badInput(`${show(file)} was given; a path, a URL or the bytes of a saved personal model were expected`);
