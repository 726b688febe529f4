// A side of a comparison as a process of its own, which answers requests in lines of JSON (peers/problems.py says which), so that the
// runs of all sides can alternate.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { OurEngine } from "../ours/engines.ts";
import type { Result } from "../ours/result.ts";
import type { Case } from "../workloads.ts";

/** What a side says when it is ready. */
export interface Prepared {
  /** The way of writing the workload that was fastest, and so is the one that runs. */
  readonly variant: string;
  /** The least milliseconds of each way. */
  readonly variants?: Readonly<Record<string, number>>;
  /** Until the first result of each way was there, summed: compiling, above all. */
  readonly seconds?: number;
  readonly result: Result;
  /** The result in double precision, where the side has it. */
  readonly float64?: Result;
}

/** What a workload is asked for with. */
export interface Task {
  readonly case: Case;
  readonly threads: number;
  /** For ours. */
  readonly engine?: OurEngine;
}

/** One request at a time. */
export class SideProcess {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  #complaint = "";

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#process.on("error", (error) => {
      this.#complaint += error.message;
    });
    // Writing to a process that has ended fails here; the request then reports why it ended.
    this.#process.stdin.on("error", () => {});
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint = `${this.#complaint}${text}`.slice(-4000);
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error that says why the side is not there: no interpreter, no package */
  async version(): Promise<string> {
    return (await this.ask<{ version: string }>({ op: "hello" })).version;
  }

  /**
   * Makes the data, times the ways of writing the workload, and keeps the fastest.
   * @param seconds how long it may take
   */
  prepare(task: Task, seconds: number): Promise<Prepared> {
    return this.ask({ op: "prepare", ...task }, seconds);
  }

  /** Does a workload once and gives its result. */
  once(task: Task, seconds: number): Promise<Prepared> {
    return this.ask({ op: "prepare", ...task, once: true }, seconds);
  }

  /** Runs what is prepared `times` times: milliseconds of each. */
  async run(times: number): Promise<number[]> {
    return (await this.ask<{ milliseconds: number[] }>({ op: "run", times })).milliseconds;
  }

  /** The most memory that the process holds for one way of a workload, in MiB. Ask a process just started. */
  async memory(task: Task, more: { readonly variant?: string; readonly folder?: string }): Promise<number> {
    return (await this.ask<{ mebibytes: number }>({ op: "memory", ...task, ...more })).mebibytes;
  }

  /** Ends the process: what it has open it closes, if that does not take long. */
  close(): void {
    this.#process.stdin.end();
    const late = setTimeout(() => this.kill(), 3000);
    this.#process.once("exit", () => clearTimeout(late));
    late.unref();
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** The answer to a request. @param seconds how long it may take */
  async ask<T>(request: object, seconds?: number): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    let late = false;
    const limit = seconds && setTimeout(() => this.#late(() => (late = true)), seconds * 1000);
    const line = await this.#lines.next();
    clearTimeout(limit || undefined);
    if (late) throw new Error(`was not ready after ${seconds} s`);
    if (line.done)
      throw new Error(`its process ended: ${this.#complaint.trim().split("\n").at(-1) || "no reason given"}`);
    const reply = JSON.parse(line.value);
    if (!reply.ok) throw new Error(reply.error);
    return reply;
  }

  #late(note: () => void): void {
    note();
    this.#process.kill("SIGKILL");
  }
}
