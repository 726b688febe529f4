// Other programs that setting up needs: npm, a compiler, Python. They end when the user stops the work.
import { spawn } from "node:child_process";

/** How a program ended, and what it said. */
export interface Ended {
  /** Undefined where there is no such program. */
  readonly status: number | undefined;
  /** The signal that ended it, such as SIGSEGV. */
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settings of a run. */
export interface ProgramOptions {
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end.
 * @throws the reason of the signal where that stops it
 */
export async function runProgram(file: string, args: readonly string[], options: ProgramOptions): Promise<Ended> {
  const { cwd, signal, env = {} } = options;
  signal.throwIfAborted();
  const windows = process.platform === "win32";
  const child = spawn(file, args, {
    cwd,
    env: { ...inherited(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // npm is a script there, which only a shell runs; elsewhere a group of its own, so that what it starts ends with it.
    shell: windows && file === "npm",
    detached: !windows,
    windowsHide: true,
  });
  const stop = () => {
    try {
      if (windows || child.pid === undefined) child.kill();
      else process.kill(-child.pid, "SIGTERM");
    } catch {
      // It has ended by itself.
    }
  };
  signal.addEventListener("abort", stop);
  try {
    return await new Promise<Ended>((resolve, reject) => {
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (chunk) => {
        stdout += chunk;
      });
      child.stderr.on("data", (chunk) => {
        stderr += chunk;
      });
      child.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" || error.code === "EACCES")
          resolve({ status: undefined, signal: undefined, stdout, stderr });
        else reject(error);
      });
      child.on("close", (status, by) => resolve({ status: status ?? 1, signal: by ?? undefined, stdout, stderr }));
    });
  } finally {
    signal.removeEventListener("abort", stop);
    signal.throwIfAborted();
  }
}

/** The environment without what npm tells of the package from which `npx innerloop` may have been called. */
function inherited(): NodeJS.ProcessEnv {
  const kept = /^npm_config_(registry|.*proxy|cache|userconfig|globalconfig|cafile|offline|prefer_offline)$/i;
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name)),
  ) as NodeJS.ProcessEnv;
}

/** The last lines of what a program said, for a message. */
export const lastLines = (text: string, count = 12): string => text.trimEnd().split("\n").slice(-count).join("\n");
