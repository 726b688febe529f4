// Parts of weights of which a graph reads nothing else: a file has these, and not the whole.
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { isInput } from "../../core/build.ts";
import { at } from "../../core/lists.ts";
import { is, type Node, type Value } from "../../core/value.ts";
import { cut } from "../../ops/internal/slicing.ts";

/** A part of an input, from an entry of one axis on. */
interface StoredPart {
  readonly part: Value;
  readonly input: Value;
  readonly start: number;
  readonly tensor: Tensor;
}

/**
 * What is cut out of inputs that the file has the numbers of, by the nodes that cut.
 * @param numbersOf an input's; undefined for one that others give
 */
export function partsIn(
  nodes: readonly Node[],
  numbersOf: (input: Value) => Tensor | undefined,
): ReadonlyMap<Node, StoredPart> {
  return new Map(
    nodes.flatMap((node): [Node, StoredPart][] => {
      if (!is(node, cut)) return [];
      const [input] = node.inputs;
      const { axis, start, end } = node.attributes;
      const tensor = isInput(input) ? numbersOf(input) : undefined;
      if (tensor?.dtype !== "float32" || typeof start !== "number" || typeof end !== "number") return [];
      return [[node, { part: node.outputs[0], input, start, tensor: partOf(tensor, axis, start, end) }]];
    }),
  );
}

/** The parts of a tensor by their places, so that files which share the tensor share them. */
const known = new WeakMap<Tensor, Map<string, Tensor>>();

function partOf(tensor: Tensor, axis: number, start: number, end: number): Tensor {
  const parts = known.get(tensor) ?? new Map<string, Tensor>();
  known.set(tensor, parts);
  const key = [axis, start, end].join();
  const shape = tensor.shape.map((size, i) => (i === axis ? end - start : size));
  const part = parts.get(key) ?? {
    ...{ dtype: tensor.dtype, shape },
    get data() {
      return copied(tensor, axis, start, shape);
    },
  };
  parts.set(key, part);
  return part;
}

function copied({ data, shape: whole }: Tensor, axis: number, start: number, shape: readonly number[]): Float32Array {
  const [outer, inner] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
  const [from, length] = [at(whole, axis) * inner, at(shape, axis) * inner];
  const part = new Float32Array(outer * length);
  for (let i = 0; i < outer; i++)
    part.set((data as Float32Array).subarray(i * from + start * inner, i * from + start * inner + length), i * length);
  return part;
}
