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

/** The convolutions that a backend has quick kernels for; gathered columns and matrix products beat the others many times. */
const nativeConvolutions: Readonly<Record<string, readonly string[]>> = {
  tensorflow: [],
  webgpu: [],
  cpu: ["Convolution", "ConvolutionInputGradient"],
  wasm: [],
};

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

/** In place of what WGSL has. */
export const exactTrigonometry: Readonly<Record<string, Lowering>> = {
  Sin: ([x]) => [sine(x!)],
  Cos: ([x]) => [cosine(x!)],
  Tan: ([x]) => [op.Div(sine(x!), cosine(x!))],
};

/** The target of a backend, by the name that TensorFlow.js has for it. */
export function targetOf(backend: string): Target {
  // A kernel's convolutions are those of images, all in one group, with one set of weights.
  const native = (name: string, inputs: readonly Value[], attributes: Node["attributes"]): boolean => {
    const { kernel, dilations, groups } = attributes;
    const dense = (dilations as readonly number[]).every((dilation) => dilation === 1);
    const images = (kernel as readonly number[]).length === 2 && inputs[0]!.rank === 4;
    return nativeConvolutions[backend]!.includes(name) && images && groups === 1 && (dense || name === "Convolution");
  };
  const convolutions = Object.entries(convolutionAsColumns).map(([name, columns]): [string, typeof columns] => [
    name,
    (inputs, attributes, outputs) =>
      native(name, inputs, attributes) ? undefined : columns(inputs, attributes, outputs),
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
