// What adaptation made of a learner, and its file: a safetensors file whose metadata names the bundle it belongs to.
import { decodeSafetensors, encodeSafetensors, InnerloopError, type Tensor } from "@innerloop/schemas/bundle";
import type { Bundle } from "./bundle.ts";

/** The result of an adaptation: everything in which a personal model differs from its bundle. */
export interface AdaptedState {
  /** The labels it tells apart; empty for a regression. */
  readonly labels: readonly string[];
  /** The logit of each label: `logits[columns[i]]` is that of `labels[i]`. */
  readonly columns: readonly number[];
  /** The mean loss over the support set before each step, and after the last. */
  readonly supportLoss: readonly number[];
  /** The adapted parameters, by their names in predict.onnx. */
  readonly parameters: Readonly<Record<string, Tensor>>;
}

/** The version of the personal file that this release writes, and the newest that it reads. */
export const PERSONAL_VERSION = 1;
const FORMAT = "innerloop-personal";

/** The bytes of a personal file; equal states give equal bytes. */
export function encodeState(bundle: Bundle, state: AdaptedState): Uint8Array {
  return encodeSafetensors(state.parameters, {
    format: FORMAT,
    version: String(PERSONAL_VERSION),
    bundle: bundle.identity,
    bundle_name: bundle.manifest.name,
    labels: JSON.stringify(state.labels),
    columns: JSON.stringify(state.columns),
    support_loss: JSON.stringify(state.supportLoss),
  });
}

/**
 * Reads a personal file.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `safetensors-invalid` for bytes that are cut short or of another kind, `personal-invalid` for a
 *   safetensors file that is no personal file of this bundle's form, `newer-version`, and `other-bundle`.
 */
export function decodeState(bundle: Bundle, bytes: Uint8Array, source: string): AdaptedState {
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  if (metadata.format !== FORMAT) {
    throw invalid(`${source}: this is a safetensors file, but not one that a personal model was saved to`);
  }
  const version = Number(metadata.version);
  if (version > PERSONAL_VERSION) {
    throw new InnerloopError(
      "newer-version",
      `${source}: it has version ${version} and this release reads up to ${PERSONAL_VERSION}; upgrade @innerloop/runtime`,
    );
  }
  if (metadata.bundle !== bundle.identity) {
    throw new InnerloopError(
      "other-bundle",
      `${source}: it was saved with the bundle "${metadata.bundle_name}" (${short(metadata.bundle)}) and this is ` +
        `"${bundle.manifest.name}" (${short(bundle.identity)}); restore it with its own bundle, or adapt this one anew`,
    );
  }
  const labels = parseList(metadata.labels, isText, source);
  const columns = parseList(metadata.columns, Number.isSafeInteger, source) as number[];
  const supportLoss = parseList(metadata.support_loss, Number.isFinite, source) as number[];
  if (columns.length !== labels.length) throw invalid(`${source}: its metadata is damaged`);
  const parameters: Record<string, Tensor> = {};
  for (const { name, shape, adapted } of bundle.manifest.parameters) {
    if (!adapted) continue;
    const tensor = tensors[name];
    if (tensor?.dtype !== "float32" || !fits(tensor.shape, shape)) {
      throw invalid(`${source}: the parameter "${name}" of shape [${shape.join(", ")}] is missing or of another form`);
    }
    parameters[name] = tensor;
  }
  return { labels: labels as string[], columns, supportLoss, parameters };
}

function fits(actual: readonly number[], expected: readonly (number | string)[]): boolean {
  return (
    actual.length === expected.length &&
    expected.every((size, axis) => typeof size === "string" || size === actual[axis])
  );
}

function parseList(text: string | undefined, is: (value: unknown) => boolean, source: string): unknown[] {
  try {
    const values: unknown = JSON.parse(text ?? "");
    if (Array.isArray(values) && values.every(is)) return values;
  } catch {
    // Said below, as for JSON that holds something else.
  }
  throw invalid(`${source}: its metadata is damaged`);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function invalid(what: string): InnerloopError {
  return new InnerloopError("personal-invalid", `${what}; give a file that personal.save() wrote for this bundle`);
}

function short(identity: string | undefined): string {
  return identity === undefined ? "unknown" : identity.slice(0, 12);
}
