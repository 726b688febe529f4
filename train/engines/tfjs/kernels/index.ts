// What each operator of a graph is in TensorFlow.js: a kernel made here, or the one that its entry names. What has none is taken
// apart until it has.
import type { Operator } from "@innerloop/graph";
import type { Device, Kernel, Ready, Site } from "../kernel.ts";
import { convolutionKernels } from "./convolution.ts";
import { elementwiseKernels, numberByNumber } from "./elementwise.ts";
import { indexingKernels } from "./indexing.ts";
import { movementKernels } from "./movement.ts";
import { matMul } from "./products.ts";
import { reductionKernels } from "./reduction.ts";

const kernels: ReadonlyMap<Operator, Kernel> = new Map(
  [
    matMul,
    ...elementwiseKernels,
    ...reductionKernels,
    ...movementKernels,
    ...indexingKernels,
    ...convolutionKernels,
  ].map((entry: Kernel): [Operator, Kernel] => [entry.operator, entry]),
);

export const hasKernel = (operator: Operator): boolean => kernels.has(operator) || operator.traits?.tfjs !== undefined;

/** The kernel of an operator made ready for one node. */
export function prepare(operator: Operator, site: Site, device: Device): Ready {
  const kernel = kernels.get(operator);
  if (kernel) return kernel.prepare(site, device);
  const { tfjs } = operator.traits ?? {};
  if (tfjs !== undefined) return numberByNumber(tfjs, site, device);
  throw new Error(`There is no kernel for ${operator.name}.`);
}
