// What the names of a graph stand for while its nodes are read, and of the graphs around it.
import { ELEMENT_TYPES, InnerloopError, show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { constantOf } from "../../core/build.ts";
import type { NumberArray, Value } from "../../core/value.ts";
import { elementDTypes, unsupported } from "../tensors.ts";
import type { Upgrading } from "../upgrade/index.ts";
import { inNode } from "./check.ts";
import { type Entry, isNarrow, isSizes } from "./entry.ts";
import { type Functions, instantiate } from "./functions.ts";
import { type Knowing, readNode } from "./node.ts";
import { asValue, symbol } from "./sizes.ts";
import type { Subgraph, SubgraphInput } from "./subgraph.ts";
import type { Weights } from "./weights.ts";

type GraphProto = onnx.GraphProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;
type FunctionProto = onnx.FunctionProto.$Properties;

/** The model that is being read. */
export interface Reading {
  readonly source: string;
  readonly functions: Functions;
  readonly weights: Weights;
  /** Brings nodes to the newest opset, from that of the model or of a function. */
  readonly upgrading: (defined?: FunctionProto) => Upgrading;
}

/** Reads a node by calling `read`, or not. */
export type Attempt = (node: NodeProto, read: () => void) => void;

/** The names of one graph, or of one call of a function. */
export class Scope implements Knowing {
  readonly #reading: Reading;
  readonly #graph: GraphProto;
  /** The graph around; none for a model's and a function's. */
  readonly #around: Scope | undefined;
  readonly #upgrade: Upgrading;
  readonly #entries: Map<string, Entry>;
  /** What was given, which nodes that would make it do not replace. */
  readonly #given: ReadonlySet<string>;

  constructor(
    reading: Reading,
    graph: GraphProto,
    entries: Iterable<readonly [string, Entry]>,
    upgrade: Upgrading,
    around?: Scope,
  ) {
    this.#reading = reading;
    this.#graph = graph;
    this.#around = around;
    this.#upgrade = upgrade;
    this.#entries = new Map(entries);
    this.#given = new Set(this.#entries.keys());
  }

  /**
   * Reads the nodes, and gives what the names of outputs stand for.
   * @param source the file, for messages; "" inside a node, which names it already
   * @param attempt what is to be done with the reading of each node
   */
  run(outputs: readonly string[], source = "", attempt: Attempt = (_, read) => read()): Entry[] {
    for (const node of this.#graph.node ?? [])
      attempt(node, () =>
        inNode(node, source, () => {
          const called = this.#reading.functions.of(node);
          if (called) this.#call(called, node);
          else for (const step of this.#upgrade(node)) readNode(step, this);
        }),
      );
    return outputs.map((name) => {
      const entry = this.#find(name);
      if (entry) return entry;
      throw new InnerloopError("bad-model", `${source && `${source}: `}nothing makes the output ${show(name)}.`);
    });
  }

  set(name: string, entry: Entry): void {
    if (!this.#given.has(name)) this.#entries.set(name, entry);
  }

  /** What a node has made by a name, where it is a value. */
  made(name: string): [name: string, value: Value][] {
    const entry = this.#entries.get(name);
    return entry && !isSizes(entry) && !isNarrow(entry) ? [[name, entry]] : [];
  }

  entry(name: string): Entry {
    const entry = this.#find(name);
    if (entry) return entry;
    throw new InnerloopError("bad-model", `reads ${show(name)}, which nothing before it makes.`);
  }

  numbers(name: string): NumberArray | undefined {
    const { weights } = this.#reading;
    const entry = this.#entries.get(name);
    if (!entry) return weights.numbers(this.#graph, name) ?? this.#around?.numbers(name);
    if (isSizes(entry)) return undefined;
    const value = isNarrow(entry) ? entry.wide : entry;
    return constantOf(value) ?? weights.numbersOf(value);
  }

  isFixed(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry) return !isSizes(entry) && constantOf(isNarrow(entry) ? entry.wide : entry) !== undefined;
    return this.#reading.weights.has(this.#graph, name) || (this.#around?.isFixed(name) ?? false);
  }

  subgraph(graph: GraphProto): Subgraph {
    const inputs = (graph.input ?? []).map(typeOf);
    const outputs = (graph.output ?? []).map(({ name }) => name ?? "");
    const entries = (given: readonly Entry[]): Entry[] => {
      if (given.length !== inputs.length)
        throw new InnerloopError(
          "bad-model",
          `has a body with ${inputs.length} inputs, where ${given.length} are given to it.`,
        );
      const known = inputs.flatMap(({ name }, i): [string, Entry][] => {
        const entry = given[i];
        return entry ? [[name, entry]] : [];
      });
      return new Scope(this.#reading, graph, known, this.#upgrade, this).run(outputs);
    };
    return {
      inputs,
      outputs,
      entries,
      values: (given) => entries(given).map((entry) => toValue(entry, "an output of its body")),
    };
  }

  #find(name: string): Entry | undefined {
    const known = this.#entries.get(name);
    if (known) return known;
    const around = this.#around;
    const entry = this.#reading.weights.entry(this.#graph, name) ?? (around ? around.#find(name) : undefined);
    if (entry) this.#entries.set(name, entry);
    return entry;
  }

  /** Reads the nodes of a function in place of a call of it. */
  #call(defined: FunctionProto, call: NodeProto): void {
    const given: [string, Entry][] = [];
    const absent = new Set<string>();
    for (const [i, inside] of (defined.input ?? []).entries()) {
      const outside = call.input?.[i] ?? "";
      if (outside === "") absent.add(inside);
      else given.push([inside, this.entry(outside)]);
    }
    const graph: GraphProto = { node: instantiate(defined, call, absent) };
    const wanted = (call.output ?? []).slice(0, defined.output?.length ?? 0);
    const inner = new Scope(this.#reading, graph, given, this.#reading.upgrading(defined));
    const used = wanted.flatMap((name, i) => (name === "" ? [] : [[name, defined.output?.[i] ?? ""] as const]));
    const results = inner.run(used.map(([, inside]) => inside));
    used.forEach(([outside], i) => {
      const result = results[i];
      if (result) this.set(outside, result);
    });
  }
}

/**
 * A value of what a name stands for.
 * @param where the file and the name, for messages
 * @throws InnerloopError for an array of a type that graphs lack
 */
export function toValue(entry: Entry, where: string): Value {
  if (isNarrow(entry)) throw unsupported(ELEMENT_TYPES[entry.stored].onnx, where);
  return isSizes(entry) ? asValue(entry) : entry;
}

function typeOf({ name, type }: onnx.ValueInfoProto.$Properties): SubgraphInput {
  const tensor = type?.tensorType;
  return {
    name: name ?? "",
    dtype: elementDTypes.get(tensor?.elemType ?? 0),
    shape: tensor?.shape?.dim?.map(({ dimValue, dimParam }) =>
      dimValue === undefined || dimValue === null ? (dimParam ? symbol(dimParam) : undefined) : Number(dimValue),
    ),
  };
}
