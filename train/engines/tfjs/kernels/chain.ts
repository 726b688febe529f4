// Chains of elementwise operators.
import { type Device, isWasm, type Place, type Ready, type Shape } from "../kernel.ts";
import type { Chain } from "../wasm/chain.ts";

/** Whether a backend computes chains in one walk; the others compute operator by operator. */
export const walksChains = (device: Device): boolean => isWasm(device);

/** A chain made ready; it takes its operands as they are held, and gives its result in a shape. */
export const walk = (chain: Chain, shape: Shape, places: readonly Place[], device: Device): Ready => ({
  takes: places.map(({ held }) => held),
  gives: [shape],
  run: (tensors) => [device.run("InnerloopChain", tensors, { chain, shape })],
});
