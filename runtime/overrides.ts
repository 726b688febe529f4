// ONNX lets a caller override any input that has an initializer, but ONNX Runtime's JavaScript bindings list only the
// inputs that have none and silently ignore a value given for another. So such initializers are taken out of a model's
// bytes before it is loaded, which makes each a plain input, and their values are handed back as defaults.
import { dtypeBy, ELEMENTS, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import type { InPlace } from "./host.ts";
import { type Field, fieldsOf, graphOf, nameOf, readVarint, withGraph } from "./wire.ts";

/** A model whose every input must be fed, and the values for those inputs that had an initializer. */
export interface OpenedModel {
  readonly bytes: Uint8Array;
  readonly defaults: Readonly<Record<string, Tensor>>;
}

/**
 * Makes the overridable initializers of a model (ONNX IR specification, "Graphs": an initializer whose name is also an
 * input's is that input's default value) into plain inputs. Nothing else in the bytes changes; a model without such
 * initializers comes back as it is.
 *
 * @throws InnerloopError `onnx-unreadable` when the bytes are no ONNX model or are cut short.
 * @param beside files whose numbers initializers of the model have, by name
 */
export function openOverrides(
  model: Uint8Array,
  beside: Readonly<Record<string, Uint8Array | InPlace>> = {},
): OpenedModel {
  const body = graphOf(model);
  const graph = fieldsOf(model, body);
  const inputs = graph.filter(([number]) => number === graphInput).map((field) => nameOf(model, field, valueName));
  const defaults: Record<string, Tensor> = {};
  const kept = graph
    .filter((field) => {
      const name = field[0] === graphInitializer ? nameOf(model, field, tensorName) : "";
      const tensor = inputs.includes(name) && name !== "" ? readTensor(model, field, beside) : undefined;
      if (tensor) defaults[name] = tensor;
      return !tensor;
    })
    .map(([, keyStart, , end]) => model.subarray(keyStart, end));
  if (Object.keys(defaults).length === 0) return { bytes: model, defaults };
  return { bytes: withGraph(model, body, kept), defaults };
}

// Field numbers of onnx.proto.
const graphInitializer = 5;
const graphInput = 11;
const valueName = 1;
const tensorDims = 1;
const tensorDataType = 2;
const tensorFloatData = 4;
const tensorName = 8;
const tensorRawData = 9;
const tensorExternalData = 13;
const entryKey = 1;
const entryValue = 2;

/** A TensorProto; nothing where its data is stored in a way that is not read here. */
export function readTensor(
  bytes: Uint8Array,
  message: Field,
  beside: Readonly<Record<string, Uint8Array | InPlace>>,
): Tensor | undefined {
  const shape: number[] = [];
  const place: Record<string, string> = {};
  let type: number | undefined;
  let data: Uint8Array<ArrayBuffer> | undefined;
  for (const field of fieldsOf(bytes, message)) {
    const [number, , start, end, value] = field;
    if (number === tensorDataType) type = value;
    else if (number === tensorExternalData) place[nameOf(bytes, field, entryKey)] = nameOf(bytes, field, entryValue);
    else if (number === tensorRawData || (number === tensorFloatData && value === undefined)) {
      // Copied, because a view into the file need not be aligned. ONNX stores little-endian, as every host that runs this does.
      data = new Uint8Array(bytes.subarray(start, end));
    } else if (number === tensorDims) {
      // One dim, or, where a writer packed them, all of them.
      if (value !== undefined) shape.push(value);
      for (let at = start, dim: number; value === undefined && at < end; shape.push(dim)) {
        [dim, at] = readVarint(bytes, at, end);
      }
    }
  }
  const { location = "", offset = 0, length = 0 } = place;
  // Copied for the same reason.
  data ??= beside[location]?.slice(+offset, +offset + +length);
  const dtype = dtypeBy("onnx", type);
  if (dtype === undefined || data === undefined) return undefined;
  const { array } = ELEMENTS[dtype];
  if (data.length !== sizeOf(shape) * array.BYTES_PER_ELEMENT) return undefined;
  return { dtype, shape, data: new array(data.buffer) };
}
