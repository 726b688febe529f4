// One node of a model as the operators' readers see it: its inputs as values, as numbers or as sizes.
import { type DType, ELEMENT_TYPES, InnerloopError, type NumericName } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { constant, constantOf } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import { type NumberArray, Value } from "../../core/value.ts";
import { Cast } from "../../ops/dtypes.ts";
import { sizesOf } from "../../ops/internal/sizes.ts";
import type { NarrowType } from "../../ops/narrowing.ts";
import { type Entry, isSizes, type Sizes } from "./entry.ts";
import { asSizes, asValue } from "./sizes.ts";
import type { Subgraph } from "./subgraph.ts";

/** Looks up the names that a node reads. */
export interface Names {
  entry(name: string): Entry;
  /** The numbers of a constant or of a weight; undefined where they depend on the inputs. */
  numbers(name: string): NumberArray | undefined;
  /** The element type of a name in the file, where it is no dtype. */
  element?(name: string): NarrowType | undefined;
  /** A graph of a node's as a function; only where nodes are those of a file. */
  subgraph?(graph: onnx.GraphProto.$Properties): Subgraph;
}

/** One node of a model. */
export class Call {
  /** How many outputs the node has, and how many up to the last that the model uses. */
  readonly outputs: number;
  readonly usedOutputs: number;
  readonly #node: onnx.NodeProto.$Properties;
  readonly #inputs: readonly string[];
  readonly #names: Names;
  #given: NumericName | undefined;
  /** Inputs whose numbers were asked for. */
  readonly #asked = new Set<number>();
  /** Inputs that were read as values that are no constants. */
  readonly #valued = new Set<number>();

  constructor(node: onnx.NodeProto.$Properties, names: Names) {
    this.outputs = (node.output ?? []).length;
    this.usedOutputs = (node.output ?? []).findLastIndex((name) => name !== "") + 1;
    this.#node = node;
    this.#inputs = node.input ?? [];
    this.#names = names;
  }

  has(i: number): boolean {
    return (this.#inputs[i] ?? "") !== "";
  }

  /** The inputs that are there. */
  entries(): Entry[] {
    return this.#inputs.filter((name) => name !== "").map((name) => this.#names.entry(name));
  }

  entry(i: number): Entry {
    const entry = this.#names.entry(this.#name(i));
    if (entry instanceof Value && !constantOf(entry)) this.#valued.add(i);
    return entry;
  }

  value(i: number): Value {
    const entry = this.entry(i);
    return isSizes(entry) ? asValue(entry) : entry;
  }

  /**
   * The element type of an input in the file: float16, int4 and the like are read as a dtype that holds their numbers, which is all
   * that most operators need to know.
   */
  element(i: number): NumericName {
    return this.#names.element?.(this.#name(i)) ?? this.value(i).dtype;
  }

  /** Says that the outputs are of this element type; what is not said has that of the inputs, where the dtype is the same. */
  gives(element: NumericName): void {
    this.#given = element;
  }

  /** What an entry said of the outputs. */
  get given(): NumericName | undefined {
    return this.#given;
  }

  optional(i: number): Value | undefined {
    return this.has(i) ? this.value(i) : undefined;
  }

  /** Any number of inputs, one at least. */
  values(): [Value, ...Value[]] {
    return [this.value(0), ...this.#inputs.slice(1).map((_, i) => this.value(i + 1))];
  }

  /** The dtype of an input. */
  dtype(i: number): DType {
    const entry = this.entry(i);
    return isSizes(entry) ? "int64" : entry.dtype;
  }

  /** The numbers of an input that has to be a constant; undefined where it is left out. */
  constant(i: number): NumberArray | undefined {
    const name = this.#inputs[i] ?? "";
    if (name === "") return undefined;
    const known = this.#names.numbers(name);
    this.#asked.add(i);
    if (known) return known;
    throw new InnerloopError(
      "open-input",
      `needs the numbers of "${name}" while the model is read, but they depend on its inputs.`,
    );
  }

  /** Whether the numbers of an input are known while the model is read, or it is left out. */
  isConstant(i: number): boolean {
    return !this.has(i) || this.#names.numbers(this.#name(i)) !== undefined;
  }

  /** Whether the numbers of an input are known, or are sizes, or it is left out. */
  isKnown(i: number): boolean {
    return this.isConstant(i) || isSizes(this.entry(i));
  }

  numbers(i: number): readonly number[] | undefined {
    const known = this.constant(i);
    return known && [...known.data];
  }

  /** The one number of an input. */
  single(i: number): number {
    const [number] = this.numbers(i) ?? [];
    if (number !== undefined) return number;
    throw new InnerloopError("bad-model", `has no number in input ${i}.`);
  }

  /** Sizes that are given as an input: where they are computed, names for what they will be. */
  dims(i: number): readonly Dim[] {
    const entry = this.has(i) ? this.entry(i) : undefined;
    if (entry && isSizes(entry)) return entry.dims;
    return this.isConstant(i) ? (this.numbers(i) ?? []) : sizesOf(Cast(this.value(i), "int64"));
  }

  /** The one size of an input. */
  dim(i: number): Dim {
    const [dim] = this.dims(i);
    if (dim !== undefined) return dim;
    throw new InnerloopError("bad-model", `has no size in input ${i}.`);
  }

  /** An input that is whole numbers or sizes, for rules of open sizes. */
  sizes(i: number): Sizes {
    const list = asSizes(this.entry(i));
    if (list) return list;
    throw new InnerloopError("bad-model", `lacks sizes in input ${i}.`);
  }

  /** Whether the node has a graph as this attribute. */
  hasSubgraph(name: string): boolean {
    return this.#node.attribute?.some((attribute) => attribute.name === name && attribute.g) === true;
  }

  /** The graph that the node has as an attribute: the body of a loop, a branch. */
  subgraph(name: string): Subgraph {
    const graph = this.#node.attribute?.find((attribute) => attribute.name === name)?.g;
    if (graph && this.#names.subgraph) return this.#names.subgraph(graph);
    throw new InnerloopError("bad-model", `lacks the graph ${name}.`);
  }

  /**
   * The inputs of a node that is kept as it was authored, once it has been read: what was read as numbers is a constant.
   * Undefined where graphs have no value for one, or where it was read both as a value and as the numbers of a weight.
   */
  authored(): (Value | Sizes | undefined)[] | undefined {
    const inputs: (Value | Sizes | undefined)[] = [];
    // What graphs have no dtype for is a Cast of its own, before and after.
    if (this.#given && ELEMENT_TYPES[this.#given].dtype !== this.#given) return undefined;
    for (const [i, name] of this.#inputs.entries()) {
      const known = name !== "" && this.#asked.has(i) ? this.#names.numbers(name) : undefined;
      const entry = known
        ? constant(known.data, known.shape, known.dtype)
        : name === ""
          ? undefined
          : this.#names.entry(name);
      if (known && this.#valued.has(i)) return undefined;
      inputs.push(entry);
    }
    return inputs;
  }

  #name(i: number): string {
    const name = this.#inputs[i] ?? "";
    if (name !== "") return name;
    throw new InnerloopError("bad-model", `lacks input ${i}.`);
  }
}
