// What differs between the places where the runtime runs, and nothing else. Each implementation is one file beside this one,
// which the package's `imports` choose under the name #host, by conditions that Node and every bundler set themselves.
import type * as OnnxRuntime from "onnxruntime-common";
import type { Bounds, HostOptions, InPlace, ProviderName } from "../host.ts";
import type { Picture } from "../pictures.ts";
import type { TokenizersLibrary } from "../texts.ts";

/** What every package of ONNX Runtime exports alike. */
export type Ort = Pick<typeof OnnxRuntime, "InferenceSession" | "Tensor" | "env">;

/** How pictures are decoded in a place. */
export interface PictureDecoder {
  /** What it takes besides encoded bytes, as messages say it; nothing where that is all. */
  readonly takes?: string;
  /**
   * A picture's pixels, upright and in sRGB.
   *
   * @param source the bytes of an encoded picture, or something that only this place has
   * @param name how messages name it
   * @returns undefined for what this place does not take
   * @throws InnerloopError `image-broken`, `image-unreadable`, `sharp-missing`.
   */
  decode(source: object, name: string): Promise<Picture | undefined>;
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
   * Reads a whole file; on a disk a regular one: what a pipe or a device gives has no end that could be known.
   *
   * @param what how messages name it: "the personal file"
   * @throws InnerloopError `file-missing`, `file-unreachable` where the network or another origin is in the way,
   *   `file-cut-short` for a transfer that broke off, `file-too-large`, `file-unreadable` for any other reason.
   */
  read(place: string | URL, what: string, bounds: Bounds): Promise<Uint8Array>;
  /** A file that ONNX Runtime is to read itself, where that can be and `read` would succeed; absent where it has no files. */
  readonly inPlace?: (place: string | URL, bounds: Bounds) => Promise<InPlace | undefined>;
  /**
   * Writes a file whole or not at all; what was there before stays when it fails.
   *
   * @throws InnerloopError `write-failed`.
   */
  write(place: string | URL, bytes: Uint8Array): Promise<void>;
  /** What decodes pictures, loaded on first use; absent where only decoded ones are taken. */
  readonly pictures?: () => Promise<PictureDecoder>;
  /**
   * What makes tokens of texts, loaded on first use; absent where a caller gives it.
   * @throws InnerloopError `tokenizers-missing`, saying what to install.
   */
  readonly tokenizers?: () => Promise<TokenizersLibrary>;
  /** The SHA-256 of bytes, in lower-case hexadecimal; undefined where there is no way to tell. */
  sha256(bytes: Uint8Array): Promise<string | undefined>;
}
