// Running predict.onnx: in pieces, so that many examples neither fill the memory nor hold the event loop.
import { InnerloopError, sizeOf } from "@innerloop/schemas/bundle";
import { type AdaptedState, adapt, output } from "./adaptation.ts";
import { type ClassPrediction, classify, supportSpread } from "./confidence.ts";
import type { Kept, Rows, Task } from "./examples.ts";
import { rest } from "./lifetime.ts";
import type { OpenedBundle } from "./opened.ts";

/** The answer for one example of a regression: `output.size` values. */
export interface ValuePrediction {
  readonly value: readonly number[];
}

/** What {@link Learner.predict} and {@link Personal.predict} answer, by task. */
export type Prediction<T extends Task = "classification"> = T extends "regression" ? ValuePrediction : ClassPrediction;

/** Values of examples, or probabilities of their answers, in one piece of work: a few milliseconds. */
const pieceNumbers = 2 ** 17;

/**
 * The answers for examples, in their order.
 *
 * @param state what was adapted; the bundle's own weights when not given
 * @throws InnerloopError `bad-input`, `bundle-inconsistent`, and `not-adapted` for a bundle whose head is made from examples.
 */
export async function predict(
  opened: OpenedBundle,
  state: AdaptedState | undefined,
  rows: Rows,
): Promise<Prediction<Task>[]> {
  const { manifest } = opened.bundle;
  if (state === undefined && manifest.parameters.some((parameter) => parameter.required))
    throw new InnerloopError(
      "not-adapted",
      `the bundle "${manifest.name}" makes its head from the examples, so it knows no class yet; call adapt first`,
      { exitStatus: 2 },
    );
  const { shape } = manifest.input;
  const size = sizeOf(shape);
  const piece = Math.min(1024, Math.ceil(pieceNumbers / Math.max(size, 8 * (state?.labels.length ?? 1))));
  const answers: Prediction<Task>[] = [];
  while (answers.length < rows.count) {
    const count = Math.min(piece, rows.count - answers.length);
    const data = new Float32Array(count * size);
    for (let row = 0; row < count; row++) rows.copy(answers.length + row, data, row * size);
    const session = await opened.session("predict.onnx");
    const query = { dtype: "float32", shape: [count, ...shape], data } as const;
    const logits = output(await session.run({ query_x: query, ...state?.parameters }, ["logits"]), "logits");
    const width = logits.shape[1] ?? 0;
    for (let row = 0; row < count; row++) {
      const values = (logits.data as Float32Array).subarray(row * width, (row + 1) * width);
      if (manifest.task === "regression") {
        answers.push({ value: Array.from(values) });
      } else {
        const logits = state === undefined ? Array.from(values) : state.columns.map((column) => values[column] ?? NaN);
        const labels = state?.labels ?? manifest.labels ?? logits.map((_, index) => String(index));
        if (!logits.every(Number.isFinite)) throw inconsistent(logits, labels);
        answers.push(classify(logits, labels, state && manifest.confidence, state?.shots, state?.spread));
      }
    }
    if (answers.length < rows.count) await rest();
  }
  return answers;
}

/**
 * Adapts, and looks back on the examples where the bundle's confidence needs to know how far apart their classes are.
 *
 * @throws InnerloopError as `adapt` and {@link predict}.
 */
export async function learn(
  opened: OpenedBundle,
  examples: readonly Kept[],
  options: Parameters<typeof adapt>[2],
): Promise<AdaptedState> {
  const state = await adapt(opened, examples, options);
  if (!opened.bundle.manifest.confidence?.spread) return state;
  const copy = (row: number, to: Float32Array, at: number) => to.set(examples[row]!.x, at);
  const answers = (await predict(opened, state, { count: examples.length, copy })) as ClassPrediction[];
  const columns = examples.map(({ label }) => state.labels.indexOf(label!));
  const rows = answers.map(({ logits }) => logits);
  return { ...state, spread: supportSpread(rows, columns) };
}

function inconsistent(logits: readonly number[], labels: readonly string[]): InnerloopError {
  return new InnerloopError(
    "bundle-inconsistent",
    `predict.onnx gave the logits ${logits.join(", ")} for the labels ${labels.join(", ")}; one finite number each was expected; export the bundle again`,
  );
}
