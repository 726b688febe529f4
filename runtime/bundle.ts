// Reading a bundle, from wherever it is: nothing of it is used before the manifest is valid and every file that it lists
// is whole and unaltered.

import {
  type BundleFile,
  checkManifest,
  InnerloopError,
  type Manifest,
  type OptionalBundleFile,
} from "@innerloop/schemas/bundle";
import { host } from "#host";

/**
 * Where a bundle is: a folder (Node: a path or a `file:` URL); the URL of what is one (`http:`, `https:`; in a page also
 * relative to it); or its files in memory, by name: manifest.json, predict.onnx, adapt.onnx.
 */
export type BundleSource = string | URL | { readonly files: Readonly<Record<string, Uint8Array>> };

/** A checked bundle in memory. */
export interface Bundle {
  readonly manifest: Manifest;
  /**
   * What ties a personal file to its bundle: the sha256 of the lines `sha256sum adapt.onnx predict.onnx` prints, so that
   * a new name or new metrics in the manifest keep it and other weights or graphs do not.
   */
  readonly identity: string;
  readonly models: Readonly<Record<BundleFile, Uint8Array>>;
}

/**
 * Reads and checks a bundle.
 *
 * @throws InnerloopError `bundle-missing` when there is no such bundle or a file of it is missing, `bundle-unreachable`
 *   when the network or another origin is in the way, `bundle-altered` when a file is not the one that was exported,
 *   `newer-version` or `manifest-invalid` for a manifest that is not understood.
 */
export async function readBundle(source: BundleSource): Promise<Bundle> {
  const place = (file: string) => (isInMemory(source) ? `the given ${file}` : host.within(source, file));
  const manifest = parseManifest(await readPart(source, "manifest.json"), place("manifest.json"));
  const load = async (file: BundleFile | OptionalBundleFile) => {
    const bytes = await readPart(source, file);
    await check(place(file), manifest.files[file]!, bytes);
    return bytes;
  };
  const [adapt, predict] = await Promise.all([load("adapt.onnx"), load("predict.onnx")]);
  // Never run here, but a folder is whole only with it; over a network it would be fetched for nothing.
  const transductive = "predict-transductive.onnx";
  if (manifest.files[transductive] && !isInMemory(source) && !/^https?:/.test(place(transductive))) {
    await load(transductive);
  }
  const { files } = manifest;
  const listing = `${files["adapt.onnx"].sha256}  adapt.onnx\n${files["predict.onnx"].sha256}  predict.onnx\n`;
  const identity = await host.sha256(new TextEncoder().encode(listing));
  return { manifest, identity, models: { "adapt.onnx": adapt, "predict.onnx": predict } };
}

function parseManifest(bytes: Uint8Array, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new InnerloopError(
      "manifest-invalid",
      `${path}: it is not valid JSON (${(cause as Error).message}); copy the bundle again, or export it again`,
      { cause },
    );
  }
  return checkManifest(value, path);
}

function isInMemory(source: BundleSource): source is Exclude<BundleSource, string | URL> {
  return typeof source === "object" && "files" in source;
}

async function readPart(source: BundleSource, file: string): Promise<Uint8Array> {
  const parts = "manifest.json, predict.onnx, adapt.onnx and what else the manifest lists";
  if (isInMemory(source)) {
    const bytes = source.files[file];
    if (bytes instanceof Uint8Array) return bytes;
    throw new InnerloopError(
      "bundle-missing",
      `the given files have no ${file} as a Uint8Array; a bundle holds ${parts}; give all of them`,
    );
  }
  try {
    return await host.read(host.within(source, file), `the bundle's ${file}`);
  } catch (cause) {
    const code = cause instanceof InnerloopError ? CODES[cause.code] : undefined;
    if (code === undefined) throw cause;
    if (code !== "bundle-missing") throw new InnerloopError(code, (cause as Error).message, { cause });
    throw new InnerloopError(
      code,
      (await host.exists(source))
        ? `${source}: this folder has no ${file}; a bundle holds ${parts}; copy all of them, or export the bundle again`
        : `${source}: there is no such folder; a bundle (manifest.json, predict.onnx, adapt.onnx) was expected; check the path, or export one`,
      { cause },
    );
  }
}

/** What the failure to read a file is for the bundle. */
const CODES: Readonly<Record<string, string>> = {
  "file-missing": "bundle-missing",
  "file-unreachable": "bundle-unreachable",
  "file-cut-short": "bundle-altered",
};

async function check(place: string, expected: Manifest["files"][BundleFile], bytes: Uint8Array): Promise<void> {
  if (bytes.length !== expected.bytes) {
    const how = bytes.length < expected.bytes ? "it was cut short" : "it was altered";
    throw altered(`${place}: it has ${bytes.length} bytes and the manifest says ${expected.bytes}: ${how}`);
  }
  const actual = await host.sha256(bytes);
  if (actual !== expected.sha256) {
    throw altered(`${place}: its sha256 is ${actual} and the manifest says ${expected.sha256}: it was altered`);
  }
}

function altered(what: string): InnerloopError {
  return new InnerloopError("bundle-altered", `${what}; copy the bundle again, or export it again`);
}
