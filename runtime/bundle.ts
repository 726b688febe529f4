// Reading a bundle, from wherever it is: nothing of it is used before the manifest is valid and every file that it lists
// is whole and unaltered.
import {
  type BundleFile,
  checkManifest,
  InnerloopError,
  type Manifest,
  type OptionalBundleFile,
  parseJson,
  show,
} from "@innerloop/schemas/bundle";
import { host } from "#host";
import { isBytes, ownBytes } from "./bytes.ts";
import type { Bounds, InPlace } from "./host.ts";
import type { ProviderChoice } from "./providers.ts";
import { badInput, tooLarge } from "./refusal.ts";

/**
 * Where a bundle is: a folder (Node: a path or a `file:` URL); the URL of what is one (`http:`, `https:`; in a page also
 * relative to it); or its files in memory, by name: manifest.json, predict.onnx, adapt.onnx and any others.
 */
export type BundleSource = string | URL | { readonly files: Readonly<Record<string, Uint8Array>> };

/** A manifest is a few kilobytes; one of more than this is none. */
const mostOfManifest = 2 ** 24;

/** The numbers that both models have. */
const sharedFile = "weights.bin";
type SharedFile = typeof sharedFile;

/** A checked bundle in memory. */
export interface Bundle {
  readonly manifest: Manifest;
  /**
   * What ties a personal file to its bundle: the first halves of the hashes of adapt.onnx and predict.onnx, so that a new
   * name or new metrics in the manifest keep it and other weights or graphs do not.
   */
  readonly identity: string;
  /** What the provider runs: for adapt.onnx its variant, where there is one. */
  readonly models: Readonly<Record<BundleFile, Uint8Array>>;
  /** The weights that the models share, where they lie in a file of their own. */
  readonly beside: { readonly [file in SharedFile]?: Uint8Array | InPlace };
  /** adapt.onnx itself, should the provider refuse its variant. */
  readonly portable: { readonly [file in BundleFile]?: () => Promise<Uint8Array> };
}

/**
 * Reads and checks a bundle.
 *
 * @param choosing the provider that it will run on
 * @param bounds the limit is that of all of its files together; each is read as far as the manifest says
 * @throws InnerloopError `bundle-missing` when there is no such bundle or a file of it is missing, `bundle-unreachable`
 *   when the network or another origin is in the way, `bundle-altered` when a file is not the one that was exported,
 *   `newer-version` or `manifest-invalid` for a manifest that is not understood.
 */
export async function readBundle(
  source: BundleSource,
  choosing: Promise<ProviderChoice>,
  { limit, signal }: Bounds,
): Promise<Bundle> {
  const { files: inMemory, href } = (source ?? {}) as { files?: Readonly<Record<string, Uint8Array>>; href?: unknown };
  if (typeof source !== "string" && typeof href !== "string" && (typeof inMemory !== "object" || inMemory === null))
    throw badInput(`${show(source)} was given; a bundle's folder, its URL, or { files } were expected`);
  const place = (file: string) => (inMemory ? `the given ${file}` : host.within(source as string | URL, file));
  const read = async (file: string, most: number) => {
    const bounds = { limit: most, signal };
    const bytes = inMemory
      ? inMemory[file]
      : await host.read(place(file), `the bundle's ${file}`, bounds).catch(rename);
    if (isBytes(bytes)) return ownBytes(bytes);
    throw new InnerloopError(
      "bundle-missing",
      inMemory || (await host.exists(source as string | URL))
        ? `${inMemory ? "the given files" : source}: this folder has no ${file}; a bundle holds manifest.json, predict.onnx, adapt.onnx and what else the manifest lists; copy all of them, or export the bundle again`
        : `${source}: there is no such folder; a bundle (manifest.json, predict.onnx, adapt.onnx) was expected; check the path, or export one`,
    );
  };
  const manifest = await parseManifest(await read("manifest.json", mostOfManifest), place("manifest.json"));
  const { files } = manifest;
  const whole = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  if (whole > limit) throw tooLarge(String(inMemory ? "the bundle" : source), "a bundle", whole, limit);
  const load = async (file: BundleFile | OptionalBundleFile) => {
    const bytes = await read(file, files[file]!.bytes);
    await check(place(file), files[file]!, bytes);
    return bytes;
  };
  const share = async () => {
    const expected = files[sharedFile];
    if (!expected) return undefined;
    const found = inMemory ? undefined : await host.inPlace?.(place(sharedFile), { limit: expected.bytes, signal });
    if (found?.length === expected.bytes && found.sha256 === expected.sha256) return found;
    // What is wrong with it is said by whoever reads it whole.
    return load(sharedFile);
  };
  const chosen = choosing.then(({ name }) => {
    const variant = `adapt.${name}.onnx` as const;
    return files[variant] && (!inMemory || inMemory[variant]) ? variant : "adapt.onnx";
  });
  const [adapt, predict, file, shared] = await Promise.all([chosen.then(load), load("predict.onnx"), chosen, share()]);
  // A folder is whole only with what is not run here; over a network that would be fetched for nothing.
  if (!inMemory && !/^https?:/.test(place(""))) {
    const others = Object.keys(files).filter((name) => ![file, "predict.onnx", sharedFile].includes(name));
    await Promise.all((others as OptionalBundleFile[]).map(load));
  }
  const identity = [files["adapt.onnx"], files["predict.onnx"]].map(({ sha256 }) => sha256.slice(0, 32)).join("");
  return {
    manifest,
    identity,
    models: { "adapt.onnx": adapt, "predict.onnx": predict },
    beside: shared ? { [sharedFile]: shared } : {},
    portable: file === "adapt.onnx" ? {} : { "adapt.onnx": () => load("adapt.onnx") },
  };
}

/** What the failure to read a file is for the bundle; a missing one is said by the caller, who knows the folder. */
function rename(cause: unknown): undefined {
  const { code, message } = cause as InnerloopError;
  if (code === "file-missing") return undefined;
  if (code === "file-unreachable") throw new InnerloopError("bundle-unreachable", message, { cause });
  if (code === "file-cut-short") throw new InnerloopError("bundle-altered", message, { cause });
  if (code === "file-too-large") {
    const said = message.replace(/;[^;]+$/, "; copy the bundle again, or export it again");
    throw new InnerloopError("bundle-altered", said, { cause });
  }
  throw cause;
}

async function parseManifest(bytes: Uint8Array, path: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = parseJson(new TextDecoder().decode(bytes));
  } catch (cause) {
    const message = `${path}: it is not valid JSON (${(cause as Error).message}); copy the bundle again, or export it again`;
    throw await instead(path, bytes, new InnerloopError("manifest-invalid", message, { cause }));
  }
  return checkManifest(value, path);
}

async function check(place: string, expected: Manifest["files"][BundleFile], bytes: Uint8Array): Promise<void> {
  let wrong = "";
  if (bytes.length !== expected.bytes) {
    const how = bytes.length < expected.bytes ? "cut short" : "altered";
    wrong = `it has ${bytes.length} bytes and the manifest says ${expected.bytes}: it was ${how}`;
  } else {
    const actual = (await host.sha256(bytes)) ?? expected.sha256;
    if (actual !== expected.sha256)
      wrong = `its sha256 is ${actual} and the manifest says ${expected.sha256}: it was altered`;
  }
  if (wrong) {
    const message = `${place}: ${wrong}; copy the bundle again, or export it again`;
    throw await instead(place, bytes, new InnerloopError("bundle-altered", message));
  }
}

/** What is in the place of a file, where that is known, or what is wrong with it; loaded when something is. */
function instead(place: string, bytes: Uint8Array, wrong: InnerloopError): Promise<InnerloopError> {
  return import("./instead.ts").then(
    ({ instead }) => instead(place, bytes, wrong),
    () => wrong,
  );
}
