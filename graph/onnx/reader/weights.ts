// The initializers of a model, and of the graphs inside it: those that are learned are inputs, made at their first use.
import { show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { input } from "../../core/build.ts";
import { isFloat } from "../../core/operator.ts";
import type { NumberArray, Value } from "../../core/value.ts";
import { numbersOf, type StoredArray } from "../tensors.ts";
import { constantPrefix } from "../writer/constants.ts";
import { UniqueNames } from "../writer/names.ts";
import { type Entry, entryOf } from "./entry.ts";
import { graphsOf } from "./functions.ts";

type GraphProto = onnx.GraphProto.$Properties;

interface Weight {
  /** What it is called as an input of the whole model. */
  readonly name: string;
  readonly array: StoredArray;
  readonly isLearned: boolean;
}

export class Weights {
  /** Of each graph, by the names that it has in it. */
  readonly #of = new Map<GraphProto, ReadonlyMap<string, Weight>>();
  readonly #inputs = new Map<Weight, Value>();
  readonly #behind = new Map<Value, Weight>();
  readonly #names = new UniqueNames();

  /** @throws InnerloopError where an array does not fill its shape, or is of a type that is not read */
  constructor(graph: GraphProto, source: string) {
    for (const { name } of [...(graph.initializer ?? []), ...(graph.input ?? [])]) this.#names.take(name ?? "");
    this.#collect(graph, source, (name) => name);
  }

  /** Those of this graph and of the graphs inside it, which are called what they are called there unless that is taken. */
  #collect(graph: GraphProto, source: string, nameOf: (name: string) => string): void {
    if (this.#of.has(graph)) return;
    const measured = statistics(graph);
    const weights = (graph.initializer ?? []).map((tensor): [string, Weight] => {
      const inside = tensor.name ?? "";
      const array = numbersOf(tensor, `${source}: the initializer ${show(inside)}`);
      const isFixed = measured.has(inside) || inside.startsWith(constantPrefix);
      const isLearned = !isFixed && isFloat(array.dtype) && array.shape.length > 0;
      return [inside, { name: nameOf(inside), array, isLearned }];
    });
    this.#of.set(graph, new Map(weights));
    for (const node of graph.node ?? [])
      for (const body of graphsOf(node)) this.#collect(body, source, (name) => this.#names.unique(name));
  }

  /** Whether a graph stores something by a name. */
  has(graph: GraphProto, name: string): boolean {
    return this.#of.get(graph)?.has(name) ?? false;
  }

  /** What a graph stores by a name: an input where it is learned, else a constant. */
  entry(graph: GraphProto, name: string): Entry | undefined {
    const weight = this.#of.get(graph)?.get(name);
    if (!weight) return undefined;
    if (!weight.isLearned) return entryOf(weight.array);
    const value = this.#inputs.get(weight) ?? input(weight.name, weight.array.shape, weight.array.dtype);
    this.#inputs.set(weight, value);
    this.#behind.set(value, weight);
    return entryOf(weight.array, value);
  }

  /** The numbers that a graph stores by a name. */
  numbers(graph: GraphProto, name: string): NumberArray | undefined {
    return this.#of.get(graph)?.get(name)?.array;
  }

  /** The numbers of an input that is learned. */
  numbersOf(value: Value): NumberArray | undefined {
    return this.#behind.get(value)?.array;
  }

  /** The inputs that something reads, in the order of the file. */
  used(): { readonly name: string; readonly value: Value; readonly array: NumberArray }[] {
    return [...this.#of.values()].flatMap((stored) =>
      [...stored.values()].flatMap((weight) => {
        const value = this.#inputs.get(weight);
        return value ? [{ name: weight.name, value, array: weight.array }] : [];
      }),
    );
  }
}

/** The names of means and variances that batch normalizations read: measured, not learned. */
function statistics(graph: GraphProto): ReadonlySet<string> {
  const norms = (graph.node ?? []).filter((node) => node.opType === "BatchNormalization");
  return new Set(norms.flatMap((node) => node.input?.slice(3, 5) ?? []));
}
