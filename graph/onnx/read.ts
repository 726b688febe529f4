// Reading ONNX: a model from PyTorch, Keras or anywhere, made of the supported operators, becomes a graph here. Its
// float weights become inputs, so that they can be meta-trained and adapted like the parameters of any other model.

import { InnerloopError, show, type Tensor } from "@innerloop/schemas";
import { decodeModel, type onnx } from "@innerloop/schemas/onnx";
import { within } from "../core/budget.ts";
import { type Dim, longestSymbol, sizeOf } from "../core/dims.ts";
import { evaluate } from "../core/evaluate.ts";
import { isFloat } from "../core/operator.ts";
import { constant, constantOf, input, type NumberArray, Value } from "../core/value.ts";
import { Call, calls, type Entry, type Names } from "./calls.ts";
import { asSizes, isSizes, sizeRules } from "./sizes.ts";
import { dtypeOf, numbersOf } from "./tensors.ts";
import { constantPrefix } from "./write.ts";

/** The `ai.onnx` operator sets whose models are read. */
export const readableOpsets = { oldest: 13, newest: 21 } as const;

/** The names of the ONNX operators that are read. */
export const readableOperators: readonly string[] = [...calls.keys()];

export interface OnnxModel {
  /** Every input by its name: the model's own, then its weights. Sizes that are open are named as in the file. */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  /** The numbers of the weights among `inputs`. */
  readonly initializers: Readonly<Record<string, Tensor>>;
  /** The version of `ai.onnx` that the file is written in. */
  readonly opset: number;
  /**
   * The outputs for other values, of other sizes where the file leaves them open: the model as a function.
   * @param values by the name of an input; inputs without one keep their own
   * @throws InnerloopError for a name that is no input, or a value that does not fit the model
   */
  readonly apply: (values: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>;
}

/** The most numbers of a result that is worked out while the model is read. */
const largestFold = 4096;

/** What reading may make: some thirty times what the largest networks here take, and half a second of work. */
const budget = { nodes: 2 ** 17, numbers: 2 ** 21, work: 2 ** 23 };

/**
 * Reads an ONNX model.
 *
 * Float initializers are inputs with their numbers in `initializers`; scalars, the running statistics of batch
 * normalization, and what an operator needs to know while it is read (a shape, bounds of Pad) are constants. Shapes
 * that the model computes are worked out, with open sizes where the file names them (`dim_param`). Dropout is left out.
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
  const graph = model.graph!;
  refuseUnknown(graph, source);
  refuseRepeated(graph, source);
  const stored = new Map(
    (graph.initializer ?? []).map((tensor) => [
      tensor.name ?? "",
      numbersOf(tensor, `${source}: the initializer ${show(tensor.name)}`),
    ]),
  );
  const fixedNames = statistics(graph);
  const isWeight = (name: string): boolean => {
    const array = stored.get(name);
    const fixed = fixedNames.has(name) || name.startsWith(constantPrefix);
    return array !== undefined && isFloat(array.dtype) && array.shape.length > 0 && !fixed;
  };
  const own = table(
    (graph.input ?? [])
      .filter(({ name }) => !stored.has(name ?? ""))
      .map((info) => [info.name ?? "", inputOf(info, source)]),
  );
  const used = new Map<string, Value>();
  const weight = (name: string): Value => {
    const { shape, dtype } = stored.get(name)!;
    const value = used.get(name) ?? input(name, shape, dtype);
    used.set(name, value);
    return value;
  };
  const build = (values: Readonly<Record<string, Value>>): Record<string, Value> =>
    within(budget, () => {
      const known = new Map<string, Entry>(Object.entries(values));
      const names: Names = {
        entry(name) {
          const entry = known.get(name) ?? (isWeight(name) ? weight(name) : literal(stored.get(name)));
          if (!entry) throw new InnerloopError("bad-model", `reads ${show(name)}, which nothing before it makes.`);
          known.set(name, entry);
          return entry;
        },
        numbers(name) {
          const entry = known.get(name);
          return entry ? (isSizes(entry) ? undefined : constantOf(entry)) : stored.get(name);
        },
      };
      for (const node of graph.node ?? []) inNode(node, source, () => read(node, opset, names, known));
      return table(
        (graph.output ?? []).map(({ name = "" }) => {
          const entry = known.get(name ?? "") ?? (stored.has(name ?? "") ? names.entry(name ?? "") : undefined);
          if (entry === undefined)
            throw new InnerloopError("bad-model", `${source}: nothing makes the output ${show(name)}.`);
          if (isSizes(entry))
            throw new InnerloopError("open-dim", `${source}: the output ${show(name)} is a size that is open.`);
          return [name ?? "", entry];
        }),
      );
    });
  const outputs = build(own);
  const weights = [...stored.keys()].filter((name) => used.has(name));
  const inputs = table([...Object.entries(own), ...weights.map((name) => [name, used.get(name)!] as const)]);
  return {
    inputs,
    outputs,
    initializers: table(weights.map((name) => [name, tensorOf(stored.get(name)!)])),
    opset,
    apply(values) {
      const given = Object.entries(values ?? {});
      if (
        given.length === 0
          ? typeof values !== "object" || values === null
          : given.some(([, it]) => !(it instanceof Value))
      )
        throw new InnerloopError(
          "bad-argument",
          `apply was called with ${show(values)}; values of a graph by the names of inputs were expected.`,
          { exitStatus: 2 },
        );
      const stranger = Object.keys(values).find((name) => inputs[name] === undefined);
      if (stranger === undefined) return build(table([...Object.entries(own), ...given]));
      throw new InnerloopError(
        "unknown-input",
        `${source} has no input ${show(stranger)}; it has ${Object.keys(inputs).join(", ")}.`,
        { exitStatus: 2 },
      );
    },
  };
}

function opsetOf(model: onnx.ModelProto, source: string): number {
  const { oldest, newest } = readableOpsets;
  const own = model.opsetImport.find(({ domain }) => isOwnDomain(domain));
  const opset = Number(own?.version ?? 0);
  if (opset >= oldest && opset <= newest) return opset;
  throw new InnerloopError(
    "unsupported-opset",
    `${source} is written in ${own ? `opset ${opset} of ai.onnx` : "no opset of ai.onnx"}; opsets ${oldest} to ${newest} are read; ` +
      `export the model again with opset_version=${Math.min(Math.max(opset, 17), newest)}.`,
  );
}

const isOwnDomain = (domain: string | null | undefined): boolean => !domain || domain === "ai.onnx";

/** Every operator that is not supported is named at once, so that nobody has to find them one by one. */
function refuseUnknown(graph: onnx.GraphProto.$Properties, source: string): void {
  const unknown = (graph.node ?? []).filter(({ domain, opType }) => !isOwnDomain(domain) || !calls.has(opType ?? ""));
  if (unknown.length === 0) return;
  const listed = unknown.slice(0, 5).map((node) => `${node.domain ? `${node.domain}.` : ""}${labelOf(node)}`);
  const more = unknown.length > listed.length ? `, and ${unknown.length - listed.length} more` : "";
  throw new InnerloopError(
    "unsupported-operator",
    `${source} has operators that are not supported: ${listed.join(", ")}${more}; ` +
      `${readableOperators.length} operators of ai.onnx are read, which docs/operators.md lists; ` +
      "export the model without these, or write them with operators of the list.",
  );
}

/** A name that stands for two things would stand for the one or the other, as a reader likes. */
function refuseRepeated(graph: onnx.GraphProto.$Properties, source: string): void {
  const named = (list: readonly { readonly name?: string | null }[] | null | undefined) =>
    (list ?? []).map(({ name }) => name ?? "");
  const made = (graph.node ?? []).flatMap(({ output }) => (output ?? []).filter((name) => name !== ""));
  const stored = named(graph.initializer);
  const inputs = named(graph.input);
  const lists: [what: () => string, names: string[]][] = [
    [() => "what an initializer, an input or a node makes", [...new Set([...stored, ...inputs]), ...made]],
    [() => "initializers", stored],
    [() => "inputs", inputs],
    [() => "outputs", named(graph.output)],
  ];
  for (const node of graph.node ?? [])
    if (node.attribute?.length) lists.push([() => `attributes of ${labelOf(node)}`, named(node.attribute)]);
  for (const [what, names] of lists) {
    const seen = new Set([""]);
    const repeated = names.find((name) => seen.size === seen.add(name).size);
    if (repeated === undefined) continue;
    throw new InnerloopError(
      "bad-model",
      `${source}: ${what()}: the name ${show(repeated)} is ${repeated === "" ? "no name" : "there twice"}; give each its own name.`,
    );
  }
}

/** A table without a prototype: a name is there only where the model has it. */
const table = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.assign(Object.create(null), Object.fromEntries(entries));

const labelOf = (node: onnx.NodeProto.$Properties): string =>
  `${show(node.opType).slice(1, -1)} (node ${show(node.name || node.output?.[0] || "without a name")})`;

/** Says which node of which file an error is about. */
function inNode<T>(node: onnx.NodeProto.$Properties, source: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof InnerloopError)
      throw new InnerloopError(error.code, `${source}: ${labelOf(node)}: ${error.message}`, { cause: error });
    // An operator's rule met what no exporter writes: an input that is missing, a list that is empty, a number for a size.
    throw new InnerloopError(
      "bad-model",
      `${source}: ${labelOf(node)} has inputs or attributes that do not go together (${(error as Error).message}); export the model again.`,
      { cause: error },
    );
  }
}

/** The names of means and variances that batch normalizations read: measured, not learned. */
function statistics(graph: onnx.GraphProto.$Properties): ReadonlySet<string> {
  const norms = (graph.node ?? []).filter((node) => node.opType === "BatchNormalization");
  return new Set(norms.flatMap((node) => node.input?.slice(3, 5) ?? []));
}

const literal = (array: NumberArray | undefined): Value | undefined =>
  array && constant(array.data, array.shape, array.dtype);

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

function read(node: onnx.NodeProto.$Properties, opset: number, names: Names, known: Map<string, Entry>): void {
  const call = new Call(node, opset, names);
  const outputs = node.output ?? [];
  const result = sizeResult(call, node) ?? calls.get(node.opType ?? "")!(call);
  const results: readonly Entry[] = Array.isArray(result) ? result : [result as Entry];
  if (call.outputs > results.length)
    throw new InnerloopError(
      "unsupported-output",
      `its output "${outputs[results.length]}" is used, which is not supported; only the first ${results.length === 1 ? "is" : results.length}.`,
    );
  const allKnown = (node.input ?? []).every((name) => name === "" || names.numbers(name) !== undefined);
  outputs.forEach((name, i) => {
    if (name !== "") known.set(name, allKnown ? folded(results[i]!) : results[i]!);
  });
}

/** What a node makes of sizes that are open, where it is one that works on sizes. */
function sizeResult(call: Call, node: onnx.NodeProto.$Properties): Entry | undefined {
  const rule = sizeRules.get(node.opType ?? "");
  if (!rule || !call.has(0)) return undefined;
  const entries = call.entries();
  if (!entries.some(isSizes)) return undefined;
  const lists = entries.map(asSizes);
  return lists.every((list) => list !== undefined) ? rule(call, ...lists) : undefined;
}

/** The numbers of a result that depends on no input. */
function folded(entry: Entry): Entry {
  if (isSizes(entry) || constantOf(entry)) return entry;
  const size = sizeOf(entry.shape);
  if (typeof size !== "number" || size > largestFold) return entry;
  const [array] = evaluate([entry]);
  return literal(array)!;
}
