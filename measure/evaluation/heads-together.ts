// Heads that an episode made answer its queries together: where all that adapts is a head for any number of classes, those after several
// numbers of steps are one head of more classes, and what lies before it is computed once.
import type { ModelSession } from "@innerloop/runtime/session";
import { type Manifest, sizeOf, type Tensor } from "@innerloop/schemas";
import { most, type State } from "./logits.ts";

/** Whether all that adapting changes has the classes as its last axis, as many as there are, and the file all of its numbers itself. */
export const isHeadAlone = ({ parameters, output, labels, files }: Manifest): boolean => {
  const adapted = parameters.filter((parameter) => parameter.adapted);
  const perClass = adapted.every(
    ({ shape }) => typeof shape.at(-1) === "string" && shape.slice(0, -1).every((size) => typeof size === "number"),
  );
  return output.ways === null && !labels && !files["weights.bin"] && adapted.length > 0 && perClass;
};

/**
 * Logits by several states of a head.
 *
 * @param session of predict.onnx
 * @param columns the logits that are wanted of each state, in this order
 * @returns for each state `[queries · columns]`
 */
export async function logitsByHeads(
  session: ModelSession,
  states: readonly State[],
  query: Tensor,
  columns: readonly number[],
): Promise<Float32Array[]> {
  const names = Object.keys(states[0] ?? {});
  const joined = Object.fromEntries(names.map((name) => [name, sideBySide(states.map((state) => state[name]!))]));
  const [count = 0, ...shape] = query.shape;
  const found = states.map(() => new Float32Array(count * columns.length));
  const size = sizeOf(shape);
  const piece = Math.ceil(most / size);
  for (let from = 0; from < count; from += piece) {
    const rows = Math.min(piece, count - from);
    // A copy: ONNX Runtime takes no arrays over memory that threads share.
    const data = (query.data as Float32Array).slice(from * size, (from + rows) * size);
    const { logits } = await session.run({ ...joined, query_x: { dtype: "float32", shape: [rows, ...shape], data } });
    const width = logits!.shape[1]! / states.length;
    for (let row = 0; row < rows; row++)
      found.forEach((own, state) => {
        columns.forEach((column, i) => {
          own[(from + row) * columns.length + i] = Number(logits!.data[(row * states.length + state) * width + column]);
        });
      });
  }
  return found;
}

/** Whether logits are the same but for rounding. */
export function isClose(some: Float32Array, others: Float32Array): boolean {
  const scale = others.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  return some.every((x, i) => Math.abs(x - others[i]!) <= 1e-4 * scale);
}

/** Arrays side by side along their last axis. */
function sideBySide(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as [Tensor];
  const width = first.shape.at(-1)!;
  const rows = first.data.length / width;
  const data = new Float32Array(first.data.length * tensors.length);
  tensors.forEach((tensor, i) => {
    for (let row = 0; row < rows; row++)
      data.set(
        (tensor.data as Float32Array).subarray(row * width, (row + 1) * width),
        (row * tensors.length + i) * width,
      );
  });
  return { dtype: "float32", shape: [...first.shape.slice(0, -1), width * tensors.length], data };
}
