// The door `@innerloop/runtime/threads`, Node only: worker threads that answer one request after another. A run of ONNX Runtime
// blocks the thread that calls it, so that only threads overlap.
import { parentPort, Worker } from "node:worker_threads";
import { InnerloopError, type InnerloopErrorOptions } from "@innerloop/schemas/bundle";

/** What a thread says to a request: one for each, in order. */
type Reply<Answer> =
  | { readonly kind: "done"; readonly answer: Answer }
  | {
      readonly kind: "failed";
      readonly message: string;
      readonly code?: string;
      readonly exitStatus?: InnerloopErrorOptions["exitStatus"];
    };

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A thread whose program calls {@link answerRequests}. It keeps the process alive only while it works. */
export class WorkerThread<Request, Answer> {
  readonly #worker: Worker;
  readonly #pending: Pending<Answer>[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #broken: InnerloopError | undefined;

  /** @param data what the program finds as `workerData` */
  constructor(program: URL, data: unknown) {
    this.#worker = new Worker(program, { workerData: data });
    this.#worker.on("message", (reply: Reply<Answer>) => {
      const { resolve, reject } = this.#pending.shift()!;
      if (reply.kind === "done") resolve(reply.answer);
      else {
        const { message, code = "worker-failed", exitStatus = 1 } = reply;
        reject(new InnerloopError(code, message, { exitStatus }));
      }
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

  /** @throws InnerloopError what the thread threw; `worker-failed` where it ended */
  ask(request: Request): Promise<Answer> {
    if (this.#broken) return Promise.reject(this.#broken);
    const answer = new Promise<Answer>((resolve, reject) => {
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

/** What the program of a {@link WorkerThread} does: it answers the requests, one after another. */
export function answerRequests<Request, Answer>(answer: (request: Request) => Promise<Answer>): void {
  const reply = (request: Request): Promise<Reply<Answer>> =>
    answer(request).then(
      (answered) => ({ kind: "done", answer: answered }),
      (error: unknown) => ({
        kind: "failed",
        message: error instanceof Error ? error.message : String(error),
        ...(error instanceof InnerloopError ? { code: error.code, exitStatus: error.exitStatus } : {}),
      }),
    );
  let last: Promise<void> = Promise.resolve();
  parentPort!.on("message", (request: Request) => {
    last = last.then(async () => parentPort!.postMessage(await reply(request)));
  });
}
