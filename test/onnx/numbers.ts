// The numbers of a case: out of its bytes, for ONNX Runtime and back, and whether they are those that are expected.
import {
  decodeNumbers,
  ELEMENT_TYPES,
  type ElementName,
  elementNameOf,
  encodeNumbers,
  isNumeric,
  sizeOf,
} from "@innerloop/schemas";
import type { InferenceSession } from "onnxruntime-node";
import * as ort from "onnxruntime-node";
import type { CaseTensor, NodeCase } from "./cases.ts";

export interface Numbers {
  readonly type: ElementName;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Types that dump.py keeps as they lie in a file; of others it keeps the numbers, as float32. */
const plain: ReadonlySet<ElementName> = new Set([
  ...(["float32", "float64", "float16", "bool", "uint8", "int8", "uint16"] as const),
  ...(["int16", "uint32", "int32", "uint64", "int64"] as const),
]);

/** The numbers of an input or an output of a case. */
export function numbersOf({ name, type, shape, bytes }: CaseTensor): Numbers {
  const element = elementNameOf(type ?? 0);
  if (!element || !shape || !bytes) throw new Error(`${name} has no numbers.`);
  const stored = plain.has(element) && isNumeric(element) ? element : "float32";
  return { type: element, shape, data: Float64Array.from(decodeNumbers(stored, bytes, sizeOf(shape))) };
}

type OrtType = Exclude<ort.Tensor.Type, "string">;
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
} as const;
const isHeld = (type: string): type is keyof typeof arrays => Object.hasOwn(arrays, type);
const Float16 = (globalThis as { Float16Array?: new (buffer: ArrayBuffer) => Uint16Array }).Float16Array;

/** A tensor for ONNX Runtime, of the type that the model asks for. */
function tensorOf(given: CaseTensor, type: string): ort.Tensor {
  const { type: own, shape, data } = numbersOf(given);
  const raw = own === type && plain.has(own) ? given.bytes : undefined;
  if (type === "float16") {
    const buffer = new Uint8Array(raw ?? encodeNumbers("float16", data)).buffer;
    const half = Float16 ? new Float16(buffer) : new Uint16Array(buffer);
    return new ort.Tensor("float16", half, shape);
  }
  if (!isHeld(type)) throw new Error(`onnxruntime-node has no tensors of ${type}.`);
  const bytes = new Uint8Array(raw ?? encodeNumbers(type, data));
  return new ort.Tensor(type as OrtType, new arrays[type](bytes.buffer), shape);
}

/** The numbers that ONNX Runtime gave. */
export function numbersFrom(tensor: ort.Tensor): Numbers {
  const { type, dims, data } = tensor;
  if (type === "float16" && data instanceof Uint16Array)
    return {
      type,
      shape: dims,
      data: Float64Array.from(decodeNumbers("float16", new Uint8Array(data.slice().buffer), data.length)),
    };
  return { type: type as ElementName, shape: dims, data: Float64Array.from(data as ArrayLike<number>, Number) };
}

/** Of what is computed in few bits, each step rounds: two places of the last. */
const places: Partial<Record<ElementName, number>> = { float16: 2 ** -8, bfloat16: 2 ** -6 };

/** How far off numbers are from those expected, in words; undefined where each is within the tolerances of the case. */
export function difference(
  { rtol, atol }: Pick<NodeCase, "rtol" | "atol">,
  expected: Numbers,
  got: Omit<Numbers, "type">,
  onlyShape = false,
): string | undefined {
  if (expected.shape.join() !== got.shape.join()) return `shape [${got.shape}], not [${expected.shape}]`;
  if (onlyShape) return undefined;
  const kind = ELEMENT_TYPES[expected.type];
  const coarse = places[expected.type] ?? (kind.kind === "float" && kind.bits < 16 ? 2 ** -2 : 0);
  // Sums that cancel keep the rounding of what was added, which is some places of the largest.
  const largest = expected.data.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  const least = kind.kind === "float" ? Math.max(atol, 1e-6 * largest) : atol;
  const wrong = expected.data.findIndex((want, i) => {
    const have = got.data[i] ?? Number.NaN;
    return (
      !Object.is(want, have) &&
      want !== have &&
      !(Math.abs(want - have) <= least + Math.max(rtol, coarse) * Math.abs(want))
    );
  });
  return wrong < 0 ? undefined : `entry ${wrong} is ${got.data[wrong]}, not ${expected.data[wrong]}`;
}

/** What a model of these bytes gives on ONNX Runtime, by the names of its outputs. */
export async function runOnOrt(
  bytes: Uint8Array,
  inputs: readonly CaseTensor[],
  types: (input: CaseTensor) => string | undefined,
): Promise<Record<string, ort.Tensor>> {
  const session: InferenceSession = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  try {
    const feeds = inputs.flatMap((input): [string, ort.Tensor][] => {
      const type = types(input);
      return type === undefined || !session.inputNames.includes(input.name)
        ? []
        : [[input.name, tensorOf(input, type)]];
    });
    return await session.run(Object.fromEntries(feeds));
  } finally {
    await session.release();
  }
}
