// What a trainer carries from step to step: tensors by name, on the host or on an engine's device.
import type { Tensor } from "@innerloop/schemas";
import type { DeviceTensor, Program } from "../engines/index.ts";

export type Tensors = Record<string, Tensor>;

/** Parameters, the optimizer's arrays, and what guards a step, by name. */
export type State = Readonly<Record<string, Tensor | DeviceTensor>>;

export const scalar = (x: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(x) });

export const vector = (data: Float32Array): Tensor => ({ dtype: "float32", shape: [data.length], data });

const isOnDevice = (tensor: Tensor | DeviceTensor): tensor is DeviceTensor => "read" in tensor;

/** Those feeds that a program has inputs for. */
export const only = (program: Program, feeds: State): State =>
  Object.fromEntries(program.inputs.map(({ name }) => [name, feeds[name]!]));

/** Copies for the host. */
export async function readAll(state: State, names: readonly string[] = Object.keys(state)): Promise<Tensors> {
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

const nextPrefix = "next/";

/** The outputs of a step, taken apart: the state that the next step takes, and what else there is. */
export function takeNext(outputs: State): { next: State; others: State } {
  const entries = Object.entries(outputs);
  const isNext = ([name]: [string, unknown]) => name.startsWith(nextPrefix);
  return {
    next: Object.fromEntries(entries.filter(isNext).map(([name, tensor]) => [name.slice(nextPrefix.length), tensor])),
    others: Object.fromEntries(entries.filter((entry) => !isNext(entry))),
  };
}
