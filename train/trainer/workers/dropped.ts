// Arrays that nobody needs any more give their memory back at once. A collector sees little of what lies outside its heap, and lets
// up to 64 MB of it lie in each thread.
import { MessageChannel } from "node:worker_threads";
import type { Tensors } from "../state.ts";

const { port1: nowhere, port2: otherEnd } = new MessageChannel();
otherEnd.close();

/** Frees arrays, which are empty afterwards: what is moved to a port with nobody at its other end is gone. */
export function drop(...tensors: readonly Tensors[]): void {
  const memory = tensors.flatMap((each) => Object.values(each).map(({ data }) => data.buffer));
  const own = new Set(memory.filter((buffer) => buffer instanceof ArrayBuffer));
  nowhere.postMessage(null, [...own]);
}
