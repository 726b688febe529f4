// The initializers of a model, and of the graphs inside it: those that are learned are inputs, made at their first use, and so are long
// lists of whole numbers; the others are constants.
import { show, type Tensor } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { constant, constantOf, input } from "../../core/build.ts";
import { isFloat } from "../../core/operator.ts";
import type { NumberArray, Value } from "../../core/value.ts";
import type { NarrowType } from "../../ops/narrowing.ts";
import type { ModelFiles } from "../files.ts";
import { narrowed, type StoredArray, StoredTensor } from "../tensors.ts";
import { constantPrefix } from "../writer/constants.ts";
import { UniqueNames } from "../writer/names.ts";
import { graphsOf } from "./functions.ts";

type GraphProto = onnx.GraphProto.$Properties;

/** The most numbers of an array of whole numbers that is a constant of the graph. */
const longestList = 4096;

interface Weight {
  /** What it is called as an input of the whole model. */
  readonly name: string;
  readonly tensor: StoredTensor;
  readonly isInput: boolean;
  /** Its numbers, once they were asked for. */
  array?: StoredArray;
}

/** An initializer that something reads as an input. */
export interface UsedWeight {
  readonly name: string;
  readonly value: Value;
  readonly tensor: Tensor;
  readonly element: NarrowType | undefined;
}

export class Weights {
  /** Of each graph, by the names that it has in it. */
  readonly #of = new Map<GraphProto, ReadonlyMap<string, Weight>>();
  readonly #inputs = new Map<Weight, Value>();
  readonly #behind = new Map<Value, Weight>();
  readonly #names = new UniqueNames();

  /** @throws InnerloopError where an array does not fill its shape, or is of a type that is not read */
  constructor(graph: GraphProto, source: string, files: ModelFiles | undefined) {
    for (const { name } of [...(graph.initializer ?? []), ...(graph.input ?? [])]) this.#names.take(name ?? "");
    const collect = (graph: GraphProto, nameOf: (name: string) => string): void => {
      if (this.#of.has(graph)) return;
      const measured = statistics(graph);
      const weights = (graph.initializer ?? []).map((proto): [string, Weight] => {
        const inside = proto.name ?? "";
        const tensor = new StoredTensor(proto, `${source}: the initializer ${show(inside)}`, files);
        const isFixed = measured.has(inside) || inside.startsWith(constantPrefix);
        const isLearned = !isFixed && isFloat(tensor.dtype) && tensor.shape.length > 0;
        return [inside, { name: nameOf(inside), tensor, isInput: isLearned || tensor.size > longestList }];
      });
      this.#of.set(graph, new Map(weights));
      for (const node of graph.node ?? [])
        for (const body of graphsOf(node)) collect(body, (name) => this.#names.unique(name));
    };
    collect(graph, (name) => name);
  }

  /** Whether a graph stores something by a name. */
  has(graph: GraphProto, name: string): boolean {
    return this.#of.get(graph)?.has(name) ?? false;
  }

  /** The array that a graph stores by a name. */
  stored(graph: GraphProto, name: string): StoredTensor | undefined {
    return this.#of.get(graph)?.get(name)?.tensor;
  }

  /**
   * What a graph stores by a name: an input where it is learned, else a constant.
   * @param given values in place of inputs
   */
  entry(graph: GraphProto, name: string, given: ReadonlyMap<string, Value>): Value | undefined {
    const weight = this.#of.get(graph)?.get(name);
    if (!weight) return undefined;
    const replaced = given.get(weight.name);
    if (replaced) return replaced;
    if (!weight.isInput) {
      const { data, shape, dtype } = arrayOf(weight);
      return constant(data, shape, dtype);
    }
    const value = this.#inputs.get(weight) ?? input(weight.name, weight.tensor.shape, weight.tensor.dtype);
    this.#inputs.set(weight, value);
    this.#behind.set(value, weight);
    return value;
  }

  /** The numbers that a graph stores by a name; none where a value is given in its place that is no constant. */
  numbers(graph: GraphProto, name: string, given: ReadonlyMap<string, Value>): NumberArray | undefined {
    const weight = this.#of.get(graph)?.get(name);
    const replaced = weight && given.get(weight.name);
    return replaced ? constantOf(replaced) : weight && arrayOf(weight);
  }

  /** Its element type, where it is none that graphs have. */
  element(graph: GraphProto, name: string): NarrowType | undefined {
    return narrowed(this.#of.get(graph)?.get(name)?.tensor.stored);
  }

  /** The numbers of an input that is learned. */
  numbersOf(value: Value): NumberArray | undefined {
    const weight = this.#behind.get(value);
    return weight && arrayOf(weight);
  }

  /** The inputs that something reads, in the order of the file. */
  used(): UsedWeight[] {
    return [...this.#of.values()].flatMap((stored) =>
      [...stored.values()].flatMap((weight) => {
        const value = this.#inputs.get(weight);
        const { name, tensor } = weight;
        return value ? [{ name, value, tensor: tensor.tensor(), element: narrowed(tensor.stored) }] : [];
      }),
    );
  }
}

function arrayOf(weight: Weight): StoredArray {
  weight.array ??= weight.tensor.array();
  return weight.array;
}

/** The names of means and variances that batch normalizations read: measured, not learned. */
function statistics(graph: GraphProto): ReadonlySet<string> {
  const norms = (graph.node ?? []).filter((node) => node.opType === "BatchNormalization");
  return new Set(norms.flatMap((node) => node.input?.slice(3, 5) ?? []));
}
