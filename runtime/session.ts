// A model, opened and ready to run on tensors of the host: all that the rest of the runtime sees of ONNX Runtime.
import type { Tensor } from "@innerloop/schemas/bundle";
import { host } from "#host";
import type { Beside, HostOptions } from "./host.ts";
import { Lifetime } from "./lifetime.ts";
import { fromOrt, openModel, runModel } from "./onnxruntime.ts";
import { chooseProvider, type ProviderChoice, type SessionOptions } from "./providers.ts";

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
   * @throws InnerloopError `bad-input` for a missing, unknown or mistyped input or an unknown output; with ONNX Runtime's
   *   words `out-of-memory`, `device-lost`, after which the session is of no more use, or `run-failed`; `disposed` after
   *   {@link dispose}.
   */
  run(feeds: Readonly<Record<string, Tensor>>, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Waits for the calls that run, then frees the model; calling it again does nothing. */
  dispose(): Promise<void>;
}

/** A session of a bundle's model. */
export type ModelSession = Omit<Session, "defaults">;

/** What computes models on a processor without ONNX Runtime. */
export interface OwnKernels {
  /** Nothing for what it computes no run of, and for what is no model, which ONNX Runtime says better. */
  // Rows of the input `apart` are answered each by itself.
  open(model: Uint8Array, options: HostOptions & Beside & { readonly apart?: string }): OwnModel | undefined;
}

export interface OwnModel {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What a run gives; nothing where ONNX Runtime is to take it. */
  run(feeds: Readonly<Record<string, Tensor>>, fetches?: readonly string[]): Record<string, Tensor> | undefined;
}

/** No ONNX file is larger: its format counts lengths with a sign in 32 bits. */
const most = 2 ** 31;

/**
 * Opens an ONNX model.
 *
 * @param model the bytes of an .onnx file, or its path or URL
 * @throws InnerloopError `onnx-unreadable` for bytes that are no whole model, `model-refused` when ONNX Runtime does not
 *   take it, `provider-unavailable` when a named provider does not work here, `onnxruntime-missing`, `bad-option`.
 */
export async function openSession(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const provider = await chooseProvider(options);
  const bytes = typeof model === "string" ? await host.read(model, "the ONNX model", { limit: most }) : model;
  const opened = await openModel(bytes, provider.name, options);
  const { session, defaults } = opened;
  const lifetime = new Lifetime("this session", () => session.release());
  return {
    provider,
    inputs: session.inputNames,
    outputs: session.outputNames,
    defaults,
    run: (feeds, fetches) => lifetime.during(async () => fromOrt(await runModel(opened, feeds, fetches))),
    dispose: () => lifetime.end(),
  };
}
