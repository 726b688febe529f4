// How a bundle answers an episode: adapted to its support set by some steps, then asked all of its queries at once.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Learner, supportSpread } from "@innerloop/runtime";
import { type ModelSession, openOwn, openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { isClose, isHeadAlone, logitsByHeads } from "./heads-together.ts";
import type { kernelsBy } from "./kernels.ts";
import { none, pick, predicts, rowsOf, type State } from "./logits.ts";
import { type OwnAdapted, OwnAnswers } from "./own-answers.ts";
import type { Answers, Question } from "./question.ts";

type Kernels = ReturnType<typeof kernelsBy>;

const isAddress = (place: string): boolean => /^(https?|file):/i.test(place);

/** A file of a bundle, which is a folder or an address. */
const within = (place: string, file: string): string =>
  isAddress(place) ? new URL(file, place.replace(/\/?$/, "/")).href : join(place, file);

const batchOf = ({ data, shape }: Tensor) => ({ data: data as Float32Array, shape });

/** What a learner became for an episode. */
interface Adapted extends OwnAdapted {
  /** The logits of some examples by the files of the bundle that an application runs. */
  logits(x: Tensor): Promise<Float32Array>;
}

/** Answers for a bundle that is open. */
export class Answerer {
  readonly #learner: Learner;
  readonly #place: string;
  readonly #kernels: Kernels["kernels"];
  #own: Promise<OwnAnswers | undefined> | undefined;
  readonly #sessions = new Map<string, Promise<ModelSession>>();
  /** Whether a logit depends on the numbers of its own class alone, which the first question tells. */
  #classesApart: boolean | "perhaps";

  /**
   * @param place the bundle's folder
   * @param how what the learner was loaded with
   */
  constructor(learner: Learner, place: string, { kernels }: Kernels) {
    this.#learner = learner;
    this.#place = place;
    this.#kernels = kernels;
    this.#classesApart = isHeadAlone(learner.manifest) && "perhaps";
  }

  /** The answers after each number of steps. */
  async answer(question: Question): Promise<Answers[]> {
    if (this.#learner.manifest.task === "regression") {
      const values: Answers[] = [];
      for (const steps of question.steps) values.push(await this.#values(question, steps));
      return values;
    }
    const own = question.transductive === undefined ? await this.#ownAnswers() : undefined;
    const adapted: Adapted[] = [];
    for (const steps of question.steps.slice(0, -1)) {
      const after = own?.adapted(question, steps);
      const logits = async (x: Tensor) => own!.logits(after!, x) ?? (await this.#adapted(question, steps)).logits(x);
      adapted.push(after ? { ...after, logits } : await this.#adapted(question, steps));
    }
    const answers = await this.#logitsBetween(question, adapted);
    for (const steps of question.steps.slice(-1))
      answers.push(
        own?.answers(question, steps) ?? (await this.#lastLogits(question, await this.#adapted(question, steps))),
      );
    return answers;
  }

  /** A regression's values, adapted by some steps. */
  async #values({ support, query }: Question, steps: number): Promise<Answers> {
    // The runtime's types tell the two tasks apart when a bundle is loaded; here its manifest does.
    const regression = this.#learner as unknown as Learner<"regression">;
    const personal = await regression.adapt({ x: batchOf(support.x), y: batchOf(support.y) }, { steps });
    const values = await personal.predictBatch(batchOf(query));
    return { queries: Float32Array.from(values.flatMap(({ value }) => value)), outsiders: none };
  }

  async #adapted({ support, ways }: Question, steps: number): Promise<Adapted> {
    const { labels: names } = this.#learner.manifest;
    const nameOf = (label: number) => names?.[label] ?? String(label);
    const labels = Array.from(support.y.data as Int32Array, nameOf);
    const personal = await this.#learner.adapt({ ...batchOf(support.x), labels }, { steps });
    const places = Array.from({ length: ways }, (_, way) => personal.labels.indexOf(nameOf(way)));
    return {
      state: personal.state,
      columns: names ? places.map((_, way) => way) : places,
      logits: async (x) => {
        const rows = await personal.predictBatch(batchOf(x));
        return Float32Array.from(rows.flatMap(({ logits }) => places.map((place) => logits[place]!)));
      },
    };
  }

  /** A classification's logits after all numbers of steps but the last. */
  async #logitsBetween({ query, transductive }: Question, adapted: readonly Adapted[]): Promise<Answers[]> {
    const [first] = adapted;
    if (first && adapted.length > 1 && transductive === undefined && this.#classesApart) {
      const states = adapted.map(({ state }) => state);
      const logits = await logitsByHeads(await this.#session(predicts), states, query, first.columns);
      const alone = this.#classesApart === "perhaps" ? await this.#logits(first, query) : undefined;
      this.#classesApart = !alone || isClose(logits[0]!, alone);
      if (this.#classesApart) return logits.map((queries) => ({ queries, outsiders: none }));
    }
    const answers: Answers[] = [];
    for (const after of adapted)
      answers.push({ queries: await this.#logits(after, query, transductive), outsiders: none });
    return answers;
  }

  /** A classification's logits after the last number of steps, and what its confidence is judged by. */
  async #lastLogits({ support, query, outsiders, transductive }: Question, after: Adapted): Promise<Answers> {
    const queries = await this.#logits(after, query, transductive);
    if (transductive !== undefined) return { queries, outsiders: none };
    const answers = { queries, outsiders: outsiders ? await this.#logits(after, outsiders) : none };
    if (!this.#learner.manifest.confidence?.spread) return answers;
    const rows = rowsOf(await this.#logits(after, support.x), after.columns.length);
    return { ...answers, spread: supportSpread(rows, Array.from(support.y.data as Int32Array)) };
  }

  async #logits({ state, columns, ...after }: Adapted, x: Tensor, transductive?: string): Promise<Float32Array> {
    if (transductive === undefined) return after.logits(x);
    return logitsOf(await this.#session(transductive), state, x, columns);
  }

  #ownAnswers(): Promise<OwnAnswers | undefined> {
    this.#own ??= this.#onKernels
      ? OwnAnswers.open(this.#kernels!, this.#place, this.#learner.manifest)
      : Promise.resolve(undefined);
    return this.#own;
  }

  #session(file: string): Promise<ModelSession> {
    const opened = this.#sessions.get(file) ?? this.#open(file);
    this.#sessions.set(file, opened);
    return opened;
  }

  async #open(file: string): Promise<ModelSession> {
    const path = within(this.#place, file);
    const how = { provider: this.#learner.provider, threads: 1 };
    const usual = () => openSession(path, how);
    if (!this.#onKernels) return usual();
    const apart = file === predicts ? { apart: "query_x" } : {};
    return openOwn(this.#kernels!, await readFile(path), { ...how, ...apart }, usual);
  }

  get #onKernels(): boolean {
    return this.#kernels !== undefined && this.#learner.provider.name === "cpu" && !isAddress(this.#place);
  }

  async dispose(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).dispose();
    await this.#learner.dispose();
  }
}

async function logitsOf(
  session: ModelSession,
  state: State,
  { data, ...query }: Tensor,
  columns: readonly number[],
): Promise<Float32Array> {
  const fed = Object.entries(state).filter(([name]) => session.inputs.includes(name));
  // A copy: ONNX Runtime takes no arrays over memory that threads share.
  const feeds = { ...Object.fromEntries(fed), query_x: { ...query, data: data.slice() } };
  const { logits } = await session.run(feeds, ["logits"]);
  return pick(logits!, columns);
}
