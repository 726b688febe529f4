// How much memory a graph takes, told before it is run.
import { isSubgraph, lower, onnxTargetFor, operandsOf, topological, type Value } from "@innerloop/graph";

const bytesOf: Readonly<Record<string, number>> = { float16: 2, float32: 4, int32: 4, int64: 8, bool: 1 };

const sizeInBytes = ({ shape, dtype }: Value): number =>
  shape.reduce<number>((size, dim) => size * (typeof dim === "number" ? dim : 1), bytesOf[dtype] ?? 4);

/**
 * The most that values hold at once where each is made when it is needed and freed after its last use: operators are those that
 * ONNX Runtime is given on a processor, convolutions as columns among them.
 */
export const peakBytes = (outputs: readonly Value[]): number => peakOf(lower(outputs, onnxTargetFor("cpu")));

function peakOf(lowered: readonly Value[]): number {
  const nodes = topological(lowered);
  const uses = new Map<Value, number>();
  const used = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of nodes) for (const value of operandsOf(node)) used(value);
  // What is asked for is there to the end.
  for (const value of lowered) used(value);
  let [now, most] = [0, 0];
  for (const node of nodes) {
    for (const value of node.outputs) if (uses.has(value)) now += sizeInBytes(value);
    const inside = Object.values(node.attributes).map((graph) => (isSubgraph(graph) ? peakOf(graph.gives) : 0));
    most = Math.max(most, now + Math.max(0, ...inside));
    for (const value of operandsOf(node)) {
      const left = uses.get(value)! - 1;
      uses.set(value, left);
      if (left === 0) now -= sizeInBytes(value);
    }
  }
  return most;
}

/** What programs and threads take that compute nothing yet. */
const opened = 70e6;

/** What ONNX Runtime takes for a byte of tensors: it grows by doubling, and gives nothing back. */
const taken = 2;

/**
 * What graphs take that run side by side. Measured once, with mlp, conv1d and conv4 of pictures of 48 and 84 pixels: the peaks of
 * the process were 149, 290, 715 and 1,911 MB, and this says 152, 250, 730 and 1,870.
 */
export const graphBytes = (graphs: number, peak: number): number => opened + taken * graphs * peak;
