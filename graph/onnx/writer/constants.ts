// The constants of a file: every array once, under a name that says what it holds.
import { bytesOf, ELEMENT_TYPES, encodeNumbers } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { isFloat } from "../../core/operator.ts";
import { showShape } from "../../core/shapes.ts";
import type { NumberArray } from "../../core/value.ts";
import type { External } from "../sidecar.ts";
import { externalProto, tensorProto } from "../tensors.ts";
import type { UniqueNames } from "./names.ts";

/** What the names of constants start with, which tells them from weights when a file is read. */
export const constantPrefix = "constant/";

export class Constants {
  readonly tensors: onnx.TensorProto.$Properties[] = [];
  readonly #names: UniqueNames;
  readonly #lists = new Map<string, string>();
  readonly #external: External | undefined;

  /** @param external where arrays lie that are not in the file */
  constructor(names: UniqueNames, external?: External) {
    this.#names = names;
    this.#external = external;
  }

  /** The name of a new constant. */
  array(array: NumberArray): string {
    const { dtype, shape, data } = array;
    const kind = data.length === 1 ? String(data[0]) : showShape(shape).replaceAll(", ", "x");
    const name = this.#names.unique(`${constantPrefix}${kind}`);
    // Whole numbers may be a shape, which ONNX Runtime wants to see when it opens the model.
    const place = isFloat(dtype)
      ? this.#external?.(name, array, {
          length: bytesOf(dtype, data.length),
          bytes: () => encodeNumbers(dtype, data),
        })
      : undefined;
    this.tensors.push(place ? externalProto(name, dtype, shape, place) : tensorProto(name, dtype, shape, data));
    return name;
  }

  /** The same in float16. */
  half({ shape, data }: NumberArray): string {
    const name = this.#names.unique(`${constantPrefix}float16/${data.length === 1 ? data[0] : shape.join("x")}`);
    const rawData = encodeNumbers("float16", data);
    this.tensors.push({ name, dataType: ELEMENT_TYPES.float16.onnx, dims: [...shape], rawData });
    return name;
  }

  /** An int64 scalar. */
  scalar(number: number): string {
    return this.array({ dtype: "int64", shape: [], data: Float64Array.of(number) });
  }

  /** An int64 list, which is there once. */
  list(numbers: readonly number[]): string {
    const key = numbers.join();
    const known = this.#lists.get(key);
    if (known) return known;
    const name = this.array({ dtype: "int64", shape: [numbers.length], data: Float64Array.from(numbers) });
    this.#lists.set(key, name);
    return name;
  }
}
