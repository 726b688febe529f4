// Sizes that are open until a model runs: computed there, from the shapes of values that have them.
import { InnerloopError } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { type Dim, termsOf } from "../../core/dims.ts";
import { toldIn } from "../../core/fresh.ts";
import { isKnown, type Shape } from "../../core/shapes.ts";
import type { Value } from "../../core/value.ts";
import { type AttributeProto, int, written } from "../attributes.ts";
import type { Constants } from "./constants.ts";
import type { UniqueNames } from "./names.ts";

export interface OpenSizesOptions {
  readonly names: UniqueNames;
  readonly constants: Constants;
  /** Where the nodes go that compute sizes. */
  readonly nodes: onnx.NodeProto.$Properties[];
  /** Writes the node that makes a value whose size has this name, where only data tell it. */
  readonly reach: (symbol: string) => void;
  /** Those of the graph around this one, which are known here too. */
  readonly around?: OpenSizes | undefined;
}

export class OpenSizes {
  readonly #options: OpenSizesOptions;
  /** For each symbol, a value that has it as the size of an axis. */
  readonly #symbols = new Map<string, readonly [value: string, axis: number]>();
  /** For each symbol that is an entry of a list, or a scalar, the list, which entry, and how many axes it has. */
  readonly #entries = new Map<string, readonly [value: string, entry: number, rank: number]>();
  readonly #sizes = new Map<Dim, string>();
  /** What sizes are called in the file that only data tell: their own names depend on what else was made before. */
  readonly #called = new Map<string, string>();
  readonly #shapes = new Map<string, string>();

  constructor(options: OpenSizesOptions) {
    this.#options = options;
  }

  /** A size as it is called in the file. */
  shown(dim: Dim): Dim {
    return toldIn(dim).reduce<Dim>((text, symbol) => {
      const known = this.#called.get(symbol) ?? `${symbol.split("_")[0]}_${this.#called.size}`;
      this.#called.set(symbol, known);
      return typeof text === "string" ? text.replaceAll(symbol, known) : text;
    }, dim);
  }

  /** Remembers which symbols can be asked of a value. */
  learn({ shape }: Value, name: string): void {
    shape.forEach((dim, axis) => {
      if (typeof dim === "string" && /^[A-Za-z_]\w*$/.test(dim) && !this.#symbols.has(dim))
        this.#symbols.set(dim, [name, axis]);
    });
  }

  /** Remembers which symbols are the entries of a value of int64, in this order. */
  learnEntries(symbols: readonly string[], name: string, rank: number): void {
    symbols.forEach((symbol, i) => {
      if (!this.#entries.has(symbol)) this.#entries.set(symbol, [name, i, rank]);
    });
  }

  /** A size as an int64 list of one. */
  size(dim: Dim): string {
    if (typeof dim === "number") return this.#options.constants.list([dim]);
    const around = this.#outside([dim]);
    if (around) return around.size(dim);
    const known = this.#sizes.get(dim);
    if (known) return known;
    const terms = termsOf(dim).map(([coefficient, names]) => {
      const factors = [
        ...(coefficient === 1 && names.length > 0 ? [] : [this.#options.constants.list([coefficient])]),
        ...names.map((name) => this.#symbol(name)),
      ];
      return factors.reduce((a, b) => this.#emit("Mul", [a, b], "size/product"));
    });
    const total = terms.reduce((a, b) => this.#emit("Add", [a, b], "size/sum"));
    this.#sizes.set(dim, total);
    return total;
  }

  /** A size as an int64 scalar. */
  scalar(dim: Dim): string {
    const around = this.#outside([dim]);
    if (around) return around.scalar(dim);
    const { names, nodes } = this.#options;
    const list = this.size(dim);
    const name = `${list}/scalar`;
    if (!names.has(name)) nodes.push({ opType: "Squeeze", input: [list], output: [names.take(name)], name });
    return name;
  }

  /** A shape as an int64 list. */
  shape(shape: Shape): string {
    if (isKnown(shape)) return this.#options.constants.list(shape);
    const around = this.#outside(shape);
    if (around) return around.shape(shape);
    const key = shape.join();
    const known = this.#shapes.get(key);
    if (known) return known;
    const parts = shape.map((dim) => this.size(dim));
    const name = this.#emit("Concat", parts, "size/shape", [written("axis", int(), 0)]);
    this.#shapes.set(key, name);
    return name;
  }

  /** The sizes of the graph around this one, where these can be computed there, once. */
  #outside(shape: Shape): OpenSizes | undefined {
    const { around } = this.#options;
    const names = shape.flatMap((dim) =>
      typeof dim === "number" ? [] : termsOf(dim).flatMap(([, symbols]) => symbols),
    );
    return names.every((name) => around?.knows(name)) ? around : undefined;
  }

  /** Whether a symbol can be computed here or in what is around. */
  knows(name: string): boolean {
    const here = () => this.#symbols.has(name) || this.#entries.has(name);
    if (!here()) this.#options.reach(name);
    return here() || this.#options.around?.knows(name) === true;
  }

  #symbol(name: string): string {
    const known = this.#sizes.get(name);
    if (known) return known;
    const { around } = this.#options;
    if (around?.knows(name)) return around.size(name);
    if (!this.#symbols.has(name) && !this.#entries.has(name)) this.#options.reach(name);
    const entry = this.#entries.get(name);
    if (entry) {
      const size = this.#entry(name, ...entry);
      this.#sizes.set(name, size);
      return size;
    }
    const source = this.#symbols.get(name);
    if (!source)
      throw new InnerloopError(
        "open-dim",
        `The size "${name}" is the size of no input and of no range of labels, so it cannot be computed in the exported graph.`,
      );
    const [value, axis] = source;
    const size = this.#emit("Shape", [value], `size/${this.shown(name)}`, [
      written("start", int(), axis),
      written("end", int(), axis + 1),
    ]);
    this.#sizes.set(name, size);
    return size;
  }

  #entry(symbol: string, value: string, place: number, rank: number): string {
    const { constants } = this.#options;
    if (rank === 0) return this.#emit("Reshape", [value, constants.list([1])], `size/${this.shown(symbol)}`);
    return this.#emit("Gather", [value, constants.list([place])], `size/${this.shown(symbol)}`);
  }

  #emit(opType: string, input: string[], hint: string, attribute: AttributeProto[] = []): string {
    const output = this.#options.names.unique(hint);
    this.#options.nodes.push({ opType, input, output: [output], name: output, attribute });
    return output;
  }
}
