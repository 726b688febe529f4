// What the values of a graph are called in a file, in the precision that who reads them computes in: constants are made, and
// Casts where a value was made in the other one.
import { ELEMENT_TYPES, type NumericName } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { constantOf } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import type { Value } from "../../core/value.ts";
import { int, written } from "../attributes.ts";
import type { Constants } from "./constants.ts";
import type { UniqueNames } from "./names.ts";

export class ValueNames {
  readonly #unique: UniqueNames;
  readonly #constants: Constants;
  readonly #nodes: onnx.NodeProto.$Properties[];
  readonly #names = new Map<Value, string>();
  readonly #halves = new Map<Value, string>();

  /** @param nodes where Casts go */
  constructor(unique: UniqueNames, constants: Constants, nodes: onnx.NodeProto.$Properties[]) {
    this.#unique = unique;
    this.#constants = constants;
    this.#nodes = nodes;
  }

  known(value: Value): string | undefined {
    return this.#names.get(value);
  }

  set(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  /** Gives a value a name of its own. */
  claim(value: Value, wanted: string): string {
    const name = this.#unique.unique(wanted);
    this.#names.set(value, name);
    return name;
  }

  /** Gives a value of float16 a name of its own. */
  claimHalf(value: Value, wanted: string): string {
    const name = this.#unique.unique(wanted);
    this.#halves.set(value, name);
    return name;
  }

  name(value: Value): string {
    return this.#names.get(value) ?? this.#makeFloat(value);
  }

  #makeFloat(value: Value): string {
    const array = constantOf(value);
    const half = this.#halves.get(value);
    if (!array && !half) throw new Error(`${value.node.operator.name} is used before it is written.`);
    const name = array
      ? this.#constants.array(array)
      : this.#cast(half ?? "", ELEMENT_TYPES.float32.onnx, this.#unique.unique(`${half}/float32`));
    this.#names.set(value, name);
    return name;
  }

  /** The name of a value in float16: as it was made, else a constant, else a Cast of it. */
  half(value: Value): string {
    const known = this.#halves.get(value);
    if (known) return known;
    const array = constantOf(value);
    const name = array
      ? this.#constants.half(array)
      : this.#cast(this.name(value), ELEMENT_TYPES.float16.onnx, this.#halfOf(value));
    this.#halves.set(value, name);
    return name;
  }

  #halfOf(value: Value): string {
    return this.#unique.unique(`${this.name(value)}/float16`);
  }

  /** Gives an output of the graph its name: the value itself has it, or a Cast of it where it is only there in float16. */
  output(value: Value, wanted: string): string {
    const half = this.#names.has(value) ? undefined : this.#halves.get(value);
    const name = half === undefined ? this.name(value) : this.#cast(half, ELEMENT_TYPES.float32.onnx, wanted);
    this.#names.set(value, name);
    return name;
  }

  #cast(from: string, type: number, name: string): string {
    this.#nodes.push({
      opType: "Cast",
      input: [from],
      output: [name],
      name,
      attribute: [written("to", int(), type)],
    });
    return name;
  }
}

/**
 * What a file says of a value that goes in or out.
 * @param shown what a size is called in the file
 * @param element its element type there
 */
export function valueInfo(
  name: string,
  { dtype, shape }: Value,
  shown = (dim: Dim): Dim => dim,
  element: NumericName = dtype,
): onnx.ValueInfoProto.$Properties {
  const dim = shape.map(shown).map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[element].onnx, shape: { dim } } } };
}

/** The same of a truth value. */
export const conditionInfo = (name: string): onnx.ValueInfoProto.$Properties => ({
  name,
  type: { tensorType: { elemType: ELEMENT_TYPES.bool.onnx, shape: { dim: [] } } },
});
