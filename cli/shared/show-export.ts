// An export as people see it; `export` and `quickstart` share it.

import type { ExportRunOptions, FinishedRun } from "@innerloop/measure";
import type { Confidence, Manifest } from "@innerloop/schemas";
import { interruptible } from "../call/interrupt.ts";
import { percent, startProgress } from "../terminal/output.ts";

/**
 * Exports, and shows how far the calibration is.
 * @throws Interrupted where a signal stopped it; nothing is written then
 */
export async function showExport(
  run: FinishedRun,
  out: string,
  options: Omit<ExportRunOptions, "onCalibration" | "signal"> = {},
): Promise<Manifest> {
  const { exportRun } = await import("@innerloop/measure");
  const progress = await startProgress("   calibrating");
  try {
    const onCalibration = (done: number, all: number) => progress.update(done / all, `${done}/${all} episodes`);
    return await interruptible(
      "Stopping.",
      (signal) => exportRun(run, out, { ...options, signal, onCalibration }),
      () => "Stopped before the bundle was complete; nothing is written.",
    );
  } finally {
    progress.stop();
  }
}

/** What a bundle's confidence is worth, in a line. */
export function confidenceText(confidence: Confidence): string {
  const { ways, shots, temperature, expectedCalibrationError, uncalibratedError, rejection, spread } = confidence;
  const error = `temperature ${temperature.toFixed(2)}: calibration error ${percent(expectedCalibrationError)}, ${percent(uncalibratedError)} without`;
  const none = rejection
    ? `; "none of these" keeps ${percent(rejection.kept)} at ${percent(rejection.falseAccepts)} false accepts`
    : "";
  if (!spread) return `${error}${none} (${ways}-way ${shots}-shot)`;
  const { shifted } = spread;
  const others = shifted.falseAccepts === undefined ? "" : `, accepts ${percent(shifted.falseAccepts)} of others`;
  return (
    `${error}${none} (${ways}-way ${shots}-shot); where data are shifted: calibration error ` +
    `${percent(shifted.expectedCalibrationError)}${others}, ${percent(shifted.unlike)} said to be unlike the training`
  );
}
