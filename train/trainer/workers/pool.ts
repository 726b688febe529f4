// Worker threads that run tasks side by side: ONNX Runtime blocks the thread that calls it, and one session a core
// scales better on small convolutions than its own threads do.
import { Worker } from "node:worker_threads";
import { InnerloopError } from "@innerloop/schemas";
import type { ProgramBytes } from "../../engines/engine.ts";
import type { Tensors } from "../state.ts";
import { InPlace, own, shared } from "./in-place.ts";
import type { Job, Reply, Request } from "./messages.ts";

interface Pending {
  readonly resolve: (results: readonly Tensors[]) => void;
  readonly reject: (error: Error) => void;
}

class Thread {
  readonly #worker: Worker;
  readonly #pending: Pending[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #broken: InnerloopError | undefined;

  constructor(engine: string) {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: { engine } });
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
    const answer = new Promise<readonly Tensors[]>((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** Ends the thread when it has answered: ONNX Runtime does not survive being stopped in the middle of a run. */
  async close(): Promise<void> {
    await this.#last;
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
  }
}

/** A pool of threads with the same programs and parameters. */
export class Pool {
  readonly #threads: readonly Thread[];
  readonly #parameters = new InPlace(shared);
  readonly #sums = new InPlace(own);
  #last: Promise<unknown> = Promise.resolve();

  /** @param engine the name of one whose programs can go to threads */
  constructor(size: number, engine: string) {
    this.#threads = Array.from({ length: size }, () => new Thread(engine));
  }

  get size(): number {
    return this.#threads.length;
  }

  /** Opens a program in every thread; the first one keeps it, where that is wanted. */
  async open(name: string, program: ProgramBytes): Promise<void> {
    const { keepAs: _, ...others } = program;
    await Promise.all(
      this.#threads.map((thread, i) => thread.ask({ kind: "program", name, program: i === 0 ? program : others })),
    );
  }

  /**
   * Does jobs; the outputs of each, in order.
   * @param parameters the inputs that all jobs share, from now on; those from before where they are left out
   */
  async map(jobs: readonly Job[], parameters?: Tensors): Promise<Tensors[]> {
    const parts = await this.#exclusively(() => this.#run(jobs, false, parameters));
    const results: Tensors[] = new Array(jobs.length);
    parts.forEach((part, thread) => {
      part.forEach((result, i) => {
        results[thread + i * this.size] = result;
      });
    });
    return results;
  }

  /**
   * Does jobs with the same outputs; the sum of each output. The order of adding does not depend on timing.
   * @returns arrays that the next sums are written into
   */
  async sum(jobs: readonly Job[], parameters?: Tensors): Promise<Tensors> {
    // What threads have summed lies in their memory, to be overwritten by the next sums: it is added up before these begin.
    return this.#exclusively(async () => {
      const [first, ...others] = (await this.#run(jobs, true, parameters)).flat();
      this.#sums.write(first!);
      for (const other of others) this.#sums.add(other);
      return this.#sums.tensors;
    });
  }

  /** Waits for the work before. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  #run(jobs: readonly Job[], sum: boolean, parameters: Tensors | undefined): Promise<(readonly Tensors[])[]> {
    const inPlace = parameters === undefined || this.#parameters.write(parameters);
    const changed = parameters !== undefined;
    const others = inPlace ? {} : { parameters: this.#parameters.tensors };
    return Promise.all(
      this.#threads.map((thread, at) => {
        const share = jobs.filter((_, i) => i % this.size === at);
        if (share.length === 0 && !changed) return [];
        return thread.ask({ kind: "run", jobs: share, sum, changed, ...others });
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}
