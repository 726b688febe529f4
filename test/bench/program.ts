// The benchmark's program as a caller runs it, where no Python is.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { repository } from "../support/root.ts";

const program = join(repository, "bench", "dist", "main.js");

export const bench = (...args: string[]) =>
  new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, INNERLOOP_PYTHON: "/no-such-python" };
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
