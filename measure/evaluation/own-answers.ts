// A bundle's models on kernels of our own, asked for what an evaluation reads and nothing else. The runtime copies each example and looks at it, keeps
// for later calls what it made, and tells the loss after the last step and probabilities: a tenth of the time of an episode. What is not plain is left to it;
// it says what is wrong.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { kernelsHere, type native } from "@innerloop/native";
import { supportSpread } from "@innerloop/runtime";
import { type Manifest, sizeOf, type Tensor } from "@innerloop/schemas";
import { most, none, pick, predicts, rowsOf, type State } from "./logits.ts";
import type { Answers, Question } from "./question.ts";

type Native = typeof native;
type Model = NonNullable<ReturnType<Native["open"]>>;

/** What has the weights of both models, where they are not in them. */
const weightsFile = "weights.bin";

/** Steps that the runtime takes in one run. */
const mostSteps = 16;

/** What a learner became for an episode, and which of its logits each of the episode's labels has. */
export interface OwnAdapted {
  readonly state: State;
  readonly columns: readonly number[];
}

export class OwnAnswers {
  readonly #manifest: Manifest;
  readonly #adapt: Model;
  readonly #predict: Model;
  readonly #areFinite: (numbers: Float32Array) => boolean;
  /** The parameters that adapting changes, each with the output that it comes as. */
  readonly #moving: readonly (readonly [name: string, output: string])[];

  private constructor(manifest: Manifest, adapt: Model, predict: Model, areFinite: (numbers: Float32Array) => boolean) {
    this.#manifest = manifest;
    this.#adapt = adapt;
    this.#predict = predict;
    this.#areFinite = areFinite;
    this.#moving = manifest.parameters.flatMap(({ name, adapted }) => (adapted ? [[name, `adapted/${name}`]] : []));
  }

  /** @returns nothing where the runtime is to answer all */
  static async open(kernels: Native, folder: string, manifest: Manifest): Promise<OwnAnswers | undefined> {
    const areFinite = kernelsHere()?.finite;
    if (!areFinite || manifest.task === "regression") return undefined;
    const beside = manifest.files[weightsFile] ? { [weightsFile]: join(folder, weightsFile) } : {};
    const adapt = kernels.open(await readFile(join(folder, "adapt.onnx")), { threads: 1, beside });
    const predict = kernels.open(await readFile(join(folder, predicts)), { threads: 1, apart: "query_x", beside });
    return adapt && predict && new OwnAnswers(manifest, adapt, predict, areFinite);
  }

  /** Adapted by some steps; nothing where the runtime is to do it. */
  adapted(question: Question, steps: number): OwnAdapted | undefined {
    return this.#adapted(question, steps, false);
  }

  /** The answers after some steps, with what confidence is judged by; nothing where the runtime is to give them. */
  answers(question: Question, steps: number): Answers | undefined {
    const { support, query, outsiders } = question;
    // Nobody adapts before all is answered.
    const after = this.#adapted(question, steps, true);
    const queries = after && this.logits(after, query);
    const others = outsiders ? after && this.logits(after, outsiders) : none;
    if (!queries || !others) return undefined;
    const answers = { queries, outsiders: others };
    if (!this.#manifest.confidence?.spread) return answers;
    const logits = this.logits(after, support.x);
    const labels = Array.from(support.y.data as Int32Array);
    return logits && { ...answers, spread: supportSpread(rowsOf(logits, after.columns.length), labels) };
  }

  /** Finite logits; nothing where the runtime is to give them. */
  logits({ state, columns }: OwnAdapted, x: Tensor): Float32Array | undefined {
    if (!this.#isPlain(x)) return undefined;
    const given = this.#predict.run({ ...state, query_x: x }, ["logits"], true);
    const logits = given?.logits && pick(given.logits, columns);
    return logits && this.#areFinite(logits) ? logits : undefined;
  }

  #adapted({ support: { x, y }, ways }: Question, steps: number, lent: boolean): OwnAdapted | undefined {
    const columns = this.#columnsOf(y.data as Int32Array, ways);
    if (!columns || steps > mostSteps || !this.#isPlain(x) || hasBlank(x)) return undefined;
    const feeds = {
      support_x: x,
      support_y: {
        dtype: "int32",
        shape: y.shape,
        data: Int32Array.from(y.data as Int32Array, (label) => columns[label]!),
      },
      steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
    } as const;
    const outputs = this.#moving.map(([, output]) => output);
    const given = this.#adapt.run(feeds, outputs, lent);
    if (!given) return undefined;
    const state: Record<string, Tensor> = {};
    for (const [name, output] of this.#moving) state[name] = given[output]!;
    // What diverged is said by the runtime.
    return Object.values(state).every(({ data }) => this.#areFinite(data as Float32Array))
      ? { state, columns }
      : undefined;
  }

  /** The logit of each label, as the runtime has them: in the order in which labels come, or of the bundle's own. Nothing where a label is not among the examples. */
  #columnsOf(labels: Int32Array, ways: number): readonly number[] | undefined {
    const seen = [...new Set(labels)];
    const { output, labels: fixed } = this.#manifest;
    const right = seen.length === ways && ways > 1 && seen.every((label) => label >= 0 && label < ways);
    if (!right || ways > (fixed?.length ?? output.ways ?? ways)) return undefined;
    return Array.from({ length: ways }, (_, way) => (fixed ? way : seen.indexOf(way)));
  }

  #isPlain({ shape, data }: Tensor): boolean {
    const { input } = this.#manifest;
    if (data.length === 0 || data.length > most) return false;
    const fits = shape.length === input.shape.length + 1 && input.shape.every((size, axis) => shape[axis + 1] === size);
    return fits && data instanceof Float32Array && data.length === sizeOf(shape) && this.#areFinite(data);
  }
}

/** Whether an example is one number throughout, which the runtime may refuse. */
function hasBlank({ shape, data }: Tensor): boolean {
  const size = data.length / shape[0]!;
  for (let at = 0; at < data.length; at += size)
    if ((data as Float32Array).subarray(at, at + size).every((number) => number === data[at])) return true;
  return false;
}
