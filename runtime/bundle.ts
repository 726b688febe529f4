// Reading a bundle's folder: nothing of it is used before the manifest is valid and every file that it lists is whole
// and unaltered.
import { createHash } from "node:crypto";
import { access } from "node:fs/promises";
import { join } from "node:path";
import {
  type BundleFile,
  InnerloopError,
  type Manifest,
  type OptionalBundleFile,
  validateManifest,
} from "@innerloop/schemas";
import { readFileBytes } from "./files.ts";

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
 * @param folder the folder that holds manifest.json, predict.onnx and adapt.onnx; where the manifest lists
 *   predict-transductive.onnx, that is checked, too
 * @throws InnerloopError `bundle-missing` when there is no such folder or a file of it is missing, `bundle-altered` when
 *   a file is not the one that was exported, `newer-version` or `manifest-invalid` for a manifest that is not understood.
 */
export async function readBundle(folder: string): Promise<Bundle> {
  const manifest = parseManifest(await readPart(folder, "manifest.json"), join(folder, "manifest.json"));
  const [adapt, predict] = await Promise.all([readPart(folder, "adapt.onnx"), readPart(folder, "predict.onnx")]);
  check(folder, manifest, "adapt.onnx", adapt);
  check(folder, manifest, "predict.onnx", predict);
  const transductive = "predict-transductive.onnx";
  if (manifest.files[transductive]) check(folder, manifest, transductive, await readPart(folder, transductive));
  const { files } = manifest;
  const listing = `${files["adapt.onnx"].sha256}  adapt.onnx\n${files["predict.onnx"].sha256}  predict.onnx\n`;
  return { manifest, identity: sha256(listing), models: { "adapt.onnx": adapt, "predict.onnx": predict } };
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
  return validateManifest(value, path);
}

async function readPart(folder: string, file: string): Promise<Uint8Array> {
  try {
    return await readFileBytes(join(folder, file), `the bundle's ${file}`);
  } catch (cause) {
    if (!(cause instanceof InnerloopError && cause.code === "file-missing")) throw cause;
    const present = await access(folder).then(
      () => true,
      () => false,
    );
    throw new InnerloopError(
      "bundle-missing",
      present
        ? `${folder}: this folder has no ${file}; a bundle holds manifest.json, predict.onnx, adapt.onnx and what else the manifest lists; copy all of them, or export the bundle again`
        : `${folder}: there is no such folder; a bundle (manifest.json, predict.onnx, adapt.onnx) was expected; check the path, or export one`,
      { cause },
    );
  }
}

function check(folder: string, manifest: Manifest, file: BundleFile | OptionalBundleFile, bytes: Uint8Array): void {
  const expected = manifest.files[file]!;
  const path = join(folder, file);
  if (bytes.length !== expected.bytes) {
    const how = bytes.length < expected.bytes ? "it was cut short" : "it was altered";
    throw altered(`${path}: it has ${bytes.length} bytes and the manifest says ${expected.bytes}: ${how}`);
  }
  const actual = sha256(bytes);
  if (actual !== expected.sha256) {
    throw altered(`${path}: its sha256 is ${actual} and the manifest says ${expected.sha256}: it was altered`);
  }
}

function altered(what: string): InnerloopError {
  return new InnerloopError("bundle-altered", `${what}; copy the bundle again, or export it again`);
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}
