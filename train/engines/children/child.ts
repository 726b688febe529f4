// Runs a module of this room in a process of its own, so that native code that crashes or hangs takes only that one down.
import { type ChildProcess, fork } from "node:child_process";
import { InnerloopError } from "@innerloop/schemas";

/** What a child sends, once, when it is done. */
export type Answer<T> = { readonly result: T } | { readonly failure: string };

export interface ChildOptions {
  /** After so many seconds the child is ended. */
  readonly seconds: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The answer of a module that calls {@link answerParent}.
 * @throws InnerloopError `child-failed` with its own words or with how its process ended; `child-late`
 */
export function runInChild<T>(module: URL, args: readonly string[], options: ChildOptions): Promise<T> {
  const { seconds, environment = {} } = options;
  const child = fork(module, args, {
    execArgv: [],
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  return new Promise((resolve, reject) => {
    let answer: Answer<T> | undefined;
    let said = "";
    let late = false;
    const fail = (words: string, code = "child-failed") => reject(new InnerloopError(code, words));
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, 1000 * seconds);
    child.stderr?.on("data", (chunk) => {
      said = (said + chunk).slice(-4000);
    });
    child.on("message", (message) => {
      answer = message as Answer<T>;
      // Some native libraries crash or wait while a process ends; by then it has done its work.
      child.kill("SIGKILL");
    });
    child.on("error", (cause) => {
      clearTimeout(timer);
      fail(cause.message);
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      if (answer && "result" in answer) resolve(answer.result);
      else if (answer) fail(answer.failure);
      else if (late) fail(`it did not answer within ${seconds} s`, "child-late");
      else fail(`its process ended ${endOf(status, signal, said)}`);
    });
    endWithParent(child);
  });
}

function endOf(status: number | null, signal: NodeJS.Signals | null, said: string): string {
  const lines = said.split("\n").map((line) => line.trim());
  const error = lines.findLast((line) => /Error( \[\w+\])?: |what\(\): |fatal|undefined symbol/i.test(line));
  if (signal) return `by ${signal}, as a crash in native code ends it${error ? ` (${error})` : ""}`;
  const last = error ?? lines.findLast((line) => line !== "");
  return `with status ${status}${last ? ` (${last})` : ""}`;
}

function endWithParent(child: ChildProcess): void {
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("close", () => process.off("exit", end));
}

/** In the child: does the work and gives the result, or the words of its error, to the parent. */
export async function answerParent<T>(work: () => Promise<T>): Promise<void> {
  const answer = await work().then(
    (result): Answer<T> => ({ result }),
    (cause): Answer<T> => ({ failure: cause instanceof Error ? cause.message : String(cause) }),
  );
  process.send!(answer);
}
