// What a trainer carries from step to step: tensors by name, on the host or on an engine's device.
import { sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import type { DeviceTensor, Program } from "../engines/index.ts";

export type Tensors = Record<string, Tensor>;

/** Parameters, the optimizer's arrays, and what guards a step, by name. */
export type State = Readonly<Record<string, Tensor | DeviceTensor>>;

export const scalar = (x: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(x) });

export const vector = (data: Float32Array): Tensor => ({ dtype: "float32", shape: [data.length], data });

export const zeros = (shape: readonly number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: new Float32Array(sizeOf(shape)),
});

const isOnDevice = (tensor: Tensor | DeviceTensor): tensor is DeviceTensor => "read" in tensor;

/** Those feeds that a program has inputs for. */
export const only = (program: Program, feeds: State): State =>
  Object.fromEntries(program.inputs.map(({ name }) => [name, feeds[name]!]));

/** Copies for the host. */
export async function readAll(state: State, names: readonly string[]): Promise<Tensors> {
  const entries = names.map(async (name): Promise<[string, Tensor]> => {
    const tensor = state[name]!;
    return [name, isOnDevice(tensor) ? await tensor.read() : { ...tensor, data: tensor.data.slice() }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The one number of a tensor. */
export async function readNumber(tensor: Tensor | DeviceTensor): Promise<number> {
  return Number((isOnDevice(tensor) ? await tensor.read() : tensor).data[0]);
}

/** Frees what lies on a device. */
export function release(state: State): void {
  for (const tensor of Object.values(state)) if (isOnDevice(tensor)) tensor.dispose();
}
