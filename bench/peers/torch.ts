// PyTorch as a peer: starts torch_peer.py and speaks its JSON lines, so that its runs can alternate with ours.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { WorkloadCase } from "./data.ts";

/** What a workload computes, for the check that both sides compute the same; torch_peer.py says what each number is. */
export interface PeerResult {
  readonly losses: readonly number[];
  readonly projections: Readonly<Record<string, number>>;
  /** A difference between projections counts relative to these. */
  readonly norms: Readonly<Record<string, number>>;
}

export interface Prepared {
  readonly workload: string;
  readonly threads: number;
  readonly torch: string;
  /** The way of writing the workload that was fastest, and so is the one that runs. */
  readonly variant: string;
  /** The least milliseconds of each way. */
  readonly variants: Readonly<Record<string, number>>;
  readonly float32: PeerResult;
  readonly float64: PeerResult;
  readonly case: WorkloadCase;
}

/** A running peer. One request at a time. */
export class TorchPeer {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  #complaint = "";

  private constructor(python: string) {
    // The script stays beside its source; this file also runs compiled, from dist/peers.
    const script = ["./torch_peer.py", "../../peers/torch_peer.py"]
      .map((path) => fileURLToPath(new URL(path, import.meta.url)))
      .find((path) => existsSync(path));
    this.#process = spawn(python, [script ?? "torch_peer.py"], { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.on("error", (error) => {
      this.#complaint += error.message;
    });
    // Writing to a peer that has ended fails here; the request then reports why it ended.
    this.#process.stdin.on("error", () => {});
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint += text;
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Starts the peer and waits until it answers.
   * @param python an interpreter with PyTorch and numpy
   * @throws Error that says why there is no peer: no interpreter, no PyTorch
   */
  static async start(python: string = process.env.INNERLOOP_PYTHON ?? "python3"): Promise<TorchPeer> {
    const peer = new TorchPeer(python);
    await peer.workloads();
    return peer;
  }

  async workloads(): Promise<string[]> {
    const reply = await this.#ask<{ workloads: string[] }>({ op: "list" });
    return reply.workloads;
  }

  /** Makes the data, times the ways of writing the workload, and keeps the fastest. Takes seconds. */
  prepare(workload: string, threads: number): Promise<Prepared> {
    return this.#ask({ op: "prepare", workload, threads });
  }

  /** Runs a prepared workload `times` times: milliseconds of each. */
  async run(workload: string, times: number): Promise<number[]> {
    const reply = await this.#ask<{ milliseconds: number[] }>({ op: "run", workload, times });
    return reply.milliseconds;
  }

  /** The most memory that a process with this peer holds for one way of a workload, in MiB. Ask a peer just started. */
  async memory(workload: string, threads: number, variant: string): Promise<number> {
    const reply = await this.#ask<{ mebibytes: number }>({ op: "memory", workload, threads, variant });
    return reply.mebibytes;
  }

  /** Ends the process. */
  close(): void {
    this.#process.stdin.end(`${JSON.stringify({ op: "quit" })}\n`);
  }

  async #ask<T>(request: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done) {
      const lastWord = this.#complaint.trim().split("\n").at(-1);
      throw new Error(`the PyTorch peer ended: ${lastWord || "it gave no reason"}`);
    }
    const reply = JSON.parse(line.value);
    if (!reply.ok) throw new Error(`the PyTorch peer refused: ${reply.error}`);
    return reply;
  }
}
