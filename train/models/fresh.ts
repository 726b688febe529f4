// The weights of a network that a file has, drawn afresh: as the layers of our own models draw theirs.
import { inputName, isInput, type ParameterSpec, topological, type Value } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import { constantInit, normalInit, uniformInit } from "./layers.ts";

type Weights = Readonly<Record<string, ParameterSpec>>;

/**
 * Weights that begin as those of `Conv2d` and `Linear` do, by who reads them: kernels of convolutions from a normal distribution (He et al. 2015)
 * with biases of 0, matrices and their biases evenly from ±1/√inputs. Whatever else a network learns (gains, embeddings, recurrent
 * weights) is drawn with the mean and the deviation of the file's own numbers, so that what is the same everywhere stays so.
 * @param outputs of the network, whose inputs have the names of the weights
 * @param weights as the file has them
 */
export function freshWeights(outputs: readonly Value[], weights: Weights): Weights {
  const drawn: Record<string, ParameterSpec> = {};
  const draw = (value: Value | undefined, spec: (shape: readonly number[]) => ParameterSpec): void => {
    const name = value && weightOf(value);
    const known = name === undefined ? undefined : weights[name];
    if (known) drawn[name!] = spec(known.shape);
  };
  for (const { operator, attributes, inputs } of topological(outputs)) {
    const [, kernel, bias] = inputs;
    const sizes = kernel?.shape.map(Number) ?? [];
    const places = sizeOf(sizes.slice(2));
    if (operator.name === "Conv" || operator.name === "ConvTranspose") {
      const channels = operator.name === "Conv" ? sizes[1]! : sizes[0]! / Number(attributes.group ?? 1);
      draw(kernel, (shape) => normalInit(shape, channels * places));
      draw(bias, (shape) => constantInit(shape, 0));
    } else if ((operator.name === "Gemm" || operator.name === "MatMul") && sizes.length === 2) {
      const features = sizes[attributes.transB ? 1 : 0]!;
      for (const each of [kernel, bias]) draw(each, (shape) => uniformInit(shape, features));
    }
  }
  return Object.fromEntries(Object.entries(weights).map(([name, spec]) => [name, drawn[name] ?? alike(spec)]));
}

/** The weight that a value is, as it lies or turned. */
function weightOf(value: Value): string | undefined {
  const [before] = value.node.inputs;
  if (isInput(value)) return inputName(value);
  return value.node.operator.name === "Transpose" && before ? weightOf(before) : undefined;
}

/** Numbers from a normal distribution with mean and deviation of those that are there. */
function alike({ shape, initialize }: ParameterSpec): ParameterSpec {
  const numbers = initialize(nothingDrawn);
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const deviation = Math.sqrt(numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length);
  return { shape, initialize: (random) => numbers.map(() => mean + deviation * random.normal()) };
}

/** For weights that a file has. */
const nothingDrawn = { uniform: () => 0, normal: () => 0 };

/**
 * What a run says of a network that begins at a file's weights which nobody trained: every array of two axes or more has numbers evenly within
 * ±1/√inputs, as PyTorch draws kernels and matrices.
 * @param source the file's name
 * @param parameters of the network, whose head is fresh
 */
export function notesOnWeights(source: string, parameters: Weights): string[] {
  const arrays = Object.entries(parameters).filter(
    ([name, { shape }]) => !name.startsWith("head.") && shape.length > 1,
  );
  return arrays.length > 0 && arrays.every(([, spec]) => isEven(spec))
    ? [
        `The weights of ${source} look as PyTorch draws them, and as if nobody had trained them; model.weights "fresh" (--weights fresh) begins at wider ones, from which a LeNet learned more in the same time`,
      ]
    : [];
}

/** Whether numbers are spread evenly within ±1/√inputs. */
function isEven({ shape, initialize }: ParameterSpec): boolean {
  const numbers = initialize(nothingDrawn);
  const farthest = numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const square = numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length;
  const inputs = [sizeOf(shape.slice(1)), ...(shape.length === 2 ? [shape[0]!] : [])];
  // The mean square of n even numbers is a third of the bound's, give or take 0.9/√n.
  return inputs.some((count) => {
    const share = square * count * 3;
    return farthest <= 1.0001 / Math.sqrt(count) && Math.abs(share - 1) < 4 / Math.sqrt(numbers.length);
  });
}
