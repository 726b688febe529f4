// A personal model as a file: safetensors whose metadata names the bundle it belongs to.
import {
  decodeSafetensors,
  encodeSafetensors,
  InnerloopError,
  type Manifest,
  parseJson,
  show,
  type Tensor,
} from "@innerloop/schemas/bundle";
import { type Adaptation, type AdaptedState, readSteps, type StepOptions } from "./adaptation.ts";
import type { Bundle } from "./bundle.ts";
import { columnsOf, join, type Kept, labelsOf, tooFew } from "./examples.ts";

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
const personalVersion = 2;
const format = "innerloop-personal";

/** The bytes of a personal file; equal records give equal bytes. */
export function encodeState(bundle: Bundle, { adapted, examples, next, settings }: PersonalRecord): Uint8Array {
  const { input, output, task } = bundle.manifest;
  const { steps, rate } = settings;
  const tensors: Record<string, Tensor> = {};
  const metadata: Record<string, string> = {
    format: format,
    version: String(personalVersion),
    bundle: bundle.identity,
    bundle_name: bundle.manifest.name,
    settings: JSON.stringify({ steps, rate }),
  };
  if (adapted !== undefined) {
    for (const [name, tensor] of Object.entries(adapted.parameters)) tensors[adaptedPrefix + name] = tensor;
    metadata.labels = JSON.stringify(adapted.labels);
    if (adapted.shots !== undefined) metadata.shots = String(adapted.shots);
    if (adapted.spread !== undefined) metadata.spread = String(adapted.spread);
    metadata.columns = JSON.stringify(adapted.columns);
    metadata.support_loss = JSON.stringify(adapted.supportLoss);
    if (adapted.adaptation !== undefined) metadata.adaptation = JSON.stringify(adapted.adaptation);
  }
  if (examples !== undefined) {
    tensors[supportX] = join(
      examples.map(({ x }) => x),
      input.shape,
    );
    if (task === "regression")
      tensors[supportY] = join(
        examples.map(({ y }) => y!),
        [output.size ?? 1],
      );
    metadata.examples = JSON.stringify(examples.map(({ id, label = "" }) => [id, label]));
    metadata.next = String(next);
  }
  return encodeSafetensors(tensors, metadata);
}

/**
 * Reads a personal file: what it says has to be what a Personal of this bundle can be, so that whatever it does next is
 * what it would have done.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `safetensors-invalid` for bytes that are cut short or of another kind, `personal-invalid` for a
 *   safetensors file that is no personal file of this bundle's form, or contradicts itself, `newer-version`, and
 *   `other-bundle`.
 */
export function decodeState({ manifest, identity }: Bundle, bytes: Uint8Array, source: string): PersonalRecord {
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  const invalid = (what: string) =>
    new InnerloopError(
      "personal-invalid",
      `${source}: ${what}; give a file that personal.save() wrote for this bundle`,
    );
  if (metadata.format !== format)
    throw invalid("this is a safetensors file, but not one that a personal model was saved to");
  const version = Number(metadata.version);
  if (!(Number.isInteger(version) && version > 0)) throw invalid(`its version is ${show(metadata.version)}`);
  if (version > personalVersion)
    throw new InnerloopError(
      "newer-version",
      `${source}: it has version ${version} and this release reads up to ${personalVersion}; upgrade @innerloop/runtime`,
    );
  if (metadata.bundle !== identity)
    throw new InnerloopError(
      "other-bundle",
      `${source}: it was saved with the bundle ${show(metadata.bundle_name)} (${short(metadata.bundle)}) and this is ` +
        `"${manifest.name}" (${short(identity)}); restore it with its own bundle, or adapt this one anew`,
    );
  const parse = <V>(key: string, is: (value: V) => boolean): V => {
    try {
      const value = parseJson(metadata[key] ?? "") as V;
      if (is(value)) return value;
    } catch {
      // Said below, as for JSON that holds something else.
    }
    throw invalid(`its metadata "${key}" is damaged`);
  };
  const list = <V>(key: string, is: (value: V) => boolean) =>
    parse<readonly V[]>(key, (value) => Array.isArray(value) && value.every(is));
  const floats = (name: string, shape: readonly (number | string)[], finite = true) => {
    const tensor = tensors[name];
    const fitting = tensor?.dtype === "float32" && fits(tensor.shape, shape);
    if (fitting && (!finite || (tensor.data as Float32Array).every(Number.isFinite))) return tensor;
    throw invalid(
      `the parameter ${show(name)} of shape [${shape.join(", ")}] is missing, of another form or not of finite numbers`,
    );
  };
  const readSettings = () => {
    const settings = parse<StepOptions>("settings", isSettings);
    try {
      readSteps(manifest, settings);
    } catch (cause) {
      throw invalid(`its settings are damaged: ${(cause as Error).message}`);
    }
    return settings;
  };

  let adapted: AdaptedState | undefined;
  if (metadata.labels !== undefined) {
    const labels = list<string>("labels", isText);
    const columns = list<number>("columns", Number.isSafeInteger);
    const supportLoss = list<number>("support_loss", Number.isFinite);
    const wrong = labelsMisfit(manifest, labels, columns);
    if (wrong) throw invalid(wrong);
    // Of a class of a fixed set that has no examples there may be no numbers.
    const finite = labels.length > Math.max(...columns) || columns.length === 0;
    // Files of version 1 hold the parameters alone, under their own names.
    const parameters = Object.fromEntries(
      manifest.parameters
        .filter(({ adapted }) => adapted)
        .map(({ name, shape }) => [name, floats(version > 1 ? adaptedPrefix + name : name, shape, finite)]),
    );
    const sizes = new Map(
      manifest.output.ways === null && labels.length > 0 ? [["ways", Math.max(...columns) + 1]] : [],
    );
    for (const { name, shape } of manifest.parameters)
      shape.forEach((size, axis) => {
        const actual = parameters[name]?.shape[axis];
        if (typeof size === "number" || actual === undefined) return;
        if ((sizes.get(size) ?? actual) !== actual)
          throw invalid(`the parameter ${show(name)} has ${actual} entries for ${sizes.get(size)} ${size}`);
        sizes.set(size, actual);
      });
    const shots = metadata.shots === undefined ? {} : { shots: parse<number>("shots", (count) => count >= 1) };
    const adaptation =
      metadata.adaptation === undefined ? {} : { adaptation: parse<Adaptation>("adaptation", isAdaptation) };
    const spread = metadata.spread === undefined ? {} : { spread: parse<number>("spread", Number.isFinite) };
    adapted = { labels, columns, ...shots, ...spread, supportLoss, ...adaptation, parameters };
  }
  if (metadata.examples === undefined) {
    if (adapted === undefined) throw invalid("it holds neither examples nor what was made of them");
    const settings = version > 1 ? readSettings() : {};
    return { adapted, examples: undefined, next: 1, settings };
  }
  const described = list<readonly string[]>(
    "examples",
    (pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText),
  );
  const count = described.length;
  const regression = manifest.task === "regression";
  const x = floats(supportX, [count, ...manifest.input.shape]);
  const y = regression ? floats(supportY, [count, manifest.output.size ?? 1]) : undefined;
  const examples = described.map(([id, label], index): Kept => {
    const kept = { id: id!, x: row(x, index) };
    return y === undefined ? { ...kept, label: label! } : { ...kept, y: row(y, index) };
  });
  const next = parse<number>("next", (number) => Number.isSafeInteger(number) && number > 0);
  const wrong = examplesMisfit(manifest, examples, next, adapted);
  if (wrong) throw invalid(wrong);
  return { adapted, examples, next, settings: readSettings() };
}

/** What is wrong with the labels that something was adapted to, and their logits, in words. */
function labelsMisfit(manifest: Manifest, labels: readonly string[], columns: readonly number[]): string | undefined {
  const { task, labels: fixed, output } = manifest;
  const most = output.ways ?? Number.POSITIVE_INFINITY;
  const [least, size] = [task === "regression" ? 0 : 2, labels.length];
  if (new Set(labels).size < size || labels.includes("")) return "a label is there twice, or is empty";
  if (size < least || size > (least && most))
    return `it has ${size} labels, and this bundle tells ${least} to ${most} apart`;
  const stranger = labels.find((label) => fixed?.includes(label) === false);
  if (stranger !== undefined) return `it has the label ${show(stranger)}, which this bundle does not know`;
  return columnsOf(manifest, labels).join() === columns.join()
    ? undefined
    : "its labels and columns do not go together";
}

/** What is wrong with the examples that are kept, among themselves and with what was adapted to them, in words. */
function examplesMisfit(
  manifest: Manifest,
  examples: readonly Kept[],
  next: number,
  adapted: AdaptedState | undefined,
): string | undefined {
  const ids = new Set(examples.map(({ id }) => id));
  if (ids.size < examples.length || ids.has("")) return "an id is there twice, or is empty";
  const used = examples.find(({ id }) => /^#\d+$/.test(id) && Number(id.slice(1)) >= next);
  if (used) return `the id ${show(used.id)} is one that an example to come would have`;
  const strange = examples.find(
    ({ label }) => label === "" || (label !== undefined && manifest.labels?.includes(label) === false),
  );
  if (strange)
    return `the example ${show(strange.id)} has the label ${show(strange.label)}, which this bundle does not know`;
  const few = tooFew(manifest, examples) !== undefined;
  if (few !== (adapted === undefined))
    return `it has ${few ? "" : "no "}parameters adapted to ${examples.length} examples`;
  const labels = labelsOf(manifest, examples);
  return adapted === undefined || JSON.stringify(labels) === JSON.stringify(adapted.labels)
    ? undefined
    : "its examples and labels do not go together";
}

const adaptedPrefix = "adapted/";
const supportX = "support/x";
const supportY = "support/y";

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

/** An object of nothing but `steps` and `rate`. */
function isSettings(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.keys(value).every((key) => key === "steps" || key === "rate");
}

function isAdaptation(value: unknown): boolean {
  const { steps, kept = 0, refused = 0 } = (value ?? {}) as Partial<Adaptation>;
  return [steps, kept, refused].every((count) => Number.isSafeInteger(count) && count! >= 0);
}

function short(identity: string | undefined): string {
  return identity === undefined ? "unknown" : identity.slice(0, 12);
}
