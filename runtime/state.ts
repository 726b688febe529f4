// A personal model as a file: safetensors whose metadata names the bundle it belongs to.
import { decodeSafetensors, encodeSafetensors, InnerloopError, type Tensor } from "@innerloop/schemas/bundle";
import type { AdaptedState, StepOptions } from "./adaptation.ts";
import type { Bundle } from "./bundle.ts";
import { join, type Kept } from "./examples.ts";

/** What outlives a process of a personal model. */
export interface PersonalRecord {
  /** Absent while there is nothing to tell apart. */
  readonly adapted: AdaptedState | undefined;
  /** Undefined where they are not kept. */
  readonly examples: readonly Kept[] | undefined;
  /** The number that the next example's id has. */
  readonly next: number;
  readonly settings: StepOptions;
}

/** The version of the personal file that this release writes, and the newest that it reads. */
export const PERSONAL_VERSION = 2;
const FORMAT = "innerloop-personal";

/** The bytes of a personal file; equal records give equal bytes. */
export function encodeState(bundle: Bundle, { adapted, examples, next, settings }: PersonalRecord): Uint8Array {
  const { input, output, task } = bundle.manifest;
  const tensors: Record<string, Tensor> = {};
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: String(PERSONAL_VERSION),
    bundle: bundle.identity,
    bundle_name: bundle.manifest.name,
    settings: JSON.stringify(settings),
  };
  if (adapted !== undefined) {
    for (const [name, tensor] of Object.entries(adapted.parameters)) tensors[ADAPTED + name] = tensor;
    metadata.labels = JSON.stringify(adapted.labels);
    if (adapted.shots !== undefined) metadata.shots = String(adapted.shots);
    metadata.columns = JSON.stringify(adapted.columns);
    metadata.support_loss = JSON.stringify(adapted.supportLoss);
  }
  if (examples !== undefined) {
    tensors[X] = join(
      examples.map(({ x }) => x),
      input.shape,
    );
    if (task === "regression")
      tensors[Y] = join(
        examples.map(({ y }) => y!),
        [output.size ?? 1],
      );
    metadata.examples = JSON.stringify(examples.map(({ id, label = "" }) => [id, label]));
    metadata.next = String(next);
  }
  return encodeSafetensors(tensors, metadata);
}

/**
 * Reads a personal file.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `safetensors-invalid` for bytes that are cut short or of another kind, `personal-invalid` for a
 *   safetensors file that is no personal file of this bundle's form, `newer-version`, and `other-bundle`.
 */
export function decodeState({ manifest, identity }: Bundle, bytes: Uint8Array, source: string): PersonalRecord {
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  const invalid = (what: string) =>
    new InnerloopError(
      "personal-invalid",
      `${source}: ${what}; give a file that personal.save() wrote for this bundle`,
    );
  if (metadata.format !== FORMAT)
    throw invalid("this is a safetensors file, but not one that a personal model was saved to");
  const version = Number(metadata.version);
  if (version > PERSONAL_VERSION) {
    throw new InnerloopError(
      "newer-version",
      `${source}: it has version ${version} and this release reads up to ${PERSONAL_VERSION}; upgrade @innerloop/runtime`,
    );
  }
  if (metadata.bundle !== identity) {
    throw new InnerloopError(
      "other-bundle",
      `${source}: it was saved with the bundle "${metadata.bundle_name}" (${short(metadata.bundle)}) and this is ` +
        `"${manifest.name}" (${short(identity)}); restore it with its own bundle, or adapt this one anew`,
    );
  }
  const parse = <V>(key: string, is: (value: V) => boolean): V => {
    try {
      const value = JSON.parse(metadata[key] ?? "");
      if (is(value)) return value;
    } catch {
      // Said below, as for JSON that holds something else.
    }
    throw invalid(`its metadata "${key}" is damaged`);
  };
  const list = <V>(key: string, is: (value: V) => boolean) =>
    parse<readonly V[]>(key, (value) => Array.isArray(value) && value.every(is));
  const floats = (name: string, shape: readonly (number | string)[]) => {
    const tensor = tensors[name];
    if (tensor?.dtype === "float32" && fits(tensor.shape, shape)) return tensor;
    throw invalid(`the parameter "${name}" of shape [${shape.join(", ")}] is missing or of another form`);
  };

  let adapted: AdaptedState | undefined;
  if (metadata.labels !== undefined) {
    const labels = list<string>("labels", isText);
    const columns = list<number>("columns", Number.isSafeInteger);
    const supportLoss = list<number>("support_loss", Number.isFinite);
    if (columns.length !== labels.length) throw invalid("its metadata is damaged");
    const parameters: Record<string, Tensor> = {};
    for (const { name, shape, adapted } of manifest.parameters) {
      // Files of version 1 hold the parameters alone, under their own names.
      if (adapted) parameters[name] = floats(version > 1 ? ADAPTED + name : name, shape);
    }
    const shots = metadata.shots === undefined ? {} : { shots: parse<number>("shots", Number.isFinite) };
    adapted = { labels, columns, ...shots, supportLoss, parameters };
  }
  if (metadata.examples === undefined) {
    if (adapted === undefined) throw invalid("it holds neither examples nor what was made of them");
    const settings = version > 1 ? parse<StepOptions>("settings", isObject) : {};
    return { adapted, examples: undefined, next: 1, settings };
  }
  const described = list<readonly string[]>(
    "examples",
    (it) => Array.isArray(it) && it.length === 2 && it.every(isText),
  );
  const count = described.length;
  const regression = manifest.task === "regression";
  const x = floats(X, [count, ...manifest.input.shape]);
  const y = regression ? floats(Y, [count, manifest.output.size ?? 1]) : undefined;
  const examples = described.map(([id, label], index): Kept => {
    const kept = { id: id!, x: row(x, index) };
    return y === undefined ? { ...kept, label: label! } : { ...kept, y: row(y, index) };
  });
  return {
    adapted,
    examples,
    next: parse<number>("next", Number.isSafeInteger),
    settings: parse<StepOptions>("settings", isObject),
  };
}

const ADAPTED = "adapted/";
const X = "support/x";
const Y = "support/y";

function row({ shape, data }: Tensor, index: number): Float32Array {
  const size = data.length / shape[0]!;
  return (data as Float32Array).slice(index * size, (index + 1) * size);
}

function fits(actual: readonly number[], expected: readonly (number | string)[]): boolean {
  return (
    actual.length === expected.length &&
    expected.every((size, axis) => typeof size === "string" || size === actual[axis])
  );
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function short(identity: string | undefined): string {
  return identity === undefined ? "unknown" : identity.slice(0, 12);
}
