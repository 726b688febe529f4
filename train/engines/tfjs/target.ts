// What a graph is lowered to for each backend of TensorFlow.js: which operators stay whole, and which have a quicker way.
import {
  type Attributes,
  bothBranches,
  convolutionAsColumns,
  exactTrigonometry,
  type Inputs,
  indexingAsBlocks,
  type Lowering,
  type Outputs,
  op,
  poolingAsTaps,
  scanUnrolled,
  sumAsProduct,
  type Target,
  type Value,
} from "@innerloop/graph";
import { kernelDType } from "./kernel.ts";
import { hasKernel } from "./kernels/index.ts";

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
  map: "forward" | "inputGradient" | "weightGradient",
  { kernel, dilations, groups }: Parameters<typeof convolutionAsColumns.forward.lower>[1],
  { x, y, result }: { readonly x: Value; readonly y: Value; readonly result: Value },
): boolean {
  const dense = dilations.every((dilation) => dilation === 1);
  if (kernel.length !== 2 || result.rank !== 4 || groups !== 1 || !(dense || map === "forward")) return false;
  if (backend === "cpu") return map !== "weightGradient";
  if (backend !== "tensorflow") return false;
  const columns = [...y.shape.slice(0, -1), ...kernel, ...x.shape.slice(-1)];
  const size = columns.reduce<number>((total, dim) => total * (typeof dim === "number" ? dim : 0), 1);
  return size > columnsAtMost;
}

/** A way to compute an operator that is taken where something does not hold. */
const unless = <A extends Attributes, I extends Inputs, O extends Outputs>(
  { operator, lower }: Lowering<A, I, O>,
  holds: (attributes: A, inputs: I, outputs: O) => boolean,
): Lowering<A, I, O> => ({
  operator,
  lower: (inputs, attributes, outputs) =>
    holds(attributes, inputs, outputs) ? undefined : lower(inputs, attributes, outputs),
});

/** Sums over the first axes as products with a row of ones, which the WebAssembly backend does 20 times faster. */
const leadingSum = unless(sumAsProduct, ({ axes }) => axes[0] !== 0);

/** The target of a backend, by the name that TensorFlow.js has for it. */
export function targetOf(backend: string): Target {
  const { forward, inputGradient, weightGradient } = convolutionAsColumns;
  return {
    name: `TensorFlow.js (${backend})`,
    lowerings: [
      unless(forward, (window, [x], [y]) => isNative(backend, "forward", window, { x, y, result: y })),
      unless(inputGradient, (window, [y], [x]) => isNative(backend, "inputGradient", window, { x, y, result: x })),
      unless(weightGradient, (window, [x, y], [w]) => isNative(backend, "weightGradient", window, { x, y, result: w })),
      ...poolingAsTaps,
      ...indexingAsBlocks,
      bothBranches,
      scanUnrolled,
      ...(backend === "wasm" ? [leadingSum] : []),
      ...(backend === "webgpu" ? exactTrigonometry : []),
    ],
    keeps: (operator, [first], attributes) =>
      (hasKernel(operator) || operator === op.Reshape.operator) &&
      (operator !== op.Div.operator || (first !== undefined && kernelDType(first.dtype) === "float32")) &&
      (operator !== op.Range.operator || first === undefined) &&
      (operator !== op.ScatterND.operator || ["none", "add"].includes(String(attributes.reduction))),
  };
}
