// What a user's adaptation learned, put into the model for good: one plain ONNX file that needs neither the bundle nor the file of what was learned.
// Factors of LoRA become part of the weights that they stand beside.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  constant,
  type OnnxModel,
  type Outline,
  onnxTarget,
  op,
  outlineOnnx,
  readOnnx,
  type Value,
  withFactors,
  writeOnnx,
} from "@innerloop/graph";
import { Learner, type Manifest, type Personal } from "@innerloop/runtime";
import { filesBeside } from "@innerloop/runtime/files";
import { openSession } from "@innerloop/runtime/session";
import { InnerloopError, parseJson, sizeOf, type Tensor } from "@innerloop/schemas";
import type { Factors } from "./bundle.ts";
import { tolerance } from "./verify.ts";

export interface Merged {
  /** The file: `query_x` as the bundle takes examples, to `logits`, of classes in the order of `labels`. */
  readonly bytes: Uint8Array;
  /** The classes; empty for a regression. */
  readonly labels: readonly string[];
  /** How many weights got what their factors add to them. */
  readonly merged: number;
  /** The largest difference from what the bundle answers, relative to the largest of the answers. */
  readonly largestDifference: number;
}

/**
 * A bundle and what an adaptation learned as one plain ONNX model. It was run beside the bundle before it is given.
 *
 * @param bundle its folder
 * @param params the file that `Personal.save` wrote, or its bytes
 * @throws InnerloopError what `Learner.load` and `Learner.restore` throw; `not-adapted` (status 2) where what was saved had too few examples to
 *   learn of; `verification-failed` where the file answers otherwise
 * @example
 * const { bytes } = await mergeAdapted("bundle", "mine.safetensors");
 * await writeFile("mine.onnx", bytes);
 */
export async function mergeAdapted(bundle: string, params: string | Uint8Array): Promise<Merged> {
  const learner = await Learner.load(bundle, { provider: "cpu" });
  try {
    const personal = await learner.restore(params);
    if (!personal.ready)
      throw new InnerloopError(
        "not-adapted",
        "what was saved has too few examples to have learned anything; add some, and save it again.",
        { exitStatus: 2 },
      );
    const { manifest } = learner;
    const path = join(bundle, "predict.onnx");
    const read = new Uint8Array(await readFile(path));
    const model = readOnnx(read, path, { files: filesBeside(path) });
    const { bytes, merged } = inOne(model, personal, outlineOnnx(read, path), manifest);
    const largestDifference = await compared(bytes, personal, manifest);
    return { bytes, labels: personal.labels, merged, largestDifference };
  } finally {
    await learner.dispose();
  }
}

/** What a bundle says of factors in its model. */
function factorsIn({ metadata }: Outline): Factors | undefined {
  const text = metadata.get("innerloop.factors");
  return text === undefined ? undefined : (parseJson(text) as Factors);
}

function inOne(
  model: OnnxModel,
  { state, labels }: Personal,
  file: Outline,
  manifest: Manifest,
): { readonly bytes: Uint8Array; readonly merged: number } {
  const weights: Record<string, Tensor> = { ...model.initializers, ...state };
  const given: Record<string, Value> = {};
  const factors = factorsIn(file);
  let merged = 0;
  for (const adapter of factors?.adapters ?? []) {
    const { weight, down, up } = adapter;
    const [own, left, right] = [weights[weight], weights[down], weights[up]];
    // A weight in another element type keeps its factors, which the file then has beside it.
    if (own?.dtype !== "float32" || model.elements[weight] || !left || !right) continue;
    const data = withFactors(own.data as Float32Array, floats(left), floats(right), factors!.scale, adapter);
    weights[weight] = { ...own, data };
    const product = file.nodes.find(({ inputs }) => inputs[1] === up);
    // What they gave beside the weight is nothing from here on; the sum with it goes, and so do they.
    const name = product && ["MatMul", "Conv"].includes(product.type) ? product.outputs[0]! : up;
    const gone = model.tensors[name] ?? model.inputs[name]!;
    given[name] = op.Expand(constant(0), gone.shape);
    merged++;
  }
  const { logits } = model.apply(given, ["logits"]);
  const classes = manifest.labels ? labels.map((label) => manifest.labels!.indexOf(label)) : [...labels.keys()];
  const chosen = labels.length > 0 ? op.Gather(logits!, constant(classes, [classes.length], "int64"), 1) : logits!;
  const bytes = writeOnnx(
    { logits: chosen },
    {
      opset: Math.max(model.opset, 17),
      target: onnxTarget({ convolution: "native" }),
      inputs: [model.inputs.query_x!],
      initializers: weights,
      elements: model.elements,
      fixed: new Set(Object.keys(weights)),
      metadata: { "innerloop.labels": JSON.stringify(labels), "innerloop.task": manifest.task },
    },
  );
  return { bytes, merged };
}

const floats = ({ shape, data }: Tensor) => ({ shape, data: data as Float32Array });

/** Runs the file beside the bundle on the examples that were learned, or where they were not kept, on some numbers. */
async function compared(bytes: Uint8Array, personal: Personal, { input, task }: Manifest): Promise<number> {
  const session = await openSession(bytes, { provider: "cpu" });
  try {
    const size = sizeOf(input.shape);
    const rows = [0, 1, 2].map((row) => Float32Array.from({ length: size }, (_, i) => ((i * 7 + row * 3) % 11) / 11));
    const answers = await personal.predictBatch(rows);
    const expected = answers.flatMap((answer) =>
      task === "regression" ? (answer as unknown as { value: number[] }).value : answer.logits,
    );
    const data = Float32Array.from(rows.flatMap((row) => [...row]));
    const { logits } = await session.run({ query_x: { dtype: "float32", shape: [rows.length, ...input.shape], data } });
    const found = logits!.data as Float32Array;
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
    const apart = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0) / largest;
    if (found.length === expected.length && apart <= tolerance) return apart;
    throw new InnerloopError(
      "verification-failed",
      `the merged file differs from the bundle by ${apart.toExponential(1)} of its largest answer; nothing was written; report it, with the bundle.`,
    );
  } finally {
    await session.dispose();
  }
}
