// Inputs, weights and outputs that a file has in an element type which graphs have no dtype for: Casts at its borders, and numbers
// that are stored as narrow as they were.
import {
  bytesOf,
  ELEMENT_TYPES,
  InnerloopError,
  type NumericName,
  show,
  sizeOf,
  type Tensor,
} from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import type { Dim } from "../../core/dims.ts";
import type { Value } from "../../core/value.ts";
import { type AttributeProto, anyElementType, flag, written } from "../attributes.ts";
import type { External } from "../sidecar.ts";
import { bytesOfNumbers, externalProto, tensorProto } from "../tensors.ts";
import { valueInfo } from "./values.ts";

/** The opset that brought an element type to Cast; 13 has those that are not here. */
const brought: Partial<Record<NumericName, number>> = {
  float8e4m3fn: 19,
  float8e4m3fnuz: 19,
  float8e5m2: 19,
  float8e5m2fnuz: 19,
  int4: 21,
  uint4: 21,
  float4e2m1: 23,
  float8e8m0: 24,
  int2: 25,
  uint2: 25,
};

/** The opset that element types need. */
export const opsetForElements = (elements: Iterable<string>): number =>
  [...elements].reduce((most, name) => Math.max(most, brought[name as NumericName] ?? 0), 0);

/** What goes in and out of a file, by its name. */
export class Borders {
  readonly #elements: Readonly<Record<string, NumericName>>;
  /** Where arrays lie that are not in the file. */
  readonly external: External | undefined;

  /**
   * @param elements of inputs and outputs, by their names; others have the dtype of their value
   * @param external where arrays lie that are not in the file
   */
  constructor(elements: Readonly<Record<string, NumericName>>, external: External | undefined) {
    this.#elements = elements;
    this.external = external;
  }

  /** The element type of what goes by a name. @throws InnerloopError for one whose numbers the value does not hold */
  of(name: string, { dtype }: Value): NumericName {
    const element = Object.hasOwn(this.#elements, name) ? this.#elements[name] : undefined;
    if (element === undefined || element === dtype) return dtype;
    if (Object.hasOwn(ELEMENT_TYPES, element) && ELEMENT_TYPES[element].dtype === dtype) return element;
    throw new InnerloopError(
      "bad-option",
      `elements says that "${name}" is ${show(element)}, but it is ${dtype} in the graph; a type whose numbers that holds was expected.`,
      { exitStatus: 2 },
    );
  }

  /** @param shown what a size is called in the file */
  info(name: string, value: Value, shown?: (dim: Dim) => Dim): onnx.ValueInfoProto.$Properties {
    return valueInfo(name, value, shown, this.of(name, value));
  }

  initializer(name: string, value: Value, tensor: Tensor): onnx.TensorProto.$Properties {
    const { dtype, shape } = tensor;
    const said = this.of(name, value);
    const element = said === value.dtype ? dtype : said;
    const place = this.external?.(name, tensor, {
      length: bytesOf(element, sizeOf(shape)),
      bytes: () => bytesOfNumbers(element, tensor.data),
    });
    return place ? externalProto(name, element, shape, place) : tensorProto(name, element, shape, tensor.data);
  }
}

/** The attributes of a Cast at a border. What comes to one is representable there already, or too large for it, as infinity is. */
export const borderCast = (to: NumericName): AttributeProto[] => [
  written("to", anyElementType(), to),
  ...(to.startsWith("float8") ? [written("saturate", flag(true), false)] : []),
];
