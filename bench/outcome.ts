// What every command has: what it says and its exit status, the machine that it ran on, and words on the way.
import { cpus } from "node:os";

/** What a command says, and its exit status. */
export interface Outcome {
  readonly text: string;
  readonly status: 0 | 1;
}

export const machine = () => ({
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  node: process.version,
});

export const tell = (words: string): void => void process.stderr.write(`${words}\n`);

/** "1 thread", "2 threads". */
export const threadsInWords = (count: number): string => `${count} ${count === 1 ? "thread" : "threads"}`;
