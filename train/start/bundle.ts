// A bundle as a start: what its manifest says, and the meta-parameters that its files hold.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readInitializers } from "@innerloop/graph";
import {
  InnerloopError,
  type Manifest,
  type ModelConfig,
  type Tensor,
  validateConfig,
  validateManifest,
} from "@innerloop/schemas";
import { findModel } from "./find-model.ts";

/** What a training can start from. */
export interface StartBundle {
  /** The folder that it was read from. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** The model that was trained. */
  readonly model: ModelConfig;
  /** Its meta-parameters by name, inner rates as `rate/<name>`. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

/**
 * Reads a bundle as a start. A bundle that does not say which model it has is compared with those that it may have.
 * @throws InnerloopError `bundle-missing` (status 2); `manifest-invalid`; `bad-start` where no model computes what it does
 */
export async function readStart(folder: string): Promise<StartBundle> {
  const manifest = await manifestOf(folder);
  const weights = await weightsOf(folder, manifest);
  const told = manifest.training?.model;
  const model = told
    ? (validateConfig({ model: told }, join(folder, "manifest.json")).model as ModelConfig)
    : await findModel(folder, manifest, weights);
  return { folder, manifest, model, weights };
}

async function manifestOf(folder: string): Promise<Manifest> {
  const file = join(folder, "manifest.json");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new InnerloopError(
      "bundle-missing",
      `${folder} holds no bundle: ${file} cannot be read; give the folder that export wrote.`,
      { exitStatus: 2, cause },
    );
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InnerloopError("manifest-invalid", `${file} is no JSON; copy the bundle again, or export it again.`, {
      cause,
    });
  }
  return validateManifest(value, file);
}

/** What is learned: the numbers in the bundle's files that are parameters, and the inner rates. */
async function weightsOf(folder: string, { innerLoop }: Manifest): Promise<Record<string, Tensor>> {
  const found: Record<string, Tensor> = {};
  for (const file of ["adapt.onnx", "predict.onnx"]) {
    const path = join(folder, file);
    const arrays = readInitializers(new Uint8Array(await readFile(path)), path);
    for (const [name, tensor] of Object.entries(arrays)) if (/^\w+\./.test(name)) found[name] = tensor;
  }
  for (const [name, rate] of Object.entries(innerLoop.rates))
    found[`rate/${name}`] = { dtype: "float32", shape: [], data: Float32Array.of(rate) };
  return found;
}
