// Bytes put together, as reading from a network and rewriting a model both do, and told from anything else.
import { kindOf } from "@innerloop/schemas/bundle";

/** Whether these are bytes, whoever's class made them. */
export function isBytes(value: unknown): value is Uint8Array {
  return kindOf(value) === "Uint8Array";
}

/** The same memory as an array of this realm, and no Node `Buffer`, whose `slice` copies nothing. */
export function ownBytes({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** One array of all parts, in their order. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
