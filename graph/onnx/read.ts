// Reading ONNX: a model from PyTorch, Keras or anywhere, made of the supported operators, becomes a graph here. Its
// float weights become inputs, so that they can be meta-trained and adapted like the parameters of any other model.

import { ELEMENT_TYPES, InnerloopError, type NumericName, show, type Tensor } from "@innerloop/schemas";
import { decodeModel, type onnx } from "@innerloop/schemas/onnx";
import { within } from "../core/budget.ts";
import { input } from "../core/build.ts";
import { type Dim, longestSymbol } from "../core/dims.ts";
import { zip } from "../core/lists.ts";
import { Value } from "../core/value.ts";
import type { ModelFiles } from "./files.ts";
import { readers } from "./ops/index.ts";
import { readableOpsets } from "./opsets.ts";
import {
  graphsWithin,
  namesBeside,
  notesOf,
  notesOfShapes,
  opsetOf,
  refuseContradictions,
  refuseRepeated,
  refuseUnknown,
} from "./reader/check.ts";
import { withStoredConstants } from "./reader/constants.ts";
import { Functions, isStandard, nodesWithin } from "./reader/functions.ts";
import { notesOfSharing, type Sharing, toldApart } from "./reader/joined.ts";
import { Failures, notesOfMeeting, withMeetingSizes } from "./reader/meeting.ts";
import { type Attempt, Scope, toValue } from "./reader/scope.ts";
import { sizeOfInput } from "./reader/sizes.ts";
import { Weights } from "./reader/weights.ts";
import { dtypeOf, elementNamed, elementOf, narrowed } from "./tensors.ts";
import { upgrading } from "./upgrade/index.ts";

/** The names of the ONNX operators that are read. */
export const readableOperators: readonly string[] = [...readers.keys()];

export interface ReadOptions {
  /** The names of the tensors that are outputs, whatever the file says; those of the file unless given. */
  readonly outputs?: readonly string[];
  /** The files beside the model, where its numbers may be. */
  readonly files?: ModelFiles;
}

export interface OnnxModel {
  /** Every input by its name: the model's own, then its weights. Sizes that are open are named as in the file. */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  /** The numbers of the weights among `inputs`, each read when its `data` is asked for. Long lists of whole numbers are among them. */
  readonly initializers: Readonly<Record<string, Tensor>>;
  /**
   * The element types of inputs, weights and outputs that the file has in types which graphs lack (float16, bfloat16, int4 …): they are
   * computed in a dtype that holds their numbers, and `writeOnnx` writes them in these types again where it is given this.
   */
  readonly elements: Readonly<Record<string, NumericName>>;
  /** The version of `ai.onnx` that the file is written in. */
  readonly opset: number;
  /** What the model's nodes make, by name; sizes that are worked out while it is read are not among it. */
  readonly tensors: Readonly<Record<string, Value>>;
  /** Which weights several nodes read, and which the file stores as though they did. */
  readonly sharing: Sharing;
  /** What to know of how it was read: that the file is of a later version of the format than is known, or weights that were told apart. */
  readonly notes: readonly string[];
  /**
   * The outputs for other values, of other sizes where the file leaves them open: the model as a function.
   * @param values by the name of an input, or of one of `tensors`, which then stands for what the model would make; inputs without
   *   one keep their own
   * @param names what is wanted: outputs, or others of `tensors`; the outputs unless given
   * @throws InnerloopError for a name that is none of them, or a value that does not fit the model
   */
  readonly apply: (
    values: Readonly<Record<string, Value>>,
    names?: readonly string[],
  ) => Readonly<Record<string, Value>>;
}

type FunctionProto = onnx.FunctionProto.$Properties;

/** What reading may make: some thirty times what the largest networks here take, and half a second of work. */
const budget = { nodes: 2 ** 17, numbers: 2 ** 21, work: 2 ** 23 };

/**
 * Reads an ONNX model.
 *
 * Float initializers are inputs with their numbers in `initializers`; scalars, the running statistics of batch
 * normalization, and what an operator needs to know while it is read (a shape, bounds of Pad) are constants. What is of an
 * element type that graphs lack (float16, bfloat16, float8, int4 …) is computed in float32, int8 or uint8, which hold its
 * numbers exactly, and is rounded where a Cast of the file says so. Shapes that the model computes are worked out, with open sizes where the file names them (`dim_param`). Dropout is left out.
 *
 * @param bytes the whole file
 * @param source its name, for messages
 * @param options.files what lies beside the model, where its numbers may be; those are read when they are asked for
 * @throws InnerloopError where the file is cut short, has a name twice, is of an opset that is not read, or has an operator,
 *   an element type or a use of sizes that is not supported; the message names the node. `too-large` where reading it
 *   would make more operators, constants or work than any network does.
 */
export const readOnnx = (bytes: Uint8Array, source: string, options: ReadOptions = {}): OnnxModel =>
  readModel(decodeModel(bytes, source), source, options);

/**
 * The same of a model that is decoded already.
 * @param attempt what is done with the reading of each node, for a survey that goes on where one cannot be read
 */
export function readModel(
  model: onnx.ModelProto,
  source: string,
  options: ReadOptions = {},
  attempt?: Attempt,
): OnnxModel {
  const original = model.graph ?? {};
  const nodes = nodesWithin(original.node ?? []);
  const isForeign = nodes.length > 0 && nodes.every(({ domain }) => !isStandard(domain));
  const opset = opsetOf(model.opsetImport, source, isForeign ? readableOpsets.newest : undefined);
  const functions = new Functions(model, source);
  const called = functions.called(nodes);
  const opsetIn = (defined?: FunctionProto) => opsetOf(defined?.opsetImport ?? [], source, opset);
  const readable = new Set(readableOperators);
  if (!attempt) refuseUnknown(original.node ?? [], opset, functions, readable, source);
  for (const each of called) refuseUnknown(each.node ?? [], opsetIn(each), functions, readable, source);
  const graphs = graphsWithin(original);
  for (const each of graphs) refuseRepeated(each, source);
  // A survey goes by the nodes as they are.
  const { graph, sharing } = attempt
    ? { graph: original, sharing: { tied: [], apart: [] } }
    : toldApart(withStoredConstants(original), source, options.files);
  const weights = new Weights(graph, source, options.files);
  refuseContradictions(graph, (name) => weights.stored(graph, name), source);
  const unique = namesBeside(graphs, called);
  const upgradingIn = (defined?: FunctionProto) => upgrading(opsetIn(defined), unique);
  const elements = new Map<string, NumericName>();
  for (const { name, type } of graph.input ?? []) {
    const element = elementNamed(type?.tensorType?.elemType ?? 0);
    if (element) elements.set(name ?? "", element);
  }
  const saidInputs = table(
    (graph.input ?? [])
      .filter(({ name }) => !weights.has(graph, name ?? ""))
      .map((info) => [info.name ?? "", inputOf(info, source)]),
  );
  const saidOutputs = new Map((graph.output ?? []).map((info) => [info.name ?? "", info]));
  const outputNames = options.outputs ?? (graph.output ?? []).map(({ name }) => name ?? "");
  const build = (values: Readonly<Record<string, Value>>, names: readonly string[], failures = new Failures()): Built =>
    within(budget, () => {
      const given = new Map(Object.entries(values));
      const scope = new Scope({ functions, weights, given, upgrading: upgradingIn, failures }, graph, upgradingIn());
      for (const [name, value] of given) scope.give(name, value, narrowed(elements.get(name)));
      const results = scope.run(names, source, attempt).map(toValue);
      zip(names, results, (name, value) => {
        const element = elementOfOutput(name, saidOutputs.get(name), value, scope.element(name), source);
        if (element) elements.set(name, element);
      });
      return { scope, outputs: table(zip(names, results, (name, value) => [name, value])) };
    });
  const met = withMeetingSizes(saidInputs, (values, failures) => build(values, outputNames, failures));
  const {
    inputs: modelInputs,
    result: { scope, outputs },
  } = met;
  const made = (graph.node ?? []).flatMap(({ output }) => output ?? []);
  const tensors = table(made.flatMap((name) => scope.made(name)));
  const used = weights.used();
  const inputs = table([...Object.entries(modelInputs), ...used.map(({ name, value }) => [name, value] as const)]);
  for (const { name, element } of used) if (element) elements.set(name, element);
  return {
    inputs,
    outputs,
    initializers: table(used.map(({ name, tensor }) => [name, tensor])),
    elements: table(
      [...elements].filter(([name, element]) => narrowed(element) && (name in inputs || name in outputs)),
    ),
    opset,
    tensors,
    sharing,
    notes: [
      ...notesOf(model, source),
      ...notesOfSharing(sharing, source),
      ...notesOfMeeting(met.joined, source),
      ...notesOfShapes(graph.output ?? [], outputs, source),
    ],
    apply(values, names = outputNames) {
      const replaced = Object.entries(values ?? {});
      const isTable = typeof values === "object" && values !== null;
      if (replaced.length === 0 ? !isTable : replaced.some(([, value]) => !(value instanceof Value)))
        throw new InnerloopError(
          "bad-argument",
          `apply was called with ${show(values)}; values of a graph by the names of inputs were expected.`,
          { exitStatus: 2 },
        );
      const stranger = Object.keys(values).find((name) => (inputs[name] ?? tensors[name]) === undefined);
      if (stranger === undefined) return build(table([...Object.entries(modelInputs), ...replaced]), names).outputs;
      throw new InnerloopError(
        "unknown-input",
        `${source} has no input ${show(stranger)}; it has ${Object.keys(inputs).join(", ")}.`,
        { exitStatus: 2 },
      );
    },
  };
}

interface Built {
  readonly scope: Scope;
  readonly outputs: Record<string, Value>;
}

/** A table without a prototype: a name is there only where the model has it. */
const table = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.assign(Object.create(null), Object.fromEntries(entries));

/** The element type of an output, which a file may leave out. @throws InnerloopError where it says another than the model makes */
function elementOfOutput(
  name: string,
  info: onnx.ValueInfoProto.$Properties | undefined,
  { dtype }: Value,
  made: NumericName | undefined,
  source: string,
): NumericName | undefined {
  const number = info?.type?.tensorType?.elemType;
  const said = number ? elementOf(number, `${source}: the output ${show(name)}`) : undefined;
  if (!said || ELEMENT_TYPES[said].dtype === dtype) return said ?? made;
  throw new InnerloopError(
    "bad-model",
    `${source}: the output ${show(name)} is said to be ${said}, but the model makes ${made ?? dtype} of it; export the model again.`,
  );
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
  const shape = (tensor.shape.dim ?? []).map((dim, axis): Dim => {
    const open = sizeOfInput(dim, name, axis);
    if (typeof open === "string" && open.length > longestSymbol)
      throw new InnerloopError("bad-model", `${where} has a size whose name is longer than ${longestSymbol} letters.`);
    return open;
  });
  return input(name, shape, dtypeOf(tensor.elemType ?? 0, where));
}
