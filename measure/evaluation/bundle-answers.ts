// A bundle that answers episodes: in this thread, or in several beside it with a learner each, since a run of ONNX Runtime blocks the
// thread that calls it.
import { availableParallelism } from "node:os";
import { Learner, type PictureSettings, type ProviderChoice } from "@innerloop/runtime";
import { WorkerThread } from "@innerloop/runtime/threads";
import type { Manifest, Tensor } from "@innerloop/schemas";
import { InPlace, shared } from "@innerloop/train";
import { wrongCall } from "../refusal.ts";
import { Answerer } from "./episode-answers.ts";
import type { EvaluationOptions } from "./evaluation.ts";
import { kernelsBy } from "./kernels.ts";
import type { Answers, Question } from "./question.ts";

type Kernels = ReturnType<typeof kernelsBy>;

/** Where a bundle answers, and by what. */
export interface AnswerOptions extends Pick<EvaluationOptions, "provider" | "kernels" | "workers" | "naming"> {
  /** What of the preprocessing of pictures is another than the bundle's. */
  readonly pictures?: PictureSettings | undefined;
}

/** A thread with fewer episodes than this costs more to start than it saves. */
const leastShare = 8;

/** Bytes of a model whose episodes take less time than messages about them, and of a bundle that is better in memory only once. */
const [small, large] = [100_000, 2 ** 27];

/** So many episodes are with a thread at a time, so that it has the next one when it is done. */
const ahead = 2;

/** How many threads are worth it for so many episodes. */
function usefulThreads({ files }: Manifest, episodes: number): number {
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  if (files["predict.onnx"].bytes + (files["weights.bin"]?.bytes ?? 0) < small || bytes > large) return 0;
  const useful = Math.min(availableParallelism(), Math.floor(episodes / leastShare));
  return useful > 1 ? useful : 0;
}

/** A question with what was answered, after each of its numbers of steps. */
export interface Answered<Q extends Question> {
  readonly question: Q;
  readonly answers: readonly Answers[];
}

/**
 * A bundle that adapts to episodes and answers their queries, over worker threads where that is quicker. The answers are the same
 * for any number of these.
 *
 * @example
 * const bundle = await BundleAnswers.open("bundle");
 * const questions = episodes.map(({ support, query }) => ({ support, query: query.x, ways: 5, steps: [5] }));
 * for await (const { question, answers } of bundle.each(questions, questions.length)) score(question, answers[0].queries);
 * await bundle.dispose();
 */
export class BundleAnswers {
  readonly #place: string;
  readonly #learner: Learner;
  readonly #answerer: Answerer;
  readonly #workers: number | undefined;
  readonly #kernels: Kernels;
  readonly #threads: WorkerThread<Question, Answers[]>[] = [];
  /** Where questions lay that were with a thread. */
  #places: InPlace[] = [];

  private constructor(place: string, learner: Learner, kernels: Kernels, workers: number | undefined) {
    this.#place = place;
    this.#learner = learner;
    this.#answerer = new Answerer(learner, place, kernels);
    this.#kernels = kernels;
    this.#workers = workers;
  }

  /**
   * @param bundle its folder, or its address in a network
   * @throws InnerloopError what `Learner.load` throws; `no-effect` (status 2) for threads or kernels where it does not run on the processor;
   *   `kernels-missing` (status 2) for kernels that are not built
   */
  static async open(bundle: string, options: AnswerOptions = {}): Promise<BundleAnswers> {
    const { provider = "auto", pictures, workers, naming = (setting: string) => setting } = options;
    const kernels = kernelsBy(options.kernels, naming);
    const how = { provider, threads: 1, ...kernels, ...(pictures ? { pictures } : {}) };
    const learner: Learner = await Learner.load(bundle, how);
    const { name } = learner.provider;
    const onProcessor = name === "cpu";
    const idle = workers ? "workers" : options.kernels && "kernels";
    if (onProcessor || !idle) return new BundleAnswers(bundle, learner, kernels, onProcessor ? workers : 0);
    await learner.dispose();
    const because = workers ? ", which threads do not share" : "";
    throw wrongCall(
      "no-effect",
      `${naming(idle)} has no effect here: the bundle runs on ${name}${because}. Leave it out, or take the ` +
        `processor (${naming("provider")} cpu).`,
    );
  }

  get manifest(): Manifest {
    return this.#learner.manifest;
  }

  get provider(): ProviderChoice {
    return this.#learner.provider;
  }

  /**
   * Answers questions in their order. They are drawn as they are needed, and no more of them are held than threads work on.
   *
   * @param count how many are to come, about
   * @throws InnerloopError what `Learner.adapt` and `Personal.predictBatch` throw; `worker-failed` where a thread ended
   */
  async *each<Q extends Question>(questions: Iterable<Q>, count: number): AsyncGenerator<Answered<Q>> {
    const threads = this.#start(count);
    const answered = async (question: Q, i: number): Promise<Answered<Q>> => {
      const thread = threads[i % threads.length];
      const answers = await (thread ? thread.ask(sent(question, placeOf(i))) : this.#answerer.answer(question));
      return { question, answers };
    };
    const most = Math.max(1, ahead * threads.length);
    const places = this.#places;
    this.#places = [];
    // As many questions later this one is answered.
    const placeOf = (i: number): InPlace => {
      places[i % most] ??= new InPlace(shared);
      return places[i % most]!;
    };
    const asked: Promise<Answered<Q>>[] = [];
    try {
      let i = 0;
      for (const question of questions) {
        const answering = answered(question, i++);
        // What fails is said in its turn.
        answering.catch(() => {});
        asked.push(answering);
        if (asked.length === most) yield await asked.shift()!;
      }
      while (asked.length > 0) yield await asked.shift()!;
    } finally {
      await Promise.allSettled(asked);
      this.#places = places;
    }
  }

  #start(count: number): readonly WorkerThread<Question, Answers[]>[] {
    const wanted = this.#workers ?? usefulThreads(this.manifest, count);
    const program = new URL("./answering-thread.js", import.meta.url);
    while (this.#threads.length < wanted)
      this.#threads.push(new WorkerThread(program, { bundle: this.#place, native: "kernels" in this.#kernels }));
    return this.#threads.slice(0, wanted);
  }

  /** Ends the threads when they have answered, and frees the models. */
  async dispose(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await this.#answerer.dispose();
  }
}

/** Of a question what a thread is to know, in memory that both see: to write it there takes less time than to send it. */
function sent({ support, query, ways, steps, outsiders, transductive }: Question, place: InPlace): Question {
  place.write({ ...support, query, ...(outsiders ? { outsiders } : {}) });
  const { x, y, ...rest } = place.tensors as Record<"x" | "y" | "query", Tensor>;
  return { support: { x, y }, ...rest, ways, steps, transductive };
}
