// Logits as the parts of an evaluation hand them on, and what gives them.
import type { Tensor } from "@innerloop/schemas";

/** What adapting changes, by name. */
export type State = Readonly<Record<string, Tensor>>;

/** The file of a bundle that answers queries. */
export const predicts = "predict.onnx";

/** Numbers of queries that are answered at once, as the runtime does. */
export const most = 2 ** 17;

export const none = new Float32Array(0);

/** Of logits `[n, …]` some columns, `[n · columns]`. */
export function pick({ shape, data }: Tensor, columns: readonly number[]): Float32Array {
  const [rows = 0, width = 0] = shape;
  const found = new Float32Array(rows * columns.length);
  let at = 0;
  for (let row = 0; row < rows; row++) for (const column of columns) found[at++] = Number(data[row * width + column]);
  return found;
}

/** The rows of a matrix with so many columns. */
export const rowsOf = (values: Float32Array, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, row) => [...values.subarray(row * width, (row + 1) * width)]);
