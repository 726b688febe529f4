// The three maps of a convolution, by the kernels that TensorFlow.js has for images.
import { type Attributes, convolutionAsColumns, op } from "@innerloop/graph";
import {
  type Device,
  isTensorFlow,
  type Kernel,
  kernel,
  ofTwo,
  type Ready,
  type Shape,
  type Site,
  sizesOf,
} from "../kernel.ts";

/** A window as a convolution's attributes say it. */
interface Window extends Attributes {
  readonly strides: Shape;
  readonly dilations: Shape;
  readonly before: Shape;
  readonly after: Shape;
}

/** By the names that a kernel has for its operands, and what a shape among them is called. */
function mapped(
  name: string,
  names: readonly [string, string],
  { inputs, outputs: [output], attributes }: Pick<Site, "inputs" | "outputs"> & { readonly attributes: Window },
  device: Device,
  shapeName?: string,
): Ready {
  const { strides, dilations, before, after } = attributes;
  const takes = inputs.flatMap((place) => (place ? [place.shape] : []));
  const gives: Ready["gives"] = [output.shape];
  if (isTensorFlow(device)) {
    const sizes = sizesOf(device, output.shape);
    const settings = { strides, dilations, before, after };
    const run = ofTwo((x, y) => device.run(`Innerloop${name}`, { [names[0]]: x, [names[1]]: y, sizes }, settings));
    return { takes, gives, run };
  }
  const settings = {
    strides,
    dilations,
    pad: [[0, 0], ...before.map((n, i) => [n, after[i] ?? 0]), [0, 0]],
    dataFormat: "NHWC",
    ...(shapeName ? { [shapeName]: output.shape } : {}),
  };
  return { takes, gives, run: ofTwo((x, y) => device.run(name, { [names[0]]: x, [names[1]]: y }, settings)) };
}

const { inputGradient, weightGradient } = convolutionAsColumns;

export const convolutionKernels: readonly Kernel[] = [
  kernel(op.Convolution, (site, device) => mapped("Conv2D", ["x", "filter"], site, device)),
  kernel(inputGradient, (site, device) => mapped("Conv2DBackpropInput", ["dy", "filter"], site, device, "inputShape")),
  kernel(weightGradient, (site, device) => mapped("Conv2DBackpropFilter", ["x", "dy"], site, device, "filterShape")),
];
