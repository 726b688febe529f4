// Signals: the first one asks the work to come to a good end, the second one ends the process.
import { constants } from "node:os";
import { say } from "../terminal/output.ts";
import { Interrupted } from "./errors.ts";

/** Ctrl-C, a polite end (a scheduler, a shutdown), and a terminal that was closed. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A runner such as npx passes a Ctrl-C on that the terminal has sent as well; so soon after the first it is the same one. */
const echo = 300;

/** So long after a process was told to end it is still there only where it ignores signals, as the first of a container does. */
const grace = 500;

/**
 * Runs work that stops by a signal.
 * @param promise what the user is told at the first one
 * @param stopped what became of work that a signal ended, where the work itself does not say so
 * @throws Interrupted with the exit status of the signal where one ended the work
 */
export async function interruptible<T>(
  promise: string,
  work: (signal: AbortSignal) => Promise<T>,
  stopped?: () => string,
): Promise<T> {
  const controller = new AbortController();
  let first: NodeJS.Signals | undefined;
  let at = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      [first, at] = [signal, performance.now()];
      say(`\n${promise}${signal === "SIGINT" ? " Press Ctrl-C again to quit at once." : ""}`);
      controller.abort();
    } else if (signal !== "SIGHUP" && performance.now() - at > echo) endBy(signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await work(controller.signal);
  } catch (cause) {
    const error = stopped && first !== undefined ? new Interrupted(stopped()) : cause;
    if (error instanceof Interrupted && first !== undefined) {
      error.exitStatus = statusOf(first);
      // What follows is the end of the process; a further signal shall not take its status and its last words.
      at = performance.now();
    }
    throw error;
  } finally {
    if (first === undefined) for (const signal of signals) process.off(signal, onSignal);
  }
}

/** What a shell says of a process that a signal ended. */
const statusOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** Ends the process at once, as the signal does by itself: worker threads that compute do not survive `process.exit`. */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(statusOf(signal)), grace);
}
