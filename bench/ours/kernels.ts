// The native kernels that are measured by themselves, apart from the engine over them.
import { type Kernels, kernelsHere } from "@innerloop/native";
import { InnerloopError } from "@innerloop/schemas";

/** @throws InnerloopError where none are built */
export function builtKernels(): Kernels {
  const kernels = kernelsHere();
  if (kernels) return kernels;
  throw new InnerloopError(
    "no-kernels",
    "The native engine was asked for, and its kernels are not built for this machine; run `innerloop setup native`.",
    { exitStatus: 2 },
  );
}
