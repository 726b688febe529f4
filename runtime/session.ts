// The only file that knows ONNX Runtime's API: how a provider is chosen, how a model is opened on it, and how tensors go in
// and out. What differs between Node, browsers and others is in hosts/. Everything else sees a Session.

import { type DType, InnerloopError, type Tensor, type TypedArray } from "@innerloop/schemas/bundle";
import type * as OnnxRuntime from "onnxruntime-common";
import { host } from "#host";
import type { HostOptions, Ort, ProviderName } from "./host.ts";
import { Lifetime } from "./lifetime.ts";
import { openOverrides } from "./overrides.ts";

export type { ProviderName } from "./host.ts";

/** The provider in use, why it was chosen, and why each one that would have come before it was not. */
export interface ProviderChoice {
  readonly name: ProviderName;
  readonly reason: string;
  readonly rejected: readonly { readonly name: ProviderName; readonly reason: string }[];
}

/** Where and how wide to run. */
export interface SessionOptions extends HostOptions {
  /**
   * `auto` (the default) takes the first of cuda, webgpu, cpu that works; a named one is used or refused, never replaced;
   * a choice of {@link chooseProvider} is taken as it is, which saves trying providers again for every model. `cpu` is the
   * processor everywhere: in a browser it means `wasm`.
   */
  readonly provider?: ProviderName | "auto" | ProviderChoice;
}

/** A model, ready to run. Calls may overlap; ONNX Runtime takes them one after the other. */
export interface Session {
  readonly provider: ProviderChoice;
  /** The names of all inputs, those that may be left out included. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The inputs that may be left out, with the value each then has (the model's initializer). */
  readonly defaults: Readonly<Record<string, Tensor>>;
  /**
   * Runs the model once. `feeds` must stay unchanged until the promise settles; int32 is converted where int64 is wanted.
   *
   * @param fetches the outputs to compute; all when not given
   * @throws InnerloopError `bad-input` for a missing, unknown or mistyped input or an unknown output,
   *   `run-failed` with ONNX Runtime's words, `disposed` after {@link dispose}.
   */
  run(feeds: Readonly<Record<string, Tensor>>, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Waits for the calls that run, then frees the model; calling it again does nothing. */
  dispose(): Promise<void>;
}

/** What {@link listProviders} says of one provider; `reason` is there when it is not available. */
export interface ProviderReport {
  readonly name: ProviderName;
  readonly available: boolean;
  readonly reason?: string;
}

/**
 * Opens an ONNX model.
 *
 * @param model the bytes of an .onnx file, or its path
 * @throws InnerloopError `onnx-unreadable` for bytes that are no whole model, `model-refused` when ONNX Runtime does not
 *   take it, `provider-unavailable` when a named provider does not work here, `onnxruntime-missing`, `bad-option`.
 */
export async function openSession(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const provider = await chooseProvider(options);
  const [ort, file] = await Promise.all([
    host.load(provider.name, options),
    typeof model === "string" ? host.read(model, "the ONNX model") : model,
  ]);
  const { bytes, defaults } = openOverrides(file);
  const session = await createSession(ort, bytes, provider.name, options);
  const inputTypes = typesOf(session.inputMetadata);
  const lifetime = new Lifetime("this session", () => session.release());

  return {
    provider,
    inputs: session.inputNames,
    outputs: session.outputNames,
    defaults,
    run: (feeds, fetches = session.outputNames) =>
      lifetime.during(async () => {
        const inputs = toOnnxRuntime(ort, { ...defaults, ...feeds }, inputTypes);
        const unknown = fetches.find((name) => !session.outputNames.includes(name));
        if (unknown !== undefined) {
          throw badInput(`the output "${unknown}" was asked for; this model has ${quoted(session.outputNames)}`);
        }
        try {
          return fromOnnxRuntime(await session.run(inputs, fetches));
        } catch (cause) {
          throw new InnerloopError("run-failed", `ONNX Runtime could not run the model: ${messageOf(cause)}`, {
            cause,
          });
        }
      }),
    dispose: () => lifetime.end(),
  };
}

/**
 * The provider that sessions with these options run on. It costs a few file look-ups, and for a GPU the opening of a
 * model with one op; a GPU that fails this is passed over by `auto`.
 *
 * @throws InnerloopError `provider-unavailable` when a named provider does not work here, `onnxruntime-missing`, `bad-option`.
 */
export async function chooseProvider(options: SessionOptions = {}): Promise<ProviderChoice> {
  const { provider = "auto", threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw badOption(`threads ${String(threads)} was given; a whole number from 1 was expected`);
  }
  if (typeof provider === "object") return provider;
  if (provider === "auto") return chooseFirst(options);
  const name = provider === "cpu" ? host.automatic.at(-1)! : provider;
  if (!KNOWN.includes(name)) {
    throw badOption(`provider "${String(name)}" was given; auto, ${KNOWN.join(", ")} are known; choose one of them`);
  }
  const reason = (await host.missing(name, true)) ?? (await failure(name, options));
  if (reason === undefined) return { name, reason: "asked for by name", rejected: [] };
  throw new InnerloopError(
    "provider-unavailable",
    `the provider ${name} was asked for and does not work here: ${reason}; ${host.remedy(name)}${orCpu(name)}`,
  );
}

async function chooseFirst(options: HostOptions): Promise<ProviderChoice> {
  const rejected: { name: ProviderName; reason: string }[] = [];
  for (const name of host.automatic) {
    const reason = host.unwanted(name) ?? (await unavailable(name, options));
    if (reason === undefined) {
      const before = rejected.map((it) => it.name).join(" and ");
      return { name, reason: before ? `the first that works here, after ${before}` : "the first choice", rejected };
    }
    rejected.push({ name, reason });
  }
  const reasons = rejected.map((it) => `${it.name}: ${it.reason}; ${host.remedy(it.name)}`).join("; ");
  throw new InnerloopError("provider-unavailable", `no provider works here: ${reasons}`);
}

/**
 * What works here and why others do not: first those that `auto` tries, in its order, then those that are only taken by name.
 *
 * @throws InnerloopError `onnxruntime-missing`.
 */
export async function listProviders(options: HostOptions = {}): Promise<ProviderReport[]> {
  const reports: ProviderReport[] = [];
  for (const name of [...host.automatic, ...host.named]) {
    const reason = await unavailable(name, options);
    reports.push(reason === undefined ? { name, available: true } : { name, available: false, reason });
  }
  return reports;
}

const KNOWN: readonly ProviderName[] = ["cuda", "webgpu", "cpu", "wasm", "dml", "coreml"];

async function unavailable(name: ProviderName, options: HostOptions): Promise<string | undefined> {
  return (await host.missing(name, false)) ?? (await failure(name, options));
}

/** Advice to fall back, where that is possible. */
function orCpu(name: ProviderName): string {
  return name === host.automatic.at(-1) ? "" : ", or use provider cpu";
}

/** Why a provider does not start, if so: the smallest model is opened on it. The `cpu` needs no trial. */
async function failure(name: ProviderName, options: HostOptions): Promise<string | undefined> {
  if (name === "cpu") return undefined;
  const ort = await host.load(name, options);
  try {
    await (await ort.InferenceSession.create(identity(), settings(name, options))).release();
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}

/** The model y = Identity(x) of one float, opset 17, IR version 8. */
function identity(): Uint8Array {
  const base64 = "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=";
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function createSession(ort: Ort, bytes: Uint8Array, provider: ProviderName, options: HostOptions) {
  try {
    return await ort.InferenceSession.create(bytes, settings(provider, options));
  } catch (cause) {
    throw new InnerloopError(
      "model-refused",
      `ONNX Runtime does not take this model on ${provider}: ${messageOf(cause)}; export it again${orCpu(provider)}`,
      { cause },
    );
  }
}

function settings(provider: ProviderName, options: HostOptions): OnnxRuntime.InferenceSession.SessionOptions {
  return {
    graphOptimizationLevel: "all",
    // Errors come as exceptions; what ONNX Runtime would print beside them is for its own developers.
    logSeverityLevel: 4,
    ...host.settings(provider, options),
  };
}

function typesOf(metadata: readonly OnnxRuntime.InferenceSession.ValueMetadata[]): Map<string, string> {
  return new Map(metadata.map((value) => [value.name, value.isTensor ? value.type : "no tensor"]));
}

function toOnnxRuntime(ort: Ort, feeds: Readonly<Record<string, Tensor>>, types: ReadonlyMap<string, string>) {
  const inputs: Record<string, OnnxRuntime.Tensor> = {};
  for (const [name, type] of types) {
    const tensor = feeds[name];
    if (tensor === undefined)
      throw badInput(`the input "${name}" is missing; this model needs ${quoted([...types.keys()])}`);
    const data = tensor.dtype === "int32" && type === "int64" ? toInt64(tensor.data as Int32Array) : tensor.data;
    if (data === tensor.data && tensor.dtype !== type) {
      throw badInput(`the input "${name}" is ${tensor.dtype}; this model expects ${type} there`);
    }
    try {
      inputs[name] = new ort.Tensor(type as "float32", data as Float32Array, tensor.shape);
    } catch (cause) {
      throw badInput(
        `the input "${name}" of shape [${tensor.shape.join(", ")}] is no valid tensor: ${messageOf(cause)}`,
      );
    }
  }
  const unknown = Object.keys(feeds).find((name) => !types.has(name));
  if (unknown !== undefined)
    throw badInput(`the input "${unknown}" is unknown; this model has ${quoted([...types.keys()])}`);
  return inputs;
}

function fromOnnxRuntime(results: OnnxRuntime.InferenceSession.ReturnType): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, dims, data }]) => [
      name,
      { dtype: type as DType, shape: dims, data: data as TypedArray },
    ]),
  );
}

function toInt64(values: Int32Array): BigInt64Array {
  return BigInt64Array.from(values, BigInt);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function badInput(message: string): InnerloopError {
  return new InnerloopError("bad-input", message, { exitStatus: 2 });
}

function badOption(message: string): InnerloopError {
  return new InnerloopError("bad-option", message, { exitStatus: 2 });
}

/** The words of an error, without the source line and the condition that ONNX Runtime puts before them. */
function messageOf(cause: unknown): string {
  const words = cause instanceof Error ? cause.message : String(cause);
  return words.replace(/^\/\S+\.(?:cc|h):\d+ .* was false\. /s, "").trim();
}
