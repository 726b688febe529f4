// The only file that knows ONNX Runtime and its execution providers: which exist here, how a model is opened on one, and
// how tensors go in and out. Everything else sees a Session.
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { type DType, InnerloopError, type Tensor, type TypedArray } from "@innerloop/schemas";
import type * as OnnxRuntime from "onnxruntime-node";
import { readFileBytes } from "./files.ts";
import { Lifetime } from "./lifetime.ts";
import { openOverrides } from "./overrides.ts";

/** Where a model can run: NVIDIA GPUs, any GPU that WebGPU reaches, or the processor. */
export type ProviderName = "cuda" | "webgpu" | "cpu";

/** The provider in use, why it was chosen, and why each one that would have come before it was not. */
export interface ProviderChoice {
  readonly name: ProviderName;
  readonly reason: string;
  readonly rejected: readonly { readonly name: ProviderName; readonly reason: string }[];
}

/** Where and how wide to run. */
export interface SessionOptions {
  /**
   * `auto` (the default) takes the first of cuda, webgpu, cpu that works; a named one is used or refused, never replaced;
   * a choice of {@link chooseProvider} is taken as it is, which saves trying providers again for every model.
   */
  readonly provider?: ProviderName | "auto" | ProviderChoice;
  /** Threads of one run on the processor; ONNX Runtime's own choice, one per physical core, when not given. */
  readonly threads?: number;
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
    loadOnnxRuntime(),
    typeof model === "string" ? readFileBytes(model, "the ONNX model") : model,
  ]);
  const { bytes, defaults } = openOverrides(file);
  const session = await createSession(ort, bytes, provider.name, options.threads);
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
export async function chooseProvider({ provider = "auto", threads }: SessionOptions = {}): Promise<ProviderChoice> {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw badOption(`threads ${String(threads)} was given; a whole number from 1 was expected`);
  }
  if (typeof provider === "object") return provider;
  if (provider !== "auto" && !PROVIDERS.includes(provider)) {
    throw badOption(
      `provider "${String(provider)}" was given; auto, ${PROVIDERS.join(", ")} are known; choose one of them`,
    );
  }
  const ort = await loadOnnxRuntime();
  if (provider !== "auto") {
    const reason = missingPart(ort, provider) ?? (await failure(ort, provider));
    if (reason === undefined) return { name: provider, reason: "asked for by name", rejected: [] };
    throw new InnerloopError(
      "provider-unavailable",
      `the provider ${provider} was asked for and does not work here: ${reason}; ${REMEDIES[provider]}, or use provider auto or cpu`,
    );
  }
  const rejected: { name: ProviderName; reason: string }[] = [];
  for (const name of PROVIDERS) {
    const reason = await unavailable(ort, name);
    if (reason === undefined) {
      const why =
        rejected.length > 0
          ? `the first that works here, after ${rejected.map((it) => it.name).join(" and ")}`
          : "the first choice";
      return { name, reason: why, rejected };
    }
    rejected.push({ name, reason });
  }
  throw new InnerloopError(
    "provider-unavailable",
    `no provider works here: ${rejected.map((it) => it.reason).join("; ")}`,
  );
}

/**
 * What works here and why others do not, in the order that `auto` tries them.
 *
 * @throws InnerloopError `onnxruntime-missing`.
 */
export async function listProviders(): Promise<ProviderReport[]> {
  const ort = await loadOnnxRuntime();
  const reports: ProviderReport[] = [];
  for (const name of PROVIDERS) {
    const reason = await unavailable(ort, name);
    reports.push(reason === undefined ? { name, available: true } : { name, available: false, reason });
  }
  return reports;
}

type Ort = Pick<typeof OnnxRuntime, "InferenceSession" | "Tensor" | "listSupportedBackends">;

const PROVIDERS: readonly ProviderName[] = ["cuda", "webgpu", "cpu"];
const REMEDIES: Readonly<Record<ProviderName, string>> = {
  cuda: "install the NVIDIA driver, CUDA 12 and cuDNN 9, and run ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js",
  webgpu: "install the graphics driver (on Linux with Vulkan: libvulkan1 and the driver's Vulkan package)",
  cpu: "install onnxruntime-node again",
};

/** Loaded on first use, so that a host without the package still loads this file and is told what to install. */
async function loadOnnxRuntime(): Promise<Ort> {
  try {
    return (await import("onnxruntime-node")).default;
  } catch (cause) {
    throw new InnerloopError(
      "onnxruntime-missing",
      `onnxruntime-node could not be loaded on ${process.platform}-${process.arch}, Node ${process.version} ` +
        `(${messageOf(cause)}); it runs the models; install it: npm install onnxruntime-node`,
      { cause },
    );
  }
}

async function unavailable(ort: Ort, name: ProviderName): Promise<string | undefined> {
  return missingPart(ort, name) ?? (name === "webgpu" ? missingGpu() : undefined) ?? (await failure(ort, name));
}

/** Why a provider cannot be in this installation, if so; told by files alone. */
function missingPart(ort: Ort, name: ProviderName): string | undefined {
  if (!ort.listSupportedBackends().some((backend) => backend.name === name)) {
    return `onnxruntime-node has no ${name} provider for ${process.platform}-${process.arch}`;
  }
  if (name !== "cuda") return undefined;
  const library = process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";
  const bin = join(dirname(createRequire(import.meta.url).resolve("onnxruntime-node")), "..", "bin");
  const found = list(bin).some((api) => existsSync(join(bin, api, process.platform, process.arch, library)));
  return found ? undefined : `onnxruntime-node is installed without ${library}`;
}

/**
 * Why there is no graphics card that `auto` should try, if so. Asking WebGPU itself would take longer, print to stderr
 * when there is none, and accept a software renderer, which is slower than the cpu provider.
 */
function missingGpu(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const device = list("/dev/dri").some((entry) => entry.startsWith("renderD")) || existsSync("/dev/nvidia0");
  if (!device) return "there is no graphics card (no /dev/dri/renderD* and no /dev/nvidia0)";
  const folders = (process.env.LD_LIBRARY_PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const system = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
  ];
  const vulkan = [...folders, ...system].some((folder) => existsSync(join(folder, "libvulkan.so.1")));
  return vulkan ? undefined : "the Vulkan loader libvulkan.so.1 was not found";
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Why a provider does not start, if so: the smallest model is opened on it. The cpu needs no trial. */
async function failure(ort: Ort, name: ProviderName): Promise<string | undefined> {
  if (name === "cpu") return undefined;
  try {
    await (await ort.InferenceSession.create(IDENTITY, settings(name))).release();
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}

/** The model y = Identity(x) of one float, opset 17, IR version 8. */
const IDENTITY = Buffer.from(
  "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=",
  "base64",
);

async function createSession(ort: Ort, bytes: Uint8Array, provider: ProviderName, threads: number | undefined) {
  try {
    return await ort.InferenceSession.create(bytes, settings(provider, threads));
  } catch (cause) {
    throw new InnerloopError(
      "model-refused",
      `ONNX Runtime does not take this model on ${provider}: ${messageOf(cause)}; export it again` +
        (provider === "cpu" ? "" : ", or use provider cpu"),
      { cause },
    );
  }
}

function settings(provider: ProviderName, threads = 0): OnnxRuntime.InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    enableCpuMemArena: true,
    intraOpNumThreads: threads,
    // Errors come as exceptions; what ONNX Runtime would print beside them is for its own developers.
    logSeverityLevel: 4,
    // Threads wait actively within a run only: by default they keep a core busy for some 40 ms after each.
    extra: { session: { force_spinning_stop: "1" } },
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
