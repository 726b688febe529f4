// Kernels for the backend of TensorFlow that tfjs-node has none or a slow one for: its addon runs any operation of TensorFlow
// by name. They are registered beside its own.
import type * as Core from "@tensorflow/tfjs-core";

type Tensor = Core.TensorInfo;

/** What of tfjs-node's backend is used here. */
interface TensorFlowBackend extends Core.KernelBackend {
  readonly binding: Readonly<
    Record<"TF_ATTR_TYPE" | "TF_ATTR_INT" | "TF_ATTR_STRING" | "TF_FLOAT" | "TF_INT32", number>
  >;
  getDTypeInteger(dtype: string): number;
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly Tensor[]): Core.Tensor;
}

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | string | readonly number[];
}

/** What a convolution says of its window; {@link registerTensorFlowKernels} */
export interface ConvolutionSettings {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * Registers
 * - `InnerloopGather`: `params [outer, size, inner]` looked up along axis 1 by `indices [n]` (int32; `axis` holds 1). The
 *   package's own GatherV2 reads its indices back at every call, which on a GPU waits for all that is queued.
 * - `InnerloopReshape`: `x` in the shape that `sizes` holds.
 * - `InnerloopConv2D`, `InnerloopConv2DBackpropInput`, `InnerloopConv2DBackpropFilter`: images `[N, H, W, C]` with any padding
 *   (the package's own know "same" and "valid"); `sizes` is the shape of what the latter two make, as a tensor.
 */
export function registerTensorFlowKernels(tf: typeof Core): void {
  const kernel = (
    kernelName: string,
    operation: string,
    inputsOf: (inputs: Core.NamedTensorInfoMap) => readonly Tensor[],
    attributesOf: (backend: TensorFlowBackend, dtype: string, settings: ConvolutionSettings) => readonly Attribute[],
  ): void => {
    if (tf.getKernel(kernelName, "tensorflow")) return;
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: ({ inputs, attrs, backend }) => {
        const tensorFlow = backend as TensorFlowBackend;
        const operands = inputsOf(inputs as Core.NamedTensorInfoMap);
        const settings = attrs as unknown as ConvolutionSettings;
        const { dtype } = operands.find((operand) => operand.dtype === "float32") ?? operands[0]!;
        return tensorFlow.executeSingleOutput(operation, attributesOf(tensorFlow, dtype, settings), operands);
      },
    });
  };
  const type = ({ binding }: TensorFlowBackend, name: string, value: number): Attribute => ({
    name,
    type: binding.TF_ATTR_TYPE,
    value,
  });
  const convolution = (kernelName: string, operation: string, names: readonly string[]): void =>
    kernel(
      kernelName,
      operation,
      (inputs) => names.map((name) => inputs[name]!),
      (backend, dtype, { strides, dilations, before, after }) => {
        const { TF_ATTR_INT: int, TF_ATTR_STRING: string } = backend.binding;
        const around = before.flatMap((n, axis) => [n, after[axis]!]);
        return [
          type(backend, "T", backend.getDTypeInteger(dtype)),
          { name: "strides", type: int, value: [1, ...strides, 1] },
          { name: "dilations", type: int, value: [1, ...dilations, 1] },
          { name: "padding", type: string, value: "EXPLICIT" },
          { name: "explicit_paddings", type: int, value: [0, 0, ...around, 0, 0] },
          { name: "data_format", type: string, value: "NHWC" },
        ];
      },
    );
  kernel(
    "InnerloopGather",
    "GatherV2",
    ({ params, indices, axis }) => [params!, indices!, axis!],
    (backend, dtype) => [
      type(backend, "Tparams", backend.getDTypeInteger(dtype)),
      type(backend, "Tindices", backend.binding.TF_INT32),
      type(backend, "Taxis", backend.binding.TF_INT32),
      { name: "batch_dims", type: backend.binding.TF_ATTR_INT, value: 0 },
    ],
  );
  kernel(
    "InnerloopReshape",
    "Reshape",
    ({ x, sizes }) => [x!, sizes!],
    (backend, dtype) => [
      type(backend, "T", backend.getDTypeInteger(dtype)),
      type(backend, "Tshape", backend.binding.TF_INT32),
    ],
  );
  convolution("InnerloopConv2D", "Conv2D", ["x", "filter"]);
  convolution("InnerloopConv2DBackpropInput", "Conv2DBackpropInput", ["sizes", "filter", "dy"]);
  convolution("InnerloopConv2DBackpropFilter", "Conv2DBackpropFilter", ["x", "sizes", "dy"]);
}
