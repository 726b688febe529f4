// Worker threads that run tasks side by side: ONNX Runtime blocks the thread that calls it, and one session a core
// scales better on small convolutions than its own threads do.
import { Worker } from "node:worker_threads";
import { InnerloopError } from "@innerloop/schemas";
import type { Reply, Request, Tensors } from "./messages.ts";

interface Pending {
  readonly resolve: (results: readonly Tensors[]) => void;
  readonly reject: (error: Error) => void;
}

class Thread {
  readonly #worker = new Worker(new URL("./worker.js", import.meta.url));
  readonly #pending: Pending[] = [];
  #broken: InnerloopError | undefined;

  constructor() {
    this.#worker.on("message", (reply: Reply) => {
      const { resolve, reject } = this.#pending.shift()!;
      if (reply.kind === "done") resolve(reply.results ?? []);
      else reject(new InnerloopError(reply.code ?? "worker-failed", reply.message));
      if (this.#pending.length === 0) this.#worker.unref();
    });
    this.#worker.on("error", (error) => this.#fail(`A worker thread stopped: ${error.message}`));
    this.#worker.on("exit", (status) =>
      this.#fail(`A worker thread ended with status ${status}; there may be too little memory: try fewer workers.`),
    );
    this.#worker.unref();
  }

  #fail(message: string): void {
    this.#broken ??= new InnerloopError("worker-failed", message);
    for (const { reject } of this.#pending.splice(0)) reject(this.#broken);
  }

  ask(request: Request): Promise<readonly Tensors[]> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
  }
}

/** A pool of threads with the same programs and parameters. */
export class Pool {
  readonly #threads: readonly Thread[];

  constructor(size: number) {
    this.#threads = Array.from({ length: size }, () => new Thread());
  }

  get size(): number {
    return this.#threads.length;
  }

  /** Opens a program, given as the bytes that the engine made of it, in every thread. */
  async open(name: string, bytes: Uint8Array): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ask({ kind: "program", name, bytes })));
  }

  /** Gives every thread the inputs that all tasks share. */
  async share(parameters: Tensors): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ask({ kind: "parameters", parameters })));
  }

  /** Runs a program on every task; the outputs of each, in order. */
  async map(program: string, tasks: readonly Tensors[]): Promise<Tensors[]> {
    const parts = await this.#run(program, tasks, false);
    const results: Tensors[] = new Array(tasks.length);
    parts.forEach((part, thread) => {
      part.forEach((result, i) => {
        results[thread + i * this.size] = result;
      });
    });
    return results;
  }

  /** Runs a program on every task; the sum of each output over the tasks. The order of adding does not depend on timing. */
  async sum(program: string, tasks: readonly Tensors[]): Promise<Tensors> {
    const [first, ...others] = (await this.#run(program, tasks, true)).flat();
    for (const other of others)
      for (const [name, { data }] of Object.entries(other)) {
        const into = first![name]!.data as Float32Array;
        for (let i = 0; i < into.length; i++) into[i]! += (data as Float32Array)[i]!;
      }
    return first!;
  }

  #run(program: string, tasks: readonly Tensors[], sum: boolean): Promise<(readonly Tensors[])[]> {
    const shares = this.#threads.map((_, thread) => tasks.filter((_, i) => i % this.size === thread));
    return Promise.all(
      shares.map((own, thread) =>
        own.length === 0 ? [] : this.#threads[thread]!.ask({ kind: "run", program, tasks: own, sum }),
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}
