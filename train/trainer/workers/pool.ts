// Worker threads that run tasks side by side: ONNX Runtime blocks the thread that calls it, and one session a core
// scales better on small convolutions than its own threads do.
import { WorkerThread } from "@innerloop/runtime/threads";
import type { Adding, ProgramBytes } from "../../engines/engine.ts";
import type { Tensors } from "../state.ts";
import { InPlace, own, shared } from "./in-place.ts";
import type { Answer, Job, Placed, Request } from "./messages.ts";

/** Numbers that all threads see, and which writing of them it is. */
interface Everyones {
  readonly tensors: Tensors;
  readonly version: number;
}

class Thread {
  readonly #thread: WorkerThread<Request, Answer>;
  readonly #programs = new Map<string, Promise<unknown>>();
  #parameters: Everyones = { tensors: {}, version: 0 };
  /** What the first, second, … job of sums is fed. */
  readonly #feeds: InPlace[] = [];

  constructor(engine: string) {
    this.#thread = new WorkerThread(new URL("./worker.js", import.meta.url), { engine });
  }

  /** Opens a program, where it is not open. @param program is asked for only then */
  async open(name: string, program: () => Opening): Promise<void> {
    const opened = this.#programs.get(name) ?? this.#thread.ask({ kind: "program", name, ...program() });
    this.#programs.set(name, opened);
    await opened;
  }

  async forget(name: string): Promise<void> {
    if (this.#programs.delete(name)) await this.#thread.ask({ kind: "forget", name });
  }

  /** Does jobs whose programs are open. */
  run(jobs: readonly Job[], sum: boolean, parameters: Everyones): Promise<Answer> {
    const { tensors, version } = this.#parameters;
    this.#parameters = parameters;
    const changed = version !== parameters.version;
    const moved = tensors === parameters.tensors ? {} : { parameters: parameters.tensors };
    if (!sum) return this.#thread.ask({ kind: "run", jobs, changed, ...moved });
    return this.#thread.ask({ kind: "sum", jobs: jobs.map((job, i) => this.#placed(job, i)), changed, ...moved });
  }

  /** Sums are taken again and again, of tensors of the same sizes: to write them into the same memory takes less time than to send them. */
  #placed({ program, feeds }: Job, i: number): Placed {
    this.#feeds[i] ??= new InPlace(shared);
    const before = this.#feeds[i].tensors;
    this.#feeds[i].write(feeds);
    const { tensors } = this.#feeds[i];
    return tensors === before ? { program } : { program, feeds: tensors };
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** A program that threads open. */
interface Opening {
  readonly program: ProgramBytes;
  readonly threads: number;
}

/**
 * Threads that have parameters and programs in common. A thread is started when it gets its first job, or is going to, and opens a program
 * with the first job for it.
 */
export class Pool {
  /** The most threads. */
  readonly size: number;
  readonly #engine: string;
  readonly #adding: Adding | undefined;
  readonly #threads: Thread[] = [];
  readonly #programs = new Map<string, Opening>();
  readonly #shared = new InPlace(shared);
  readonly #sums = new InPlace(own);
  #version = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @param engine the name of one whose programs can go to threads @param adding its way to add numbers, where it has one */
  constructor(size: number, engine: string, adding?: Adding) {
    this.size = size;
    this.#engine = engine;
    this.#adding = adding;
  }

  /** Starts the threads that so many jobs will take, so that they load while the caller makes what they are to run. */
  start(jobs: number): void {
    while (this.#threads.length < Math.min(this.size, jobs)) this.#threads.push(new Thread(this.#engine));
  }

  /** Takes a program that jobs name. @param threads of one run of it, in each of the pool's */
  add(name: string, program: ProgramBytes, threads = 1): void {
    this.#programs.set(name, { program, threads });
  }

  /** Closes a program where it is open. */
  async forget(name: string): Promise<void> {
    this.#programs.delete(name);
    await this.#exclusively(() => Promise.all(this.#threads.map((thread) => thread.forget(name))));
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
      for (const other of others) this.#sums.add(other, this.#adding);
      return this.#sums.tensors;
    });
  }

  /** Waits for the work before. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #run(jobs: readonly Job[], sum: boolean, parameters: Tensors | undefined): Promise<(readonly Tensors[])[]> {
    if (parameters) {
      this.#shared.write(parameters);
      this.#version++;
    }
    const everyones = { tensors: this.#shared.tensors, version: this.#version };
    this.start(jobs.length);
    const shares = this.#threads.map((_, at) => jobs.filter((_, i) => i % this.size === at));
    const working = this.#threads.map(async (thread, at) => {
      const share = shares[at]!;
      if (share.length === 0) return [];
      const programs = new Set(share.map(({ program }) => program));
      await Promise.all([...programs].map((name) => thread.open(name, () => this.#opening(name))));
      return thread.run(share, sum, everyones);
    });
    // What fails in one thread is said when all have ended, so that none is still at work for what comes after.
    await Promise.allSettled(working);
    return Promise.all(working);
  }

  /** For the next thread that opens a program; the first one keeps it, where that is wanted. */
  #opening(name: string): Opening {
    const opening = this.#programs.get(name)!;
    const { keepAs: _, ...others } = opening.program;
    this.#programs.set(name, { ...opening, program: others });
    return opening;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}
