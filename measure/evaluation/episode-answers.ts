// How a bundle answers an episode: adapted to its support set by some steps, then asked all of its queries at once.
import { type Learner, supportSpread } from "@innerloop/runtime";
import type { Session } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import type { Episode } from "@innerloop/train";
import { rowsOf } from "./confidence.ts";

/** A bundle that is measured. */
export interface MeasuredBundle {
  readonly learner: Learner;
  /** Answers the queries by their batch's own statistics, where that is asked for. */
  readonly transductiveSession?: Session | undefined;
}

/** Answers as logits `[n · ways]` (a regression: values `[n · outputs]`), in the order of the episode's labels. */
export interface Answers {
  readonly queries: Float32Array;
  /** To examples of other classes; of the last step alone. */
  readonly outsiders: Float32Array;
  /** Of the support set, as `supportSpread` measures it; where the bundle's confidence goes by it. */
  readonly spread?: number;
}

const none = new Float32Array(0);

const batchOf = ({ data, shape }: Tensor) => ({ data: data as Float32Array, shape });

/** A regression's values, adapted by some steps. */
export async function regressionAnswers(
  { learner }: MeasuredBundle,
  { support, query }: Episode,
  steps: number,
): Promise<Answers> {
  // The runtime's types tell the two tasks apart when a bundle is loaded; here its manifest does.
  const regression = learner as unknown as Learner<"regression">;
  const personal = await regression.adapt({ x: batchOf(support.x), y: batchOf(support.y) }, { steps });
  const values = await personal.predictBatch(batchOf(query.x));
  return { queries: Float32Array.from(values.flatMap(({ value }) => value)), outsiders: none };
}

/**
 * A classification's logits, adapted by some steps.
 * @param ways classes of the episode
 * @param last whether it is the last step, after which what confidence is judged by is answered, too
 * @param others examples of other classes
 */
export async function classAnswers(
  { learner, transductiveSession }: MeasuredBundle,
  { support, query }: Episode,
  steps: number,
  { ways, last, others }: { readonly ways: number; readonly last: boolean; readonly others: Tensor | undefined },
): Promise<Answers> {
  const { labels: names, confidence } = learner.manifest;
  const nameOf = (label: number) => names?.[label] ?? String(label);
  const labels = Array.from(support.y.data as Int32Array, nameOf);
  const personal = await learner.adapt({ ...batchOf(support.x), labels }, { steps });
  const columns = Array.from({ length: ways }, (_, way) => personal.labels.indexOf(nameOf(way)));
  if (transductiveSession)
    return {
      queries: await transductiveLogits(transductiveSession, personal.state, query.x, columns),
      outsiders: none,
    };
  const answer = async (x: Tensor): Promise<Float32Array> => {
    const rows = await personal.predictBatch(batchOf(x));
    return Float32Array.from(rows.flatMap(({ logits }) => columns.map((column) => logits[column]!)));
  };
  const answers = { queries: await answer(query.x), outsiders: last && others ? await answer(others) : none };
  if (!last || !confidence?.spread) return answers;
  const rows = rowsOf(await answer(support.x), columns.length);
  return { ...answers, spread: supportSpread(rows, Array.from(support.y.data as Int32Array)) };
}

async function transductiveLogits(
  session: Session,
  state: Readonly<Record<string, Tensor>>,
  query: Tensor,
  columns: readonly number[],
): Promise<Float32Array> {
  const fed = Object.entries(state).filter(([name]) => session.inputs.includes(name));
  const { logits } = await session.run({ ...Object.fromEntries(fed), query_x: query });
  const width = logits!.shape[1]!;
  return Float32Array.from({ length: query.shape[0]! * columns.length }, (_, i) => {
    const row = Math.floor(i / columns.length);
    return Number(logits!.data[row * width + columns[i % columns.length]!]);
  });
}
