// What a graph is lowered to for each backend of TensorFlow.js: which operators stay whole, and which have a quicker way.
import {
  convolutionAsColumns,
  exactTrigonometry,
  type Lowering,
  type Node,
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
 * backend win but for the weight gradient; WebAssembly's backprops are many times slower than columns, and so are WebGPU's kernels
 * where it was measured, on a device in software.
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
