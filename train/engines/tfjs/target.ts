// What a graph is lowered to for each backend of TensorFlow.js: which operators stay whole, and which have a quicker way.
import {
  type Attributes,
  bothBranches,
  type ConvolutionForm,
  type Costs,
  convolutionAsColumns,
  exactTrigonometry,
  type Inputs,
  indexingAsBlocks,
  type Lowering,
  nativeByCost,
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

/** How convolutions are computed: in one form, or in the cheaper one by the costs of a machine; as is usual where neither is given. */
export type Forms = Costs | ConvolutionForm | undefined;

/**
 * Whether a backend's own kernel computes a convolution, rather than gathered columns times a matrix. Kernels know images in one
 * group with one set of weights, and the gradients no dilation. Costs of the machine decide, where there are some and sizes are known;
 * weight gradients take the columns from the forward pass. As is usual: columns, but for the plain kernels of the cpu backend, and for
 * what would fill the memory on TensorFlow. WebGPU's kernels were many times slower where it was measured, on a device in software.
 */
function isNative(
  backend: string,
  forms: Forms,
  map: "forward" | "inputGradient" | "weightGradient",
  window: Parameters<typeof convolutionAsColumns.forward.lower>[1],
  { x, y, result }: { readonly x: Value; readonly y: Value; readonly result: Value },
): boolean {
  const { kernel, dilations, groups } = window;
  const dense = dilations.every((dilation) => dilation === 1);
  if (kernel.length !== 2 || result.rank !== 4 || groups !== 1 || !(dense || map === "forward")) return false;
  const columns = [...y.shape.slice(0, -1), ...kernel, ...x.shape.slice(-1)];
  const size = columns.reduce<number>((total, dim) => total * (typeof dim === "number" ? dim : 0), 1);
  if (backend === "tensorflow" && size > columnsAtMost) return true;
  if (map === "weightGradient") return false;
  if (typeof forms === "string") return forms === "native";
  const operator = map === "forward" ? "convolution" : "convolution-input-gradient";
  const cheaper = forms && nativeByCost(forms, operator, x.shape, y.shape.at(-1) ?? 1, window);
  return cheaper ?? backend === "cpu";
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
export function targetOf(backend: string, forms?: Forms): Target {
  const { forward, inputGradient, weightGradient } = convolutionAsColumns;
  return {
    name: `TensorFlow.js (${backend})`,
    lowerings: [
      unless(forward, (window, [x], [y]) => isNative(backend, forms, "forward", window, { x, y, result: y })),
      unless(inputGradient, (window, [y], [x]) =>
        isNative(backend, forms, "inputGradient", window, { x, y, result: x }),
      ),
      unless(weightGradient, (window, [x, y], [w]) =>
        isNative(backend, forms, "weightGradient", window, { x, y, result: w }),
      ),
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
