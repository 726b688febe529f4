// How a number is computed of others, as calls of a chain.
import type { Call, FunctionName, Operand } from "./steps.ts";

/** Calls of a chain as they are made: each gives what later ones compute with. */
export class Code {
  readonly calls: Call[] = [];
  readonly #reads: number;

  constructor(reads: number) {
    this.#reads = reads;
  }

  call(name: FunctionName, ...operands: readonly (Operand | number)[]): Operand {
    const given = operands.map((each) => (typeof each === "number" ? { number: each } : each));
    this.calls.push({ name, operands: given });
    return { register: this.#reads + this.calls.length - 1 };
  }

  /** A register that has this. */
  register(operand: Operand): number {
    const made = "register" in operand ? operand : this.call("copy", operand);
    return (made as { readonly register: number }).register;
  }
}

export type Formula = (code: Code, ...operands: readonly Operand[]) => Operand;
