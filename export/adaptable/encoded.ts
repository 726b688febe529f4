// A frozen encoder before a learner: examples become rows of features once, a learner is meta-trained on these, and the two together
// are one learner that takes what the encoder takes.
import { input, type Learner, type ParameterSpec, type Parameters, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { InnerloopError, type Manifest, type Preprocessing, sizeOf } from "@innerloop/schemas";
import { exportBundle, placeFor } from "../bundle.ts";
import type { Weights } from "../graphs.ts";
import type { VerificationEpisode } from "../verify.ts";
import { type Network, type NetworkOptions, readNetwork } from "./network.ts";
import { compareWithFile, openReference } from "./reference.ts";

/** An ONNX model whose features are what a learner sees. */
export interface Encoder {
  /** What messages and the manifest call it. */
  readonly name: string;
  /** Of one example that it takes. */
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
  /** How many features an example has. */
  readonly width: number;
  /** What was found in the model, in sentences. */
  readonly notes: readonly string[];
  /**
   * Features of examples.
   * @param examples float32 `[n, ...inputShape]`, row after row
   * @returns float32 `[n, width]`
   */
  encode(examples: Float32Array): Promise<Float32Array>;
  /**
   * Writes a bundle of the encoder with a learner that was trained on its features; verified as any other.
   * @param weights of the learner
   * @throws InnerloopError what `exportBundle` throws
   */
  export(learner: Learner, weights: Weights, options: EncodedOptions): Promise<Manifest>;
  dispose(): Promise<void>;
}

/** How a bundle of an encoder and a learner is written. */
export interface EncodedOptions {
  readonly out: string;
  /** What they are compared on: examples of the encoder. */
  readonly episodes: readonly VerificationEpisode[];
  readonly shots?: number;
  readonly training?: NonNullable<Manifest["training"]>;
  readonly signal?: AbortSignal;
}

/** What the arrays of an encoder are called beside those of a learner. */
const prefix = "encoder/";

/**
 * Reads an ONNX model as an encoder, and compares what was read with the file itself.
 *
 * @throws InnerloopError as `exportAdaptable` for its reading
 */
export async function openEncoder(model: Uint8Array, name: string, options: NetworkOptions = {}): Promise<Encoder> {
  const network = readNetwork(model, name, options);
  await compareWithFile(model, network, network.weights, options.files);
  const { inputShape, preprocessing } = network.plan;
  const x = input("x", ["n", ...inputShape]);
  const fixed = new Set(network.body);
  const session = await openSession(
    writeOnnx({ features: network.features({}, x) }, { inputs: [x], initializers: network.weights, fixed }),
    { provider: "cpu" },
  );
  const size = sizeOf(inputShape);
  return {
    name,
    inputShape,
    ...(preprocessing ? { preprocessing } : {}),
    width: network.width,
    notes: network.notes,
    async encode(examples) {
      const n = examples.length / size;
      const { features } = await session.run({ x: { dtype: "float32", shape: [n, ...inputShape], data: examples } });
      return features!.data as Float32Array;
    },
    export: (learner, weights, how) => exportEncoded(network, name, learner, weights, how),
    dispose: () => session.dispose(),
  };
}

async function exportEncoded(
  network: Network,
  name: string,
  inner: Learner,
  trained: Weights,
  { out, episodes, shots, training, signal }: EncodedOptions,
): Promise<Manifest> {
  await placeFor(out);
  const learner = encoded(inner, network);
  const names = [...network.body];
  const weights: Weights = {
    ...trained,
    ...Object.fromEntries(names.map((each) => [prefix + each, network.weights[each]!])),
  };
  const reference = openReference(learner, weights, true);
  try {
    return await exportBundle(learner, weights, {
      out,
      name: name.replace(/\.onnx$/i, ""),
      ...(network.plan.preprocessing ? { preprocessing: network.plan.preprocessing } : {}),
      elements: Object.fromEntries(
        names.flatMap((each) => (network.elements[each] ? [[prefix + each, network.elements[each]]] : [])),
      ),
      ...(shots === undefined ? {} : { shots }),
      ...(training ? { training } : {}),
      ...(signal ? { signal } : {}),
      verify: { episodes, engine: reference.engine, reference: reference.reference },
    });
  } finally {
    await reference.dispose();
  }
}

/** The learner behind an encoder that does not move. */
function encoded(inner: Learner, network: Network): Learner {
  if (inner.inputShape.join() !== String(network.width))
    throw new InnerloopError(
      "wrong-data",
      `The learner takes examples [${inner.inputShape}], and the encoder gives ${network.width} features; train it on these.`,
      { exitStatus: 2 },
    );
  const names = [...network.body];
  const own = Object.fromEntries(
    names.map((name): [string, ParameterSpec] => {
      const { shape, data } = network.weights[name]!;
      return [prefix + name, { shape, initialize: () => data as Float32Array }];
    }),
  );
  const features = (parameters: Parameters, x: Value): Value =>
    network.features(Object.fromEntries(names.map((name) => [name, parameters[prefix + name]!])), x);
  return {
    ...inner,
    inputShape: network.plan.inputShape,
    parameters: { ...inner.parameters, ...own },
    fixed: new Set([...(inner.fixed ?? []), ...Object.keys(own)]),
    adapt: (parameters, { x, y }, options) => inner.adapt(parameters, { x: features(parameters, x), y }, options),
    predict: (parameters, state, query, options) =>
      inner.predict(parameters, state, features(parameters, query), options),
  };
}
