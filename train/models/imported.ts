// A network of an ONNX file as a model to meta-train: what its last classifier reads are the features, its weights are where the body starts, and
// the head is a fresh one.
import { readFileSync } from "node:fs";
import {
  constant,
  findEmbedding,
  input,
  inputNamesOf,
  type ModelFiles,
  op,
  outlineOnnx,
  type ParameterSpec,
  type Parameters,
  readOnnx,
  type Value,
} from "@innerloop/graph";
import { filesBeside } from "@innerloop/runtime/files";
import { InnerloopError, type ModelConfig, show } from "@innerloop/schemas";
import { freshWeights } from "./fresh.ts";
import { uniformInit } from "./layers.ts";
import { applyHead, type Model } from "./sequential.ts";

/** Whether what a config names as its model is such a file. */
export const isModelFile = (kind: string): boolean => /\.onnx$/i.test(kind);

/** The model of a file on disk. @throws InnerloopError `file-missing` (status 2), and as {@link importedModel} */
export function modelOfFile(
  path: string,
  inputShape: readonly number[],
  outputs: number,
  weights?: ModelConfig["weights"],
): Model {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new InnerloopError(
      "file-missing",
      `${path} cannot be read; the model to train, an .onnx file, was expected.`,
      {
        exitStatus: 2,
        cause,
      },
    );
  }
  return importedModel(bytes, inputShape, outputs, {
    source: path,
    files: filesBeside(path),
    ...(weights ? { weights } : {}),
  });
}

/**
 * The network of an ONNX file as a model. Features are what its last classifier reads, or what it gives where it has none; of a map of features
 * the mean over its places.
 * @param inputShape of one example, channels last; the model may take them first
 * @param options.source the file's name, for messages
 * @param options.weights where its weights begin: those of the `file`, or `fresh` ones, drawn as the layers here draw theirs
 * @throws InnerloopError what reading the model throws; `bad-model` (status 2) where it does not fit the examples
 */
export function importedModel(
  bytes: Uint8Array,
  inputShape: readonly number[],
  outputs: number,
  {
    source = "model.onnx",
    files,
    weights = "file",
  }: { readonly source?: string; readonly files?: ModelFiles; readonly weights?: ModelConfig["weights"] } = {},
): Model {
  const { tensor } = findEmbedding(outlineOnnx(bytes, source), source);
  const model = readOnnx(bytes, source, { outputs: [tensor], ...(files ? { files } : {}) });
  const [given, ...others] = Object.keys(model.inputs).filter((name) => !(name in model.initializers));
  if (given === undefined || others.length > 0)
    throw badModel(`${source} has the inputs ${[given, ...others].join(", ")}, and a model of one input was expected`);
  const taken = model.inputs[given]!;
  const turned = layoutOf(taken, inputShape);
  if (!turned)
    throw badModel(
      `${source} takes ${taken}, and the examples have the shape [${inputShape}]; give data of that size (--size, --channels), or export the model for this one, with an open batch size`,
    );
  const featuresOf = (weights: Parameters, x: Value): Value =>
    rowsOf(model.apply({ ...weights, [given]: turned(x) })[tensor]!);
  const row = featuresOf({}, input("x", ["n", ...inputShape]));
  const features = row.shape[1];
  if (row.rank !== 2 || typeof features !== "number" || row.dtype !== "float32" || row.shape[0] !== "n")
    throw badModel(`${source}: ${show(tensor)} gives ${row} for examples, and a row of features for each was expected`);
  const body = [...inputNamesOf([row])].filter((name) => model.initializers[name]?.dtype === "float32");
  // The head has names of its own.
  const names = body.map((name) => [name, name.startsWith("head.") ? `net.${name}` : name] as const);
  const kept = Object.fromEntries(
    body.map((name): [string, ParameterSpec] => {
      const { shape, data } = model.initializers[name]!;
      return [name, { shape, initialize: () => Float32Array.from(data as Float32Array) }];
    }),
  );
  const specs = weights === "fresh" ? freshWeights([row], kept) : kept;
  const fixed = Object.fromEntries(
    Object.entries(model.initializers).flatMap(([name, { shape, dtype, data }]) =>
      body.includes(name) ? [] : [[name, constant(Array.from(data, Number), shape, dtype)]],
    ),
  );
  const bodyOf = (parameters: Parameters, x: Value): Value =>
    featuresOf({ ...fixed, ...Object.fromEntries(names.map(([name, own]) => [name, parameters[own]!])) }, x);
  return {
    name: "imported",
    inputShape,
    features,
    outputs,
    parameters: {
      ...Object.fromEntries(names.map(([name, own]) => [own, specs[name]!])),
      "head.weight": uniformInit([features, outputs], features),
      "head.bias": uniformInit([outputs], features),
    },
    norm: "the model's own",
    mixesExamples: false,
    body: bodyOf,
    apply: (parameters, x) => applyHead(bodyOf(parameters, x), parameters),
  };
}

/** How examples reach an input of a model: as they are, or with their channels in front; nothing where they do not fit. */
function layoutOf({ shape, rank }: Value, inputShape: readonly number[]): ((x: Value) => Value) | undefined {
  const fits = (given: readonly number[]): boolean =>
    rank === given.length + 1 && given.every((size, i) => typeof shape[i + 1] !== "number" || shape[i + 1] === size);
  if (typeof shape[0] === "number") return undefined;
  const axes = inputShape.map((_, i) => i + 1);
  const [last = 0] = axes.splice(-1, 1);
  const first = [inputShape.at(-1)!, ...inputShape.slice(0, -1)];
  if (inputShape.length > 1 && fits(first)) return (x) => op.Transpose(x, [0, last, ...axes]);
  return fits(inputShape) ? (x) => x : undefined;
}

/** A tensor as rows: the mean over the places of a map, channels first, or over the entries of a series. */
function rowsOf(value: Value): Value {
  if (value.rank <= 2) return value;
  const places = Array.from({ length: value.rank - 2 }, (_, i) => i + (value.rank === 3 ? 1 : 2));
  return op.ReduceMean(value, { axes: places, keepdims: false });
}

const badModel = (message: string): InnerloopError => new InnerloopError("bad-model", `${message}.`, { exitStatus: 2 });
