// Ctrl-C: the first one asks the work to come to a good end, the second one ends the process.
import { interruptedStatus } from "./errors.ts";
import { say } from "./output.ts";

/**
 * Runs work that stops by a signal.
 * @param promise what the user is told at the first Ctrl-C
 */
export async function interruptible<T>(promise: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(interruptedStatus);
    say(`\n${promise} Press Ctrl-C again to quit at once.`);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
