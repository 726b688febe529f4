// The command as its users meet it: a process of its own, in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawGlyph, imageOf } from "@innerloop/train";
import { repository } from "./root.ts";

/** The file that Node runs. */
export const program = join(repository, "cli", "bin", "innerloop.js");

export interface Outcome {
  readonly status: number | null;
  /** What ended it, where a signal did. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  readonly cwd: string;
  /** Called with the process and what it has said so far, whenever it says something. */
  onStderr?(process: ChildProcess, stderr: string): void;
  /** No file may grow beyond this many blocks, as on a disk that is full. */
  readonly blocks?: number;
  /** Beside the variables of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The file to run, where it is another copy of the program. */
  readonly main?: string;
  /** Redirections of a shell, as `> /dev/full`. */
  readonly redirected?: string;
}

/** Runs `innerloop …args`. */
export function innerloop(
  args: readonly string[],
  { cwd, onStderr, blocks, env: further, main = program, redirected }: Call,
): Promise<Outcome> {
  const command = [process.execPath, main, ...args];
  const limits = blocks === undefined ? "" : `trap "" XFSZ; ulimit -f ${blocks}; `;
  const [file, rest] =
    blocks === undefined && redirected === undefined
      ? [command[0]!, command.slice(1)]
      : ["sh", ["-c", `${limits}exec "$@" ${redirected ?? ""}`, "sh", ...command]];
  // As when it is called by its name, not through npx.
  const { npm_command: _, ...env } = process.env;
  const child = spawn(file, rest, { cwd, env: { ...env, ...further, NO_COLOR: "1" } });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
      onStderr?.(child, stderr);
    });
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

const paper = { kind: "image", width: 28, height: 28, channels: 1, invert: true, mean: 0, std: 1 } as const;

/** A folder of images: `classes` sub-folders with `examples` files each. */
export async function writeImages(folder: string, classes: number, examples: number): Promise<void> {
  for (let id = 0; id < classes; id++) {
    const place = join(folder, `symbol-${id}`);
    mkdirSync(place, { recursive: true });
    for (let drawer = 0; drawer < examples; drawer++) {
      const ink = Float32Array.from(drawGlyph(5_000_000 + id, drawer), (byte) => byte / 255);
      writeFileSync(join(place, `${drawer}.png`), await imageOf(ink, paper));
    }
  }
}
