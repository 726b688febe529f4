// Reading ONNX: a model from PyTorch, Keras or anywhere, made of the supported operators, becomes a graph here. Its
// float weights become inputs, so that they can be meta-trained and adapted like the parameters of any other model.

import { ELEMENT_TYPES, InnerloopError, show, type Tensor } from "@innerloop/schemas";
import { decodeModel, type onnx } from "@innerloop/schemas/onnx";
import { within } from "../core/budget.ts";
import { constant, constantOf, input } from "../core/build.ts";
import { type Dim, longestSymbol } from "../core/dims.ts";
import { evaluate } from "../core/evaluate.ts";
import { isFloat } from "../core/operator.ts";
import { sizeOf } from "../core/shapes.ts";
import { type NumberArray, Value } from "../core/value.ts";
import { readers } from "./ops/index.ts";
import { Call, type Names } from "./reader/call.ts";
import { inNode, notesOf, opsetOf, refuseRepeated, refuseUnknown } from "./reader/check.ts";
import { type Entry, entryOf, isNarrow, isSizes } from "./reader/entry.ts";
import { asSizes } from "./reader/sizes.ts";
import { dtypeOf, numbersOf, type StoredArray, unsupported } from "./tensors.ts";
import { upgrading } from "./upgrade/index.ts";
import { constantPrefix } from "./writer/constants.ts";

/** The names of the ONNX operators that are read. */
export const readableOperators: readonly string[] = [...readers.keys()];

export interface OnnxModel {
  /** Every input by its name: the model's own, then its weights. Sizes that are open are named as in the file. */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  /** The numbers of the weights among `inputs`. */
  readonly initializers: Readonly<Record<string, Tensor>>;
  /** The version of `ai.onnx` that the file is written in. */
  readonly opset: number;
  /** What to know of how it was read: that the file is of a later version of the format than is known. */
  readonly notes: readonly string[];
  /**
   * The outputs for other values, of other sizes where the file leaves them open: the model as a function.
   * @param values by the name of an input; inputs without one keep their own
   * @throws InnerloopError for a name that is no input, or a value that does not fit the model
   */
  readonly apply: (values: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>;
}

type GraphProto = onnx.GraphProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;

/** The most numbers of a result that is worked out while the model is read. */
const largestFold = 4096;

/** What reading may make: some thirty times what the largest networks here take, and half a second of work. */
const budget = { nodes: 2 ** 17, numbers: 2 ** 21, work: 2 ** 23 };

/**
 * Reads an ONNX model.
 *
 * Float initializers are inputs with their numbers in `initializers`; scalars, the running statistics of batch
 * normalization, and what an operator needs to know while it is read (a shape, bounds of Pad) are constants. Initializers
 * of an element type that graphs lack (float16, bfloat16, int4, uint4) are read where a Cast reads them: in float32, int8 and
 * uint8, which hold their numbers exactly. Shapes that the model computes are worked out, with open sizes where the file names them (`dim_param`). Dropout is left out.
 *
 * @param bytes the whole file
 * @param source its name, for messages
 * @throws InnerloopError where the file is cut short, has a name twice, is of an opset that is not read, or has an operator,
 *   an element type or a use of sizes that is not supported; the message names the node. `too-large` where reading it
 *   would make more operators, constants or work than any network does.
 */
export function readOnnx(bytes: Uint8Array, source: string): OnnxModel {
  const model = decodeModel(bytes, source);
  const opset = opsetOf(model, source);
  const graph = model.graph ?? {};
  refuseUnknown(graph, opset, new Set(readableOperators), source);
  refuseRepeated(graph, source);
  const weights = new Weights(graph, source);
  const upgrade = upgrading(graph, opset);
  const nodes = (graph.node ?? []).map((node) => ({ node, newest: inNode(node, source, () => upgrade(node)) }));
  const modelInputs = table(
    (graph.input ?? [])
      .filter(({ name }) => !weights.stored.has(name ?? ""))
      .map((info) => [info.name ?? "", inputOf(info, source)]),
  );
  const build = (values: Readonly<Record<string, Value>>): Record<string, Value> =>
    within(budget, () => {
      const known = new Known(values, weights);
      for (const { node, newest } of nodes)
        inNode(node, source, () => {
          for (const step of newest) read(step, known);
        });
      return table((graph.output ?? []).map(({ name }) => [name ?? "", known.output(name ?? "", source)]));
    });
  const outputs = build(modelInputs);
  const used = weights.used();
  const inputs = table([...Object.entries(modelInputs), ...used.map(({ name, value }) => [name, value] as const)]);
  return {
    inputs,
    outputs,
    initializers: table(used.map(({ name, array }) => [name, tensorOf(array)])),
    opset,
    notes: notesOf(model, source),
    apply(values) {
      const replaced = Object.entries(values ?? {});
      const isTable = typeof values === "object" && values !== null;
      if (replaced.length === 0 ? !isTable : replaced.some(([, value]) => !(value instanceof Value)))
        throw new InnerloopError(
          "bad-argument",
          `apply was called with ${show(values)}; values of a graph by the names of inputs were expected.`,
          { exitStatus: 2 },
        );
      const stranger = Object.keys(values).find((name) => inputs[name] === undefined);
      if (stranger === undefined) return build(table([...Object.entries(modelInputs), ...replaced]));
      throw new InnerloopError(
        "unknown-input",
        `${source} has no input ${show(stranger)}; it has ${Object.keys(inputs).join(", ")}.`,
        { exitStatus: 2 },
      );
    },
  };
}

/** The initializers of a graph. Those that are learned are inputs, made at their first use. */
class Weights {
  readonly stored: ReadonlyMap<string, StoredArray>;
  readonly #measured: ReadonlySet<string>;
  readonly #inputs = new Map<string, Value>();

  constructor(graph: GraphProto, source: string) {
    this.stored = new Map(
      (graph.initializer ?? []).map((tensor) => [
        tensor.name ?? "",
        numbersOf(tensor, `${source}: the initializer ${show(tensor.name)}`),
      ]),
    );
    this.#measured = statistics(graph);
  }

  /** An initializer as an input where it is learned, else as a constant. */
  entry(name: string): Entry | undefined {
    const array = this.stored.get(name);
    if (!array) return undefined;
    const fixed = this.#measured.has(name) || name.startsWith(constantPrefix);
    if (fixed || !isFloat(array.dtype) || array.shape.length === 0) return entryOf(array);
    const value = this.#inputs.get(name) ?? input(name, array.shape, array.dtype);
    this.#inputs.set(name, value);
    return entryOf(array, value);
  }

  /** The inputs that something reads, in the order of the file. */
  used(): { readonly name: string; readonly value: Value; readonly array: NumberArray }[] {
    return [...this.stored].flatMap(([name, array]) => {
      const value = this.#inputs.get(name);
      return value ? [{ name, value, array }] : [];
    });
  }
}

/** What the names of a graph stand for while its nodes are read. */
class Known implements Names {
  readonly #entries: Map<string, Entry>;
  readonly #weights: Weights;

  constructor(values: Readonly<Record<string, Value>>, weights: Weights) {
    this.#entries = new Map(Object.entries(values));
    this.#weights = weights;
  }

  set(name: string, entry: Entry): void {
    this.#entries.set(name, entry);
  }

  entry(name: string): Entry {
    const entry = this.#entries.get(name) ?? this.#weights.entry(name);
    if (!entry) throw new InnerloopError("bad-model", `reads ${show(name)}, which nothing before it makes.`);
    this.#entries.set(name, entry);
    return entry;
  }

  numbers(name: string): NumberArray | undefined {
    const entry = this.#entries.get(name);
    if (!entry) return this.#weights.stored.get(name);
    return isSizes(entry) ? undefined : constantOf(isNarrow(entry) ? entry.wide : entry);
  }

  /** What the graph gives by a name. */
  output(name: string, source: string): Value {
    const entry = this.#entries.get(name) ?? this.#weights.entry(name);
    if (entry === undefined)
      throw new InnerloopError("bad-model", `${source}: nothing makes the output ${show(name)}.`);
    if (isSizes(entry))
      throw new InnerloopError("open-dim", `${source}: the output ${show(name)} is a size that is open.`);
    if (isNarrow(entry)) throw unsupported(ELEMENT_TYPES[entry.stored].onnx, `${source}: the output ${show(name)}`);
    return entry;
  }
}

/** A table without a prototype: a name is there only where the model has it. */
const table = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.assign(Object.create(null), Object.fromEntries(entries));

/** The names of means and variances that batch normalizations read: measured, not learned. */
function statistics(graph: GraphProto): ReadonlySet<string> {
  const norms = (graph.node ?? []).filter((node) => node.opType === "BatchNormalization");
  return new Set(norms.flatMap((node) => node.input?.slice(3, 5) ?? []));
}

function tensorOf({ dtype, shape, data }: NumberArray): Tensor {
  return { dtype, shape, data: dtype === "float64" ? data : Float32Array.from(data) };
}

function inputOf(info: onnx.ValueInfoProto.$Properties, source: string): Value {
  const name = info.name ?? "";
  const tensor = info.type?.tensorType;
  const where = `${source}: the input ${show(name)}`;
  if (!tensor?.shape)
    throw new InnerloopError(
      "bad-model",
      `${where} is no array with a known number of axes; export the model with the shapes of its inputs.`,
    );
  const shape = (tensor.shape.dim ?? []).map(({ dimValue, dimParam }, axis): Dim => {
    if (dimValue !== undefined && dimValue !== null) return Number(dimValue);
    const open = symbol(dimParam || `${name}_axis${axis}`);
    if (open.length > longestSymbol)
      throw new InnerloopError("bad-model", `${where} has a size whose name is longer than ${longestSymbol} letters.`);
    return open;
  });
  return input(name, shape, dtypeOf(tensor.elemType ?? 0, where));
}

/** A name of a size as graphs spell them: letters, digits and underscores. */
const symbol = (name: string): string => name.replaceAll(/\W/g, "_").replace(/^(?=\d)/, "_");

/** Reads one node of the newest opset. */
function read(node: NodeProto, known: Known): void {
  const call = new Call(node, known);
  const outputs = node.output ?? [];
  const result = resultOf(call, node);
  const results = isEntry(result) ? [result] : result;
  if (call.usedOutputs > results.length)
    throw new InnerloopError(
      "unsupported-output",
      `its output "${outputs[results.length]}" is used, which is not supported; only the first ${results.length === 1 ? "is" : results.length}.`,
    );
  const allKnown = (node.input ?? []).every((name) => name === "" || known.numbers(name) !== undefined);
  for (const [i, entry] of results.entries()) {
    const name = outputs[i] ?? "";
    if (name !== "") known.set(name, allKnown ? folded(entry) : entry);
  }
}

const isEntry = (result: Entry | readonly Value[]): result is Entry => !Array.isArray(result);

/** What a node becomes: of sizes that are open, sizes, where it is one that works on them. */
function resultOf(call: Call, node: NodeProto): Entry | readonly Value[] {
  const reader = readers.get(node.opType ?? "");
  if (!reader) throw new Error(`${node.opType} has no reader`);
  if (reader.sizes && call.has(0)) {
    const entries = call.entries();
    const sizes = entries.some(isSizes) && entries.every((entry) => asSizes(entry) !== undefined);
    const result = sizes ? reader.sizes(call, node) : undefined;
    if (result) return result;
  }
  return reader.read(call, node);
}

/** The numbers of a result that depends on no input. */
function folded(entry: Entry): Entry {
  if (isSizes(entry) || isNarrow(entry) || constantOf(entry)) return entry;
  const size = sizeOf(entry.shape);
  if (typeof size !== "number" || size > largestFold) return entry;
  const [array] = evaluate([entry]);
  return array ? constant(array.data, array.shape, array.dtype) : entry;
}
