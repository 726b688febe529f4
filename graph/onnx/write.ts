// Writing a graph as an ONNX file: plain `ai.onnx`, readable names, every constant once, nothing unused. How one operator is
// written is in its entry in `ops/`.
import { InnerloopError, type NumericName, type Tensor } from "@innerloop/schemas";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { type CompileOptions, lower } from "../compile/compile.ts";
import { nodesInOrder } from "../compile/order.ts";
import { constantOf, inputName, isInput } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import { isAuthored } from "../core/operator.ts";
import { toldBy } from "../core/told.ts";
import { type Body, is, type Node, operandsOf, type Subgraph, type Value } from "../core/value.ts";
import { bodiesOf, dependents, topological, withInner } from "../core/walk.ts";
import type { Target } from "../lowering/lower.ts";
import { onnxTarget } from "../lowering/onnx.ts";
import { halfNodes, isHalf } from "../lowering/precision.ts";
import { AsSizes } from "../ops/internal/sizes.ts";
import { Narrow } from "../ops/narrowing.ts";
import { nameOfParameter } from "../transforms/subgraph.ts";
import { type AttributeProto, anyElementType, written } from "./attributes.ts";
import { authoredForm, opsetFor } from "./authored.ts";
import { writerOf } from "./ops/index.ts";
import { defaultOpset, irVersion, writable } from "./opsets.ts";
import type { External } from "./sidecar.ts";
import { Borders, borderCast, opsetForElements } from "./writer/borders.ts";
import { Constants } from "./writer/constants.ts";
import { foreign, nameIn } from "./writer/domains.ts";
import type { Form, Writing } from "./writer/form.ts";
import { UniqueNames } from "./writer/names.ts";
import { partsIn } from "./writer/parts.ts";
import { OpenSizes } from "./writer/sizes.ts";
import { conditionInfo, ValueNames, valueInfo } from "./writer/values.ts";

export interface WriteOptions {
  /** Numbers that an input has unless the caller gives others. */
  readonly initializers?: Readonly<Record<string, Tensor>>;
  /** The graph's name. */
  readonly name?: string;
  /** Goes into the file's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The names of inputs that no caller gives: they are the numbers in `initializers`, and part of the model. */
  readonly fixed?: ReadonlySet<string>;
  /** Where the numbers of an initializer lie, where they lie in a file beside the model: a `Sidecar`'s, or of one's own. */
  readonly external?: External;
  /** Inputs in this order; others follow. Named inputs are declared even where nothing uses them. */
  readonly inputs?: readonly Value[];
  /** ai.onnx 17 to 28; 18 unless given. */
  readonly opset?: number;
  /** `float16`: what can be is computed in it, between Casts; inputs, outputs and weights stay float32. */
  readonly precision?: "float16";
  /** Element types of inputs and outputs that graphs have no dtype for, by their names, as `OnnxModel.elements` has them. */
  readonly elements?: Readonly<Record<string, NumericName>>;
  readonly target?: Target;
  /** Passes of the compiler that are left out, and who is told of the others. */
  readonly passes?: CompileOptions;
  readonly producer?: { readonly name: string; readonly version: string };
}

type NodeProto = onnx.NodeProto.$Properties;

/**
 * The bytes of an ONNX model that computes `outputs`.
 * @param outputs by the names that they get
 * @throws InnerloopError where an operator has no ONNX form or a size cannot be known; `bad-option` for an opset that is not written
 */
export function writeOnnx(outputs: Readonly<Record<string, Value>>, options: WriteOptions = {}): Uint8Array {
  const asked = writable(options.opset ?? defaultOpset);
  const { precision } = options;
  const target =
    options.target ??
    onnxTarget({
      ...(options.opset && { opset: options.opset }),
      ...(precision && { precision }),
      ...(options.fixed && { fixed: options.fixed }),
    });
  const names = Object.keys(outputs);
  const lowered = lower(Object.values(outputs), target, options.passes);
  const elements = options.elements ?? {};
  const nodes = withInner(lowered);
  const narrow = nodes.flatMap((node) => (is(node, Narrow) ? [node.attributes.to] : []));
  const opset = Math.max(asked, opsetFor(nodes), opsetForElements([...Object.values(elements), ...narrow]));
  const writer = new Writer(
    opset,
    precision ? halfNodes(lowered) : new Set(),
    new Borders(elements, options.external),
    nodesInOrder(lowered, options.passes?.without),
  );
  const results = lowered.flatMap((value, i): Output[] => {
    const name = names[i];
    return name === undefined ? [] : [{ name, value }];
  });
  return encodeModel({
    irVersion: irVersion(opset),
    opsetImport: [{ domain: "", version: opset }, ...foreign(nodes).map((domain) => ({ domain, version: 1 }))],
    producerName: options.producer?.name ?? "innerloop",
    producerVersion: options.producer?.version ?? "",
    graph: {
      name: options.name ?? "innerloop",
      ...writer.graph(results, options),
    },
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
}

interface Output {
  readonly name: string;
  readonly value: Value;
}

class Writer {
  readonly #nodes: readonly Node[];
  readonly #opset: number;
  readonly #borders: Borders;
  /** The nodes that compute in float16. */
  readonly #halves: ReadonlySet<Node>;

  /** The nodes of the file, but for those in the bodies of loops. */
  readonly #main: NodeProto[] = [];
  readonly #unique: UniqueNames;
  readonly #constants: Constants;
  readonly #values: ValueNames;
  readonly #sizes: OpenSizes;
  readonly #done = new Set<Node>();
  /** For each symbol that only data tell, the node that makes a value of that size. */
  readonly #binders = new Map<string, Node>();

  /**
   * @param nodes in their order in the file
   * @param around the writer of the graph that has this one in a node, whose names are seen in it
   */
  constructor(opset: number, halves: ReadonlySet<Node>, borders: Borders, nodes: readonly Node[], around?: Writer) {
    this.#borders = borders;
    this.#nodes = nodes;
    this.#opset = opset;
    this.#halves = halves;
    this.#unique = around ? around.#unique : new UniqueNames();
    this.#constants = around ? around.#constants : new Constants(this.#unique, borders.external);
    this.#values = new ValueNames(this.#unique, this.#constants, this.#main);
    this.#sizes = new OpenSizes({
      names: this.#unique,
      constants: this.#constants,
      nodes: this.#main,
      reach: (symbol) => this.#reach(symbol),
      around: around ? around.#sizes : undefined,
    });
  }

  /**
   * The graph.
   * @param declared inputs in this order; others follow
   */
  graph(
    outputs: readonly Output[],
    { inputs: declared = [], initializers = {}, fixed = new Set() }: WriteOptions,
  ): onnx.GraphProto.$Properties {
    const bodies = this.#nodes.flatMap(bodiesOf);
    const parameters = new Set(bodies.flatMap((body) => body.parameters));
    const values = this.#nodes.flatMap((node) => node.outputs);
    const parts = partsIn(this.#nodes, (input) =>
      fixed.has(inputName(input)) ? initializers[inputName(input)] : undefined,
    );
    const read = new Set([
      ...outputs.map(({ value }) => value),
      ...this.#nodes.flatMap((node) => (parts.has(node) ? [] : node.needs)),
    ]);
    const used = values.filter((value) => isInput(value) && !parameters.has(value) && read.has(value));
    const inputs = [...new Set([...declared, ...used])];
    for (const input of inputs) this.#values.claim(input, inputName(input));
    for (const output of outputs) this.#nameOutput(output);
    for (const input of inputs) this.#sizes.learn(input, this.#values.name(input));
    for (const input of used) this.#widen(input, inputName(input));
    const cut = [...parts].map(([node, { part, input, start, tensor }]) => {
      this.#done.add(node);
      const name = this.#values.claim(part, `${inputName(input)}/${start}`);
      this.#widen(part, name, input);
      return { ...this.#borders.initializer(inputName(input), input, tensor), name };
    });
    this.#findBinders();
    const inside = insideLoops(bodies);
    for (const node of this.#nodes) if (!inside.has(node)) this.#write(node, this.#main);
    for (const { name, value } of outputs) {
      const element = this.#borders.of(name, value);
      if (element !== value.dtype) {
        this.#cast(this.#values.name(value), name, borderCast(element), this.#main);
        continue;
      }
      const known = this.#values.output(value, name);
      if (known !== name)
        this.#main.push({ opType: "Identity", input: [known], output: [name], name: `output/${name}` });
    }
    const stored = inputs.flatMap((value) => {
      const tensor = initializers[inputName(value)];
      return tensor ? [this.#borders.initializer(inputName(value), value, tensor)] : [];
    });
    return {
      node: this.#main,
      input: inputs.flatMap((value) => {
        const name = inputName(value);
        return fixed.has(name) ? [] : [this.#borders.info(name, value)];
      }),
      output: outputs.map(({ name, value }) => this.#borders.info(name, value, (dim) => this.#sizes.shown(dim))),
      initializer: [...stored, ...cut, ...this.#constants.tensors],
    };
  }

  #findBinders(): void {
    for (const node of this.#nodes) {
      const { size } = node.attributes;
      const told = node.inputs.length > 0 && typeof size === "string" ? [size, ...toldBy(node)] : toldBy(node);
      for (const symbol of told) if (!this.#binders.has(symbol)) this.#binders.set(symbol, node);
    }
  }

  /**
   * A graph inside a node, as a graph of the file.
   * @param own how many of the values that it takes are its own inputs; the others have names outside
   */
  inside(
    { takes, gives }: Subgraph,
    own: number,
    outer: readonly string[],
    scope: string,
  ): onnx.GraphProto.$Properties {
    const prefix = scope ? `${scope}/` : "";
    const writer = new Writer(this.#opset, new Set(), this.#borders, topological(gives), this);
    takes.forEach((value, i) => {
      const name = outer[i - own];
      if (i < own || name === undefined) writer.#values.claim(value, `${prefix}${nameOfParameter(value)}`);
      else writer.#values.set(value, name);
      writer.#done.add(value.node);
      writer.#sizes.learn(value, writer.#values.name(value));
    });
    return writer.#bodyOf(takes.slice(0, own), gives, prefix);
  }

  #bodyOf(own: readonly Value[], gives: readonly Value[], prefix: string): onnx.GraphProto.$Properties {
    this.#findBinders();
    const given = new Set(own);
    for (const node of this.#nodes) this.#write(node, this.#main);
    const output = gives.map((value, i) => {
      const input = this.#values.name(value);
      const made = this.#main.some((node) => node.output?.includes(input));
      if (made && !given.has(value)) {
        given.add(value);
        return valueInfo(input, value);
      }
      const name = this.#unique.unique(`${prefix}give${i}`);
      this.#main.push({ opType: "Identity", input: [input], output: [name], name });
      return valueInfo(name, value);
    });
    const input = own.map((value) => valueInfo(this.#values.name(value), value));
    return { name: `${prefix}body`, node: this.#main, input, output };
  }

  /** A value that is made for an output has its name; constants, inputs and what is in float16 are copied to it. */
  #nameOutput({ name, value }: Output): void {
    if (this.#unique.has(name))
      throw new InnerloopError(
        "name-taken",
        `The output "${name}" has the name of an input; ONNX needs another one, such as "next/${name}".`,
      );
    this.#unique.take(name);
    if (this.#borders.of(name, value) !== value.dtype) return;
    if (!this.#values.known(value) && !constantOf(value) && !isHalf(value, this.#halves)) this.#values.set(value, name);
  }

  /** An input, or a part of one, that the file has in a narrower element type is read through a Cast. */
  #widen(value: Value, name: string, input = value): void {
    if (this.#borders.of(inputName(input), input) === input.dtype) return;
    const wide = this.#values.claim(value, `${name}/${input.dtype}`);
    this.#cast(name, wide, [written("to", anyElementType(), input.dtype)], this.#main);
  }

  #cast(from: string, to: string, attribute: AttributeProto[], block: NodeProto[]): void {
    block.push({ opType: "Cast", input: [from], output: [to], attribute, name: to });
  }

  #reach(symbol: string): void {
    const binder = this.#binders.get(symbol);
    if (binder) for (const node of topological(binder.outputs)) this.#write(node, this.#main);
  }

  #write(node: Node, block: NodeProto[]): void {
    const { operator, outputs } = node;
    const [first] = outputs;
    if (!first || constantOf(first) || isInput(first) || this.#done.has(node)) return;
    this.#done.add(node);
    const opType = operator.writtenAs ?? operator.name;
    const { input, attribute = [], element } = this.#form(node, opType);
    const called = nameIn(opType);
    const wanted = `${node.scope ? `${node.scope}/` : ""}${called.opType}`;
    const names = outputs.map((output) =>
      isHalf(output, this.#halves)
        ? this.#values.claimHalf(output, wanted)
        : (this.#values.known(output) ?? this.#values.claim(output, wanted)),
    );
    // What graphs have no dtype for has a name of its own, and is cast to the value's.
    const given = names.map((name) => (element ? this.#unique.unique(`${name}/${element}`) : name));
    block.push({ ...called, input: [...input], attribute: [...attribute], output: given, name: given[0] ?? "" });
    if (element)
      zip(given, names, (from, name) => this.#cast(from, name, [written("to", anyElementType(), first.dtype)], block));
    if (block !== this.#main) return;
    for (const output of outputs)
      if (!isHalf(output, this.#halves)) this.#sizes.learn(output, this.#values.name(output));
    if (is(node, AsSizes)) this.#sizes.learnEntries(node.attributes.fresh, this.#values.name(first), first.rank);
  }

  /** The inputs and attributes of a node: as its operator's entry says, or those that it has. */
  #form(node: Node, opType: string): Form {
    const entry = writerOf(node.operator.name) ?? writerOf(opType);
    if (!entry)
      throw new InnerloopError(
        "unsupported-operator",
        `${opType} is no operator of ONNX that is written; give a target that takes it apart.`,
      );
    const half = this.#halves.has(node);
    const name = (value: Value | undefined) => {
      if (!value) return "";
      return half && value.dtype === "float32" ? this.#values.half(value) : this.#values.name(value);
    };
    let inputs: readonly string[] | undefined;
    const names = () => {
      inputs ??= node.inputs.map(name);
      return inputs;
    };
    const attributes = (): AttributeProto[] =>
      Object.entries(node.attributes).flatMap(([key, value]) => {
        const attribute = entry.attributes[key];
        if (attribute) return value === undefined ? [] : [written(key, attribute, value)];
        throw new Error(`${opType} has no attribute ${key} in ONNX; its entry has to say how it is written.`);
      });
    const to: Writing = {
      opset: this.#opset,
      half,
      inputs: names,
      input(i) {
        const known = names()[i];
        if (known !== undefined) return known;
        throw new Error(`${opType} lacks input ${i}.`);
      },
      attributes,
      constant: (array) =>
        half && array.dtype === "float32" ? this.#constants.half(array) : this.#constants.array(array),
      scalar: (number) => this.#constants.scalar(number),
      list: (numbers) => this.#constants.list(numbers),
      size: (dim) => this.#sizes.size(dim),
      scalarSize: (dim) => this.#sizes.scalar(dim),
      shape: (shape) => this.#sizes.shape(shape),
      loop: (body) => this.#loop(node, body),
      inside: (graph, own, outer) => this.inside(graph, own, outer, node.scope),
    };
    if (isAuthored(node.operator)) return authoredForm(node, entry, to);
    return entry.write?.(node, to) ?? { input: names(), attribute: attributes() };
  }

  #loop(node: Node, { parameters, results }: Body): Form {
    const block: NodeProto[] = [];
    const prefix = node.scope ? `${node.scope}/` : "";
    for (const parameter of parameters) this.#values.claim(parameter, `${prefix}${inputName(parameter)}`);
    const inside = dependents(results, parameters);
    const steps = topological(results);
    // What a loop within this one carries is known in that one alone.
    const deeper = insideLoops(steps.flatMap(bodiesOf));
    for (const step of steps) if (inside.has(step) && !deeper.has(step)) this.#write(step, block);
    const copied = (input: string, wanted: string): string => {
      const name = this.#unique.unique(wanted);
      block.push({ opType: "Identity", input: [input], output: [name], name });
      return name;
    };
    const output = results.map((value, i) => {
      const wanted = `${prefix}next${i}`;
      return valueInfo(copied(this.#values.name(value), wanted), value);
    });
    const going = this.#unique.unique(`${prefix}going`);
    const on = copied(going, `${prefix}go_on`);
    const [turn, ...carried] = parameters.map((parameter) => valueInfo(this.#values.name(parameter), parameter));
    const graph: onnx.GraphProto.$Properties = {
      name: `${prefix}body`,
      node: block,
      input: [...(turn ? [turn] : []), conditionInfo(going), ...carried],
      output: [conditionInfo(on), ...output],
    };
    const [count = "", ...initial] = operandsOf(node).map((value) => this.#values.name(value));
    return {
      input: [count, "", ...initial],
      attribute: [{ name: "body", type: onnx.AttributeProto.AttributeType.GRAPH, g: graph }],
    };
  }
}

/** Nodes that belong in a loop's body because they depend on what it carries. */
function insideLoops(bodies: readonly Body[]): Set<Node> {
  const carried = bodies.flatMap(({ parameters, results }) => [...dependents(results, parameters)]);
  return new Set([...carried, ...bodies.flatMap(({ parameters }) => parameters.map((parameter) => parameter.node))]);
}
