// The two graphs of a learner as ONNX files: names, symbolic sizes, and which inputs a caller may leave out.
import {
  constant,
  grams,
  input,
  inputName,
  inputNamesOf,
  type Learner,
  onnxTargetFor,
  type Parameters,
  Sidecar,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { InnerloopError, type ManifestParameter, type NumericName, type Tensor } from "@innerloop/schemas";

/** Tensors by the name of the meta-parameter. */
export type Weights = Readonly<Record<string, Tensor>>;

/** What every file of a bundle says of itself. */
export interface FileOptions {
  readonly opset: number;
  readonly producer: { readonly name: string; readonly version: string };
  /** The element types of fixed parameters in files, where graphs lack them. */
  readonly elements?: Readonly<Record<string, NumericName>>;
}

/** A learner's state as inputs of `predict.onnx`, in the order of the manifest. */
export interface LearnerGraphs {
  /** The numbers that the files share, once these are made; undefined where each has its own. */
  shared(): Uint8Array | undefined;
  /** The parameters of `predict.onnx`. */
  readonly parameters: readonly ManifestParameter[];
  /** The inner rate of each parameter that moves. */
  readonly rates: Readonly<Record<string, number>>;
  /** The bytes of `adapt.onnx`, or as they suit a provider of ONNX Runtime. */
  adapt(metadata: Readonly<Record<string, string>>, provider?: string): Uint8Array;
  /** The bytes of `predict.onnx`, or with `transductive` those of `predict-transductive.onnx`. */
  predict(metadata: Readonly<Record<string, string>>, transductive?: boolean): Uint8Array;
}

/**
 * Builds both graphs with the weights as initializers; learned inner rates become constants of the inner loop.
 * @throws InnerloopError `bad-weights` where a weight is missing or does not fit the learner, `open-dim` and
 *   `unsupported-operator` where the learner uses what has no ONNX form
 */
export function learnerGraphs(
  learner: Learner,
  weights: Weights,
  { opset, producer, elements }: FileOptions,
): LearnerGraphs {
  checkWeights(learner, weights);
  const numberOf = (rate: string) => Number(weights[rate]!.data[0]);
  const rates = Object.fromEntries(
    Object.entries(learner.rates).map(([name, rate]) => [name, typeof rate === "number" ? rate : numberOf(rate)]),
  );
  const learned = new Set(Object.values(learner.rates).filter((rate) => typeof rate === "string"));
  const names = Object.keys(learner.parameters).filter((name) => !learned.has(name));
  const { fixed } = learner;
  const shared = fixed && new Sidecar(sharedFile);
  const parameters = Object.fromEntries(names.map((name) => [name, inputFor(learner, weights, name)]));
  const known: Parameters = {
    ...parameters,
    ...Object.fromEntries([...learned].map((rate) => [rate, constant(numberOf(rate))])),
  };

  const { x, y, query } = episodeInputs(learner);
  const steps = input("steps", [], "int64");
  const rate = input("rate", []);
  const adaptation = learner.adapt(
    known,
    { x, y },
    { steps, rate, ways: learner.outputs ?? "ways", masked: learner.outputs !== undefined, balanced: true },
  );

  const { guard } = adaptation;
  const state = Object.fromEntries(
    Object.entries(adaptation.state).map(([name, value]) => [name, parameters[name] ?? input(name, value.shape)]),
  );
  const answers = (transductive: boolean): Value => {
    const [logits] = grams(
      [learner.predict(known, state, query, { transductive, absolute: true })],
      [query],
      "answers",
    );
    return logits!;
  };
  const logits = answers(false);
  const needed = inputNamesOf([logits]);
  const described = [...new Set([...names, ...Object.keys(state)])].filter(
    (name) => needed.has(name) && !fixed?.has(name),
  );

  const write = (
    outputs: Readonly<Record<string, Value>>,
    first: readonly Value[],
    name: string,
    metadata: Readonly<Record<string, string>>,
    provider?: string,
    own = fixed,
  ): Uint8Array => {
    const used = inputNamesOf(Object.values(outputs));
    const optional = [rate, ...Object.values({ ...parameters, ...state })].filter(
      (value) => used.has(inputName(value)) && !own?.has(inputName(value)),
    );
    return writeOnnx(outputs, {
      name,
      opset,
      ...(provider ? { target: onnxTargetFor(provider, { opset }) } : {}),
      producer,
      ...(elements ? { elements } : {}),
      metadata,
      inputs: [...first, ...optional],
      ...(own ? { fixed: own } : {}),
      ...(shared ? { external: shared.external } : {}),
      initializers: { rate: { dtype: "float32", shape: [], data: Float32Array.of(1) }, ...weights },
    });
  };

  return {
    rates,
    shared: () => shared && bytesOf(shared),
    parameters: described.map((name) => ({
      name,
      shape: [...(state[name] ?? parameters[name]!).shape],
      adapted: name in state,
      required: !(name in parameters),
    })),
    adapt: (metadata, provider) =>
      write(
        {
          ...Object.fromEntries(Object.entries(adaptation.state).map(([name, value]) => [`adapted/${name}`, value])),
          support_loss: adaptation.losses,
          ...(guard ? { kept_step: guard.kept, refused_steps: guard.refused, rate_scale: guard.scale } : {}),
        },
        [x, y, steps],
        "adapt",
        metadata,
        provider,
        fixed && new Set(names),
      ),
    predict: (metadata, transductive = false) =>
      write(
        { logits: transductive ? answers(true) : logits },
        [query],
        transductive ? "predict-transductive" : "predict",
        metadata,
      ),
  };
}

/** Support and query examples as inputs, by the names that they have in the files of a bundle. */
export const episodeInputs = ({ inputShape, task, outputs }: Learner) => ({
  x: input("support_x", ["support", ...inputShape]),
  y: task === "regression" ? input("support_y", ["support", outputs!]) : input("support_y", ["support"], "int64"),
  query: input("query_x", ["query", ...inputShape]),
});

/** A parameter as an input of a graph: of the weight's own type where it is a part of the model. */
export const inputFor = ({ parameters, fixed }: Learner, weights: Weights, name: string): Value =>
  input(name, parameters[name]!.shape, fixed?.has(name) ? weights[name]!.dtype : "float32");

function checkWeights(learner: Learner, weights: Weights): void {
  for (const [name, { shape }] of Object.entries(learner.parameters)) {
    const weight = weights[name];
    const wanted = `float32[${shape.join(", ")}]`;
    if (weight === undefined)
      throw badWeights(`The weights have no "${name}"; this learner needs it as ${wanted}; give all of its weights.`);
    if (!(weight.dtype === "float32" || learner.fixed?.has(name)) || weight.shape.join() !== shape.join())
      throw badWeights(
        `The weight "${name}" is ${weight.dtype}[${weight.shape.join(", ")}]; this learner needs ${wanted}; give the weights of a run with the same model.`,
      );
    const at = Array.prototype.findIndex.call(weight.data, (number: number) => Number.isNaN(Number(number) * 0));
    if (at >= 0)
      throw badWeights(
        `The weight "${name}" holds ${weight.data[at]} at position ${at}; finite numbers were expected; export an earlier checkpoint of the run.`,
      );
  }
}

const badWeights = (message: string): InnerloopError => new InnerloopError("bad-weights", message);

/** The file of the bundle that numbers of several models lie in. */
export const sharedFile = "weights.bin";

function bytesOf(sidecar: Sidecar): Uint8Array | undefined {
  if (sidecar.size === 0) return undefined;
  const bytes = new Uint8Array(sidecar.size);
  let at = 0;
  for (const part of sidecar.parts()) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
