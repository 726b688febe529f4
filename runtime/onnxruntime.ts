// ONNX Runtime's API, the part that is the same on every host: how a model is opened on a provider, how tensors go in and
// out, and what its errors mean. Nothing else calls it.
import { type DType, InnerloopError, sizeOf, type Tensor, type TypedArray } from "@innerloop/schemas/bundle";
import type * as OnnxRuntime from "onnxruntime-common";
import { host } from "#host";
import type { Beside, HostOptions, ProviderName } from "./host.ts";
import type { Ort } from "./hosts/host.ts";
import { openOverrides } from "./overrides.ts";
import { badInput } from "./refusal.ts";

/** A model that ONNX Runtime has taken. */
export interface Opened {
  readonly ort: Ort;
  readonly session: OnnxRuntime.InferenceSession;
  /** The values of inputs that need not be fed. */
  readonly defaults: Readonly<Record<string, Tensor>>;
}

/** A tensor of ONNX Runtime: one that it keeps on a device can be fed as it is. */
export type OrtTensor = OnnxRuntime.Tensor;

/**
 * Opens a model on a provider.
 *
 * @param more settings that are not the same for all sessions
 * @throws InnerloopError `onnx-unreadable`, `model-refused`, `out-of-memory`, `onnxruntime-missing`.
 */
export async function openModel(
  model: Uint8Array,
  provider: ProviderName,
  options: HostOptions & Beside,
  more: OnnxRuntime.InferenceSession.SessionOptions = {},
): Promise<Opened> {
  const ort = await host.load(provider, options);
  const { beside, sealed } = options;
  const { bytes, defaults } = sealed ? { bytes: model, defaults: {} } : openOverrides(model, beside);
  const outside = settingsOfBeside(options);
  try {
    const set = settings(provider, options);
    const session = await ort.InferenceSession.create(bytes, {
      ...set,
      ...outside,
      ...more,
      extra: {
        ...set.extra,
        ...more.extra,
        session: { ...(set.extra?.session as object | undefined), ...outside.extra.session },
      },
    });
    return { ort, session, defaults };
  } catch (cause) {
    const advice = `; export it again${provider === host.automatic.at(-1) ? "" : ", or use provider cpu"}`;
    throw failure(cause, "model-refused", `ONNX Runtime does not take this model on ${provider}`, advice);
  }
}

/** Why a provider does not start, if so: the smallest model is opened on it. The `cpu` needs no trial. */
export async function trial(provider: ProviderName, options: HostOptions): Promise<string | undefined> {
  if (provider === "cpu") return undefined;
  const ort = await host.load(provider, options);
  try {
    await (await ort.InferenceSession.create(identity(), settings(provider, options))).release();
    return undefined;
  } catch (cause) {
    return wordsOf(cause);
  }
}

/**
 * Runs a model once.
 *
 * @param feeds tensors of the host, or of ONNX Runtime as an earlier run gave them
 * @throws InnerloopError `bad-input`, `out-of-memory`, `device-lost`, `run-failed`.
 */
export async function runModel(
  { ort, session, defaults }: Opened,
  feeds: Readonly<Record<string, Tensor | OrtTensor>>,
  fetches: readonly string[] = session.outputNames,
): Promise<Record<string, OrtTensor>> {
  const { inputNames, outputNames } = session;
  refuseUnknown("input", Object.keys(feeds), inputNames);
  refuseUnknown("output", fetches, outputNames);
  const inputs: Record<string, OrtTensor> = {};
  for (const value of session.inputMetadata) {
    const { name } = value;
    const tensor = feeds[name] ?? defaults[name];
    if (!tensor) throw badInput(`the input "${name}" is missing; this model needs ${inputNames.join(", ")}`);
    inputs[name] = "dtype" in tensor ? toOrt(ort, name, value.isTensor ? value.type : "no tensor", tensor) : tensor;
  }
  try {
    return (await session.run(inputs, fetches)) as Record<string, OrtTensor>;
  } catch (cause) {
    throw failure(cause, "run-failed", "ONNX Runtime could not run the model");
  }
}

/** What a run gave, as tensors of the host. */
export function fromOrt(results: Readonly<Record<string, OrtTensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, dims, data }]) => [
      name,
      { dtype: type as DType, shape: dims, data: data as TypedArray },
    ]),
  );
}

/** The model y = Identity(x) of a float tensor of any shape, opset 17, IR version 8; or of another element type. */
export function identity(elementType = 1): Uint8Array {
  const bytes = Uint8Array.from(atob(identityModel), (character) => character.charCodeAt(0));
  for (const at of [35, 46]) bytes[at] = elementType;
  return bytes;
}

const identityModel = "CAg6KwoQCgF4EgF5IghJZGVudGl0eRIBZ1oJCgF4EgQKAggBYgkKAXkSBAoCCAFCBAoAEBE=";

function settings(provider: ProviderName, options: HostOptions): OnnxRuntime.InferenceSession.SessionOptions {
  return {
    graphOptimizationLevel: "all",
    // Errors come as exceptions; what ONNX Runtime would print beside them is for its own developers.
    logSeverityLevel: 4,
    ...host.settings(provider, options),
  };
}

/** Of numbers that lie beside a model. */
function settingsOfBeside({ beside = {}, packed = true }: Beside) {
  const externalData: { path: string; data: Uint8Array }[] = [];
  let folder: string | undefined;
  for (const [path, data] of Object.entries(beside)) {
    if ("folder" in data) folder = data.folder();
    else externalData.push({ path, data });
  }
  const session = {
    ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
    ...(packed ? {} : { disable_prepacking: "1" }),
  };
  if (Object.keys(beside).length === 0) return { extra: { session } };
  // A large model then keeps the arrays of its first run and no second set, laid out by their pattern, beside them.
  return { enableMemPattern: false, ...(externalData.length > 0 && { externalData }), extra: { session } };
}

function toOrt(ort: Ort, name: string, type: string, { dtype, shape, data }: Tensor): OrtTensor {
  const widened = dtype === "int32" && type === "int64";
  if (!widened && dtype !== type) throw badInput(`the input "${name}" is ${dtype}; this model expects ${type} there`);
  if (sizeOf(shape) !== data.length)
    throw badInput(`the input "${name}" of shape [${shape.join(", ")}] holds ${data.length} values`);
  const values = widened ? BigInt64Array.from(data as Int32Array, BigInt) : data;
  return new ort.Tensor(type as "float32", values as Float32Array, shape);
}

/** ONNX Runtime's error as ours; memory that ran out and a device that is gone have codes of their own. */
function failure(cause: unknown, code: string, what: string, advice = ""): InnerloopError {
  const words = wordsOf(cause);
  const [is, does] = outOfMemory.test(words)
    ? ["out-of-memory", "; memory ran out: give it fewer examples at once"]
    : deviceLost.test(words)
      ? ["device-lost", "; the device is gone: try again, or use provider cpu"]
      : [code, advice];
  return new InnerloopError(is!, `${what}: ${words}${does}`, { cause });
}

// The words of ONNX Runtime, CUDA, Dawn, Direct3D and WebAssembly.
const outOfMemory =
  /out of memory|bad_alloc|failed to allocate|smaller than requested|exceeds the max buffer size|enlarge memory|\bOOM\b/i;
const deviceLost =
  /(device|context|GPU)\b.{0,20}\b(lost|removed|hung|reset)|DEVICE_(LOST|REMOVED|HUNG|RESET)|illegal memory access|launch failure|external Instance reference/i;

/** The words of an error, without the source line and the condition that ONNX Runtime puts before them. */
function wordsOf(cause: unknown): string {
  const words = (cause as Error)?.message ?? String(cause);
  return words.replace(/^\/\S+\.(?:cc|h):\d+ .* was false\. /s, "").trim();
}

function refuseUnknown(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw badInput(`the ${what} "${unknown}" is unknown; this model has ${known.join(", ")}`);
}
