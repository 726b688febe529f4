// How a command ends when something is wrong: one message, and an exit status.
import { InnerloopError } from "@innerloop/schemas";
import { say, style } from "../terminal/output.ts";

/** Thrown where work was stopped on the user's wish; the message says what became of it. */
export class Interrupted extends Error {
  /** 128 + the number of the signal; that of Ctrl-C unless another one was it. */
  exitStatus = 130;
}

/**
 * Says what went wrong.
 * @returns the exit status
 */
export function report(error: unknown): number {
  if (error instanceof Interrupted) {
    say(error.message);
    return error.exitStatus;
  }
  // A wrong argument of a function is a mistake of the command that called it, not of who called the command.
  if (error instanceof InnerloopError && error.code !== "bad-argument") {
    const message = error.message.trim();
    say(`${style("red", "error:")} ${message}${/[.?!…)]$/.test(message) ? "" : "."}`);
    if (process.env.INNERLOOP_DEBUG) say(error.stack ?? "");
    return error.exitStatus;
  }
  // What the operating system refuses is nothing to report, but something to act on.
  const { syscall, path, code } = error as NodeJS.ErrnoException;
  if (syscall !== undefined && code !== undefined) {
    say(
      `${style("red", "error:")} ${path ?? "A file"} could not be used (${code}, ${syscall}); check the path, its permissions and the space on its disk.`,
    );
    return 1;
  }
  const words = error instanceof Error ? error.message.split("\n")[0] : String(error);
  if (process.env.INNERLOOP_DEBUG)
    for (let cause = error; cause instanceof Error; cause = cause.cause) say(cause.stack ?? "");
  say(
    `${style("red", "error:")} Something unexpected happened: ${words}. ` +
      "Set INNERLOOP_DEBUG=1 to see where, and please report it.",
  );
  return 1;
}
