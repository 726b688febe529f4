// What the names of a graph stand for while its nodes are read, and of the graphs around it.
import { ELEMENT_TYPES, InnerloopError, show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { spend } from "../../core/budget.ts";
import { constantOf } from "../../core/build.ts";
import { zip } from "../../core/lists.ts";
import type { Shape } from "../../core/shapes.ts";
import type { NumberArray, Value } from "../../core/value.ts";
import type { NarrowType } from "../../ops/narrowing.ts";
import { elementNamed, narrowed } from "../tensors.ts";
import type { Upgrading } from "../upgrade/index.ts";
import { inNode } from "./check.ts";
import { type Entry, isSizes } from "./entry.ts";
import { type Functions, instantiate } from "./functions.ts";
import type { Failures } from "./meeting.ts";
import { type Knowing, readNode } from "./node.ts";
import { asValue, saidSize } from "./sizes.ts";
import type { Subgraph, SubgraphInput } from "./subgraph.ts";
import type { Weights } from "./weights.ts";

type GraphProto = onnx.GraphProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;
type FunctionProto = onnx.FunctionProto.$Properties;

/** The most that calls of functions and bodies may be inside each other. */
const deepest = 64;

/** What a call of a function costs beside its nodes, in operators. */
const callCost = 8;

/** The model that is being read. */
export interface Reading {
  readonly functions: Functions;
  readonly weights: Weights;
  /** Values for inputs and weights, by what they are called as inputs of the model. */
  readonly given: ReadonlyMap<string, Value>;
  /** Brings nodes to the newest opset, from that of the model or of a function. */
  readonly upgrading: (defined?: FunctionProto) => Upgrading;
  /** Which node stopped the reading. */
  readonly failures: Failures;
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
  readonly #depth: number;
  readonly #entries = new Map<string, Entry>();
  /** Of names whose element type is none that graphs have. */
  readonly #elements = new Map<string, NarrowType>();
  /** What was given, which nodes that would make it do not replace. */
  readonly #given = new Set<string>();

  /**
   * @param around the graph around, whose names are known here too
   * @param depth how many calls of functions and bodies this is in
   * @throws InnerloopError `too-large` where that is more than any model has
   */
  constructor(reading: Reading, graph: GraphProto, upgrade: Upgrading, around?: Scope, depth = 0) {
    if (depth > deepest)
      throw new InnerloopError(
        "too-large",
        `is more than ${deepest} functions and bodies deep; export the model flatter.`,
      );
    this.#depth = depth;
    this.#reading = reading;
    this.#graph = graph;
    this.#around = around;
    this.#upgrade = upgrade;
  }

  /**
   * Reads the nodes, and gives what the names of outputs stand for.
   * @param source the file, for messages; "" inside a node, which names it already
   * @param attempt what is to be done with the reading of each node
   */
  run(outputs: readonly string[], source = "", attempt: Attempt = (_, read) => read()): Entry[] {
    for (const node of this.#graph.node ?? [])
      attempt(node, () =>
        inNode(node, source, () =>
          this.#reading.failures.watch(
            node,
            () => this.#shapesFor(node),
            () => {
              const called = this.#reading.functions.of(node);
              if (called) this.#call(called, node);
              else for (const step of this.#upgrade(node)) readNode(step, this);
            },
          ),
        ),
      );
    return outputs.map((name) => {
      const entry = this.#find(name);
      if (entry) return entry;
      throw new InnerloopError("bad-model", `${source && `${source}: `}nothing makes the output ${show(name)}.`);
    });
  }

  /** The shapes of what a node reads, as far as they are known. */
  #shapesFor({ input }: NodeProto): Shape[] {
    return (input ?? []).flatMap((name) => {
      const entry = name === "" ? undefined : this.#find(name);
      return entry && !isSizes(entry) ? [entry.shape] : [];
    });
  }

  /** What stands for a name whatever a node makes of it. */
  give(name: string, entry: Entry, element: NarrowType | undefined): void {
    this.set(name, entry, element);
    this.#given.add(name);
  }

  set(name: string, entry: Entry, element?: NarrowType): void {
    if (this.#given.has(name)) return;
    this.#entries.set(name, entry);
    if (element) this.#elements.set(name, element);
  }

  element(name: string): NarrowType | undefined {
    const own = this.#elements.get(name) ?? this.#reading.weights.element(this.#graph, name);
    return own ?? this.#around?.element(name);
  }

  /** What a node has made by a name, where it is a value. */
  made(name: string): [name: string, value: Value][] {
    const entry = this.#entries.get(name);
    return entry && !isSizes(entry) ? [[name, entry]] : [];
  }

  entry(name: string): Entry {
    const entry = this.#find(name);
    if (entry) return entry;
    throw new InnerloopError(
      "bad-model",
      `reads ${show(name)}, which nothing before it makes${this.#isMadeLater(name) ? "; a node after it does: nodes have to be in order, and without a circle" : ""}.`,
    );
  }

  numbers(name: string): NumberArray | undefined {
    const { weights, given } = this.#reading;
    const entry = this.#entries.get(name);
    if (!entry) return weights.numbers(this.#graph, name, given) ?? this.#around?.numbers(name);
    if (isSizes(entry)) return undefined;
    return constantOf(entry) ?? weights.numbersOf(entry);
  }

  isFixed(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry) return !isSizes(entry) && constantOf(entry) !== undefined;
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
      const inner = new Scope(this.#reading, graph, this.#upgrade, this, this.#depth + 1);
      zip(inputs, given, ({ name, element }, entry) => inner.set(name, entry, narrowed(element)));
      return inner.run(outputs);
    };
    return {
      inputs,
      outputs,
      entries,
      values: (given) => entries(given).map(toValue),
    };
  }

  #isMadeLater(name: string): boolean {
    if ((this.#graph.node ?? []).some(({ output }) => output?.includes(name))) return true;
    const around = this.#around;
    return around ? around.#isMadeLater(name) : false;
  }

  #find(name: string): Entry | undefined {
    const known = this.#entries.get(name);
    if (known) return known;
    const around = this.#around;
    const entry =
      this.#reading.weights.entry(this.#graph, name, this.#reading.given) ?? (around ? around.#find(name) : undefined);
    if (entry) this.#entries.set(name, entry);
    return entry;
  }

  /** Reads the nodes of a function in place of a call of it. */
  #call(defined: FunctionProto, call: NodeProto): void {
    spend("nodes", callCost);
    const outside = (defined.input ?? []).map((_, i) => call.input?.[i] ?? "");
    const absent = new Set((defined.input ?? []).filter((_, i) => outside[i] === ""));
    const graph: GraphProto = { node: instantiate(defined, call, absent) };
    const wanted = (call.output ?? []).slice(0, defined.output?.length ?? 0);
    const inner = new Scope(this.#reading, graph, this.#reading.upgrading(defined), undefined, this.#depth + 1);
    zip(defined.input ?? [], outside, (name, given) => {
      if (given !== "") inner.set(name, this.entry(given), this.element(given));
    });
    const used = wanted.flatMap((name, i) => (name === "" ? [] : [[name, defined.output?.[i] ?? ""] as const]));
    const results = inner.run(used.map(([, inside]) => inside));
    zip(used, results, ([name, inside], result) => this.set(name, result, inner.element(inside)));
  }
}

/** A value of what a name stands for. */
export const toValue = (entry: Entry): Value => (isSizes(entry) ? asValue(entry) : entry);

function typeOf({ name, type }: onnx.ValueInfoProto.$Properties): SubgraphInput {
  const tensor = type?.tensorType;
  const element = elementNamed(tensor?.elemType ?? 0);
  return {
    name: name ?? "",
    dtype: element && ELEMENT_TYPES[element].dtype,
    element,
    shape: tensor?.shape?.dim?.map(saidSize),
  };
}
