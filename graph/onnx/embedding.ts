// Which tensor of a model is the embedding: what its classifier reads, or what it gives where it has none.
import { InnerloopError, show, suggest } from "@innerloop/schemas";
import type { Outline, OutlinedNode } from "./outline.ts";

/** A tensor that features come from, and the words in which that is said. */
export interface Embedding {
  readonly tensor: string;
  /** The classifier that reads it; absent where it is what the model gives. */
  readonly classifier?: OutlinedNode;
}

/** What may stand between a classifier and the output: one number to another, or the same numbers in another shape. */
const afterwards = new Set(
  [
    ...["Softmax", "LogSoftmax", "Sigmoid", "Identity", "Cast", "Dropout", "Clip"],
    ...["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Add", "Sub", "Mul", "Div"],
  ].flat(),
);

/** What may stand between the stored numbers and the product that they are a factor of. */
const onWeights = new Set(["Transpose", "Identity", "Cast", "DequantizeLinear", "Reshape", "Constant"]);

/** What may stand between a classifier that is a convolution and the output. */
const pooling = new Set(["GlobalAveragePool", "AveragePool", "ReduceMean", "GlobalMaxPool", "Relu"]);

/** Names that exporters give to what encoders make, best first. */
const namesOfEmbeddings = [
  /sentence.?embedding/i,
  /embed/i,
  /pooler|pooled/i,
  /feature/i,
  /last.?hidden/i,
  /encod/i,
  /hidden/i,
];

/** Names of what classifiers give. */
const namesOfScores = /logit|score|prob|class|label|pred/i;

/**
 * Finds the embedding of a model: the tensor that is named, or the last one before a classifier, or what an encoder gives.
 * @param named the name of a tensor
 * @throws InnerloopError `unknown-tensor` (status 2) for a name that nothing has
 */
export function findEmbedding(outline: Outline, source: string, named?: string): Embedding {
  const made = makersOf(outline);
  if (named !== undefined) {
    if (made.has(named)) return { tensor: named };
    const near = suggest(named, [...made.keys()]);
    throw new InnerloopError(
      "unknown-tensor",
      `${source} makes no tensor ${show(named)}${near === undefined ? "" : `; did you mean ${show(near)}?`}; ` +
        `its outputs are ${outline.outputs.join(", ")}.`,
      { exitStatus: 2 },
    );
  }
  const output = outputOf(outline);
  const found = namesOfEmbeddings.some((name) => name.test(output)) ? undefined : classifierOf(output, outline, made);
  return found ?? { tensor: output };
}

/** The output that matters, of several. */
export function outputOf({ outputs }: Outline): string {
  const [first = ""] = outputs;
  if (outputs.some((name) => namesOfScores.test(name)))
    return outputs.find((name) => namesOfScores.test(name)) ?? first;
  return namesOfEmbeddings.flatMap((name) => outputs.find((output) => name.test(output)) ?? [])[0] ?? first;
}

/**
 * The scores that a tensor of probabilities is made of, by a Softmax or a Sigmoid or by the parts of one; any other tensor is its own.
 */
export function scoresBefore(name: string, made: ReadonlyMap<string, OutlinedNode>): string {
  const node = made.get(name);
  const [first = ""] = node?.inputs ?? [];
  if (node?.type === "Softmax" || node?.type === "Sigmoid") return first;
  const power = node?.type === "Div" ? made.get(first) : undefined;
  if (power?.type !== "Exp") return name;
  const [exponent = ""] = power.inputs;
  const shifted = made.get(exponent);
  return shifted?.type === "Sub" ? (shifted.inputs[0] ?? exponent) : exponent;
}

/** The node that makes each tensor. */
export const makersOf = ({ nodes }: Outline): ReadonlyMap<string, OutlinedNode> =>
  new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));

function classifierOf(
  output: string,
  { stored }: Outline,
  made: ReadonlyMap<string, OutlinedNode>,
): Embedding | undefined {
  const isStored = (name: string): boolean => {
    if (stored.has(name)) return true;
    const node = made.get(name);
    return (
      node !== undefined && onWeights.has(node.type) && node.inputs.every((input) => input === "" || isStored(input))
    );
  };
  let name = output;
  // As long as it goes on, each node is nearer to the inputs than the one before it.
  for (let pooled = false; ; ) {
    name = scoresBefore(name, made);
    const node = made.get(name);
    if (!node) return undefined;
    const data = node.inputs.filter((input) => input !== "" && !isStored(input));
    const [only] = data;
    if (only === undefined || data.length > 1) return undefined;
    const weighted = node.inputs.some((input) => input !== only && isStored(input));
    if ((node.type === "Gemm" || (node.type === "MatMul" && weighted)) && !pooled)
      return { tensor: only, classifier: node };
    if (node.type === "Conv" && weighted) return pooled ? { tensor: only, classifier: node } : undefined;
    if (pooling.has(node.type)) pooled = true;
    else if (!afterwards.has(node.type)) return undefined;
    name = only;
  }
}
