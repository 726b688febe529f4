// What a graph is lowered to for each backend of TensorFlow.js: which operators stay whole, and which have a quicker way.
import {
  convolutionAsColumns,
  type Lowering,
  type Node,
  op,
  poolingAsTaps,
  type Target,
  type Value,
} from "@innerloop/graph";
import { kernelDType, kernels, leadingSum } from "./tfjs-kernels.ts";

/** Gathered columns of more numbers than this are not made where there is another way: they are as quick, and fill the memory. */
const columnsAtMost = 2 ** 23;

/**
 * Whether a backend's own kernel computes a convolution, rather than gathered columns times a matrix. Kernels know images in one
 * group with one set of weights, and the gradients no dilation. Measured on the processor: columns win for small images, where
 * the weight gradient takes them from the forward pass; TensorFlow's kernels win for large ones. The plain kernels of the cpu
 * backend win but for the weight gradient; WebAssembly's and WebGPU's backprops are many times slower than columns.
 */
function isNative(
  backend: string,
  name: string,
  inputs: readonly Value[],
  attributes: Node["attributes"],
  output: Value,
): boolean {
  const { kernel, dilations, groups } = attributes as { [name: string]: readonly number[] } & { groups: unknown };
  const dense = dilations!.every((dilation) => dilation === 1);
  if (kernel!.length !== 2 || output.rank !== 4 || groups !== 1 || !(dense || name === "Convolution")) return false;
  if (backend === "cpu") return name !== "ConvolutionWeightGradient";
  if (backend !== "tensorflow") return false;
  const [first, second] = inputs as [Value, Value];
  const [x, y] = { Convolution: [first, output], ConvolutionInputGradient: [output, first] }[name] ?? [first, second];
  const columns = [...y!.shape.slice(0, -1), ...kernel!, x!.shape.at(-1)!];
  const size = columns.reduce<number>((total, dim) => total * (typeof dim === "number" ? dim : 0), 1);
  return size > columnsAtMost;
}

/**
 * The sine by a polynomial on [−π/2, π/2] (the Taylor series up to x¹³, whose error there is below float32's). WGSL promises 2⁻¹¹ of
 * its own one: "Accuracy of built-in functions" in the WGSL specification.
 */
function sine(x: Value): Value {
  const turns = op.Round(op.Mul(x, 1 / Math.PI));
  // π in two parts, of which the first is exact in few bits, so that the difference loses nothing.
  const [high, low] = [3.140625, Math.PI - 3.140625];
  const r = op.Sub(op.Sub(x, op.Mul(turns, high)), op.Mul(turns, low));
  const square = op.Mul(r, r);
  const factors = [6, 5, 4, 3, 2, 1].map((n) => -1 / (2 * n * (2 * n + 1)));
  const [first, ...rest] = factors.map((factor) => op.Mul(square, factor)) as [Value, ...Value[]];
  const series = rest.reduce((sum, factor) => op.Add(op.Mul(factor, sum), 1), op.Add(first, 1));
  const odd = op.Sub(turns, op.Mul(op.Floor(op.Mul(turns, 0.5)), 2));
  return op.Mul(op.Mul(r, series), op.Sub(1, op.Mul(odd, 2)));
}

const cosine = (x: Value): Value => sine(op.Add(x, Math.PI / 2));

export const exactTrigonometry: Readonly<Record<string, Lowering>> = {
  Sin: ([x]) => [sine(x!)],
  Cos: ([x]) => [cosine(x!)],
  Tan: ([x]) => [op.Div(sine(x!), cosine(x!))],
};

/** The target of a backend, by the name that TensorFlow.js has for it. */
export function targetOf(backend: string): Target {
  const convolutions = Object.entries(convolutionAsColumns).map(([name, columns]): [string, Lowering] => [
    name,
    (inputs, attributes, outputs) =>
      isNative(backend, name, inputs, attributes, outputs[0]!) ? undefined : columns(inputs, attributes, outputs),
  ]);
  return {
    name: `TensorFlow.js (${backend})`,
    lowerings: {
      ...Object.fromEntries(convolutions),
      ...poolingAsTaps,
      ...(backend === "wasm" ? { ReduceSum: leadingSum } : {}),
      ...(backend === "webgpu" ? exactTrigonometry : {}),
    },
    keeps: ({ name }, inputs) =>
      (kernels[name] !== undefined || name === "Reshape") &&
      (name !== "Div" || kernelDType(inputs[0]!.dtype) === "float32") &&
      (name !== "Range" || inputs.length === 0),
  };
}
