// What differs between the places where the runtime runs, and nothing else. Each implementation is one file in hosts/,
// which the package's `imports` choose under the name #host, by conditions that Node and every bundler set themselves.
import type * as OnnxRuntime from "onnxruntime-common";

/**
 * Where a model can run: NVIDIA GPUs (`cuda`), any GPU that WebGPU reaches, DirectX 12 on Windows (`dml`), Apple's Core ML,
 * or the processor: `cpu`, which in a browser is WebAssembly, `wasm`.
 */
export type ProviderName = "cuda" | "webgpu" | "cpu" | "wasm" | "dml" | "coreml";

/** What every package of ONNX Runtime exports alike. */
export type Ort = Pick<typeof OnnxRuntime, "InferenceSession" | "Tensor" | "env">;

/** Settings of ONNX Runtime that not every host has; one that has no use for a setting ignores it. */
export interface HostOptions {
  /** Threads of one run on the processor; ONNX Runtime's own choice when not given. */
  readonly threads?: number;
  /**
   * Settings of the provider cuda. ONNX Runtime's binding for Node (1.30) takes the device alone, so that the algorithms of
   * cuDNN and graph capture are as ONNX Runtime has them by default.
   */
  readonly cuda?: {
    /** The number of the GPU; 0 when not given. */
    readonly device?: number;
    /**
     * TF32 products: quicker, with 10 bits of mantissa instead of 23. False when not given, so that a GPU gives the numbers
     * that a processor gives. It holds for the whole process, from its first session on cuda on; the environment variable
     * NVIDIA_TF32_OVERRIDE, where it is set, has the last word.
     */
    readonly tf32?: boolean;
  };
  /**
   * Browsers: where the .wasm files of onnxruntime-web lie, a URL that ends in `/`, or the URL of each; when not given,
   * where the bundler put them.
   */
  readonly wasmPaths?: string | { readonly mjs?: string | URL; readonly wasm?: string | URL };
}

/** A place where the runtime runs. */
export interface Host {
  /** The runtime's own code may come over a network. */
  readonly remote: boolean;
  /** The providers that `auto` tries, in this order; the last is the processor's. */
  readonly automatic: readonly ProviderName[];
  /** Further providers, which are used only when they are asked for by name. */
  readonly named: readonly ProviderName[];
  /**
   * ONNX Runtime, loaded on first use.
   *
   * @throws InnerloopError `onnxruntime-missing`, saying what to install.
   */
  load(provider: ProviderName, options: HostOptions): Promise<Ort>;
  /**
   * Why a provider cannot work here, if so, as far as this is told without opening a model on it.
   *
   * @param named it was asked for by name, so that what is merely unlikely to work is tried
   */
  missing(provider: ProviderName, named: boolean): Promise<string | undefined>;
  /** Why `auto` passes a provider over that works, if so. */
  unwanted(provider: ProviderName): string | undefined;
  /** What a person can do so that a provider works: "install …". */
  remedy(provider: ProviderName): string;
  /** How a session is opened on a provider. */
  settings(provider: ProviderName, options: HostOptions): OnnxRuntime.InferenceSession.SessionOptions;
  /** The place of a file in a folder; both may be URLs. */
  within(folder: string | URL, file: string): string;
  /** Whether there is such a folder; true where that cannot be asked. */
  exists(folder: string | URL): Promise<boolean>;
  /**
   * Reads a whole file.
   *
   * @param what how messages name it: "the personal file"
   * @throws InnerloopError `file-missing`, `file-unreachable` where the network or another origin is in the way,
   *   `file-cut-short` for a transfer that broke off, `file-unreadable` for any other reason.
   */
  read(place: string | URL, what: string): Promise<Uint8Array>;
  /**
   * Writes a file whole or not at all; what was there before stays when it fails.
   *
   * @throws InnerloopError `write-failed`.
   */
  write(place: string | URL, bytes: Uint8Array): Promise<void>;
  /** The SHA-256 of bytes, in lower-case hexadecimal; undefined where there is no way to tell. */
  sha256(bytes: Uint8Array): Promise<string | undefined>;
}
