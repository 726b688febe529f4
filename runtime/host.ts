// Where models run, and the settings that people give for it.

/**
 * Where a model can run: NVIDIA GPUs (`cuda`), any GPU that WebGPU reaches, DirectX 12 on Windows (`dml`), Apple's Core ML,
 * or the processor: `cpu`, which in a browser is WebAssembly, `wasm`.
 */
export type ProviderName = "cuda" | "webgpu" | "cpu" | "wasm" | "dml" | "coreml";

/** Settings of ONNX Runtime that not every host has; one that has no use for a setting ignores it. */
export interface HostOptions {
  /** Threads of one run on the processor; when not given ONNX Runtime's own choice, and all cores on native kernels. */
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

/** How far a file is read. */
export interface Bounds {
  /** The most bytes that it may have; a larger one is refused before it is read, or where its size is not told, midway. */
  readonly limit: number;
  /** Ends a transfer midway, whose failure then tells nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** A file that was not read into memory. */
export interface InPlace {
  readonly length: number;
  /** In lower-case hexadecimal. */
  readonly sha256: string;
  /** The folder that it is in. @throws InnerloopError `bundle-altered` where another file is in its place by now */
  folder(): string;
  /** A copy of some of its bytes. @throws InnerloopError as `folder` */
  slice(start: number, end: number): Uint8Array<ArrayBuffer>;
}

/** What lies beside a model. */
export interface Beside {
  /**
   * Files whose numbers initializers of the model have (its external data), by the names that it calls them. Those in place are all in
   * one folder.
   */
  readonly beside?: Readonly<Record<string, Uint8Array | InPlace>>;
  /** Whether products keep each weight once more, laid out as they read it quickest; true unless given. */
  readonly packed?: boolean;
  /** Whether no input that has an initializer is fed; false unless given. */
  readonly sealed?: boolean;
}
