// A small model as a run of it costs least. A tensor that ONNX Runtime takes or gives costs as much as some ten small nodes: so what has
// an initializer is not fed, and the outputs come as one and are cut up here. The file stays as it is for whoever else reads it.
import { type BundleFile, ELEMENTS, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import type { Beside } from "./host.ts";
import type { ProviderChoice, SessionOptions } from "./providers.ts";
import type { diverged } from "./rarely.ts";
import { type ModelSession, type OwnKernels, openSession, type Session } from "./session.ts";
import { delimited, type Field, fieldsOf, graphOf, nameOf, varint, withGraph } from "./wire.ts";

export interface ModelOptions extends SessionOptions {
  readonly kernels?: OwnKernels;
  readonly apart?: string;
}

/** Loads what is needed later than at the start. */
export type Later = () => Promise<{
  readonly openModelOf: typeof openModelOf;
  readonly diverged: typeof diverged;
}>;

/** A model that was rewritten. */
interface Compact {
  readonly bytes: Uint8Array;
  /** Inputs that have an initializer. They stay inputs, so that ONNX Runtime joins no nodes that it else would not: numbers stay the same. */
  readonly settled: ReadonlySet<string>;
  readonly outputs: readonly string[];
  /** The outputs that there were, of those that there are. */
  unpack(results: Record<string, Tensor>): Record<string, Tensor>;
}

/** Bytes of a model up to which what is done around a run counts beside the run, and opening it twice does not. */
const mostBytes = 2 ** 18;

/** Bytes of weights from which on memory counts for more than the tenth of a product's time that packed ones save. */
const large = 2 ** 27;

/** Opens a model of a bundle. */
export function openModelOf(
  file: BundleFile,
  model: Uint8Array,
  options: ModelOptions & Required<Pick<Beside, "beside">> & { readonly provider: ProviderChoice },
): Promise<ModelSession> {
  const { beside, provider, kernels } = options;
  const adapts = file === "adapt.onnx";
  // What adapts multiplies by a weight and by its transpose, and would keep it twice beside the file.
  const packed = !(adapts && Object.values(beside).some(({ length }) => length >= large));
  const open: Open = (model, sealed = false) => openSession(model, { ...options, packed, sealed });
  const isCompact = adapts && model.length <= mostBytes && Object.keys(beside).length === 0;
  const usual = () => (isCompact ? openCompact(model, open) : open(model));
  return kernels && ["cpu", "wasm"].includes(provider.name) ? openOwn(kernels, model, options, usual) : usual();
}

/** Opens a model on kernels of our own, and as usual for the first run that they leave. */
export async function openOwn(
  kernels: OwnKernels,
  model: Uint8Array,
  options: ModelOptions & { readonly provider: ProviderChoice },
  asUsual: () => Promise<ModelSession>,
): Promise<ModelSession> {
  const ours = kernels.open(model, options);
  if (!ours) return asUsual();
  const { inputs, outputs } = ours;
  const usual = openedLate(asUsual);
  return {
    ...{ provider: options.provider, inputs, outputs, ...usual },
    run: async (feeds, fetches) => ours.run(feeds, fetches) ?? usual.run(feeds, fetches),
  };
}

/** A session that is opened at its first run. */
function openedLate(open: () => Promise<ModelSession>): Pick<ModelSession, "run" | "dispose"> {
  let opened: Promise<ModelSession> | undefined;
  return {
    async run(feeds, fetches) {
      opened ??= open();
      opened.catch(() => (opened = undefined));
      return (await opened).run(feeds, fetches);
    },
    async dispose() {
      await (await opened)?.dispose();
    },
  };
}

type Open = (model: Uint8Array, sealed?: boolean) => Promise<Session>;

/**
 * For runs that feed nothing that has an initializer and ask for all outputs, so that the first other run opens the model once more, as it
 * is. Numbers are the same. Outputs may share their memory.
 */
async function openCompact(model: Uint8Array, open: Open): Promise<ModelSession> {
  const { bytes, settled, outputs, unpack } = compact(model);
  const quick = await open(bytes, true);
  const whole = openedLate(() => open(model));
  return {
    provider: quick.provider,
    inputs: [...quick.inputs, ...settled],
    outputs,
    async run(feeds, fetches) {
      if (fetches !== undefined || Object.keys(feeds).some((name) => settled.has(name)))
        return whole.run(feeds, fetches);
      return unpack(await quick.run(feeds));
    },
    async dispose() {
      await quick.dispose();
      await whole.dispose();
    },
  };
}

/** What the outputs become, and a constant that this needs. */
const packed = "outputs as one";
const flat = "outputs as one/flat";

function compact(model: Uint8Array): Compact {
  const graph = graphOf(model);
  const fields = fieldsOf(model, graph);
  const named = (number: number, name: number) =>
    fields.flatMap((field) => (field[0] === number ? [{ field, name: nameOf(model, field, name) }] : []));
  const initializers = new Set(named(graphInitializer, tensorName).map(({ name }) => name));
  const settled = named(graphInput, valueName).flatMap(({ name }) => (initializers.has(name) ? [name] : []));
  const outputs = named(graphOutput, valueName).map((output) => ({ ...output, ...typeOf(model, output.field) }));
  // The length of the whole tells one size that the file does not: the one that the most outputs have.
  const sizes = outputs.flatMap(({ open }) => (open?.length === 1 ? open : []));
  const times = (size: string) => sizes.filter((other) => other === size).length;
  const told = sizes.reduce((most, size) => (times(size) > times(most) ? size : most), sizes[0] ?? "");
  const fitting = outputs.filter(({ open }) => open?.every((size, i) => i === 0 && size === told));
  const parts = fitting.length > 1 ? fitting : [];
  const kept = fields.filter((field) => !parts.some((part) => part.field === field));
  const others = kept.map(([, start, , end]) => model.subarray(start, end));
  return {
    bytes: withGraph(model, graph, [...others, ...(parts[0] ? joining(parts) : [])]),
    settled: new Set(settled),
    outputs: outputs.map(({ name }) => name),
    unpack: parts[0] ? cutting(parts) : (results) => results,
  };
}

/** An output of numbers whose sizes the file tells, all or all but one. */
interface Part {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** The first field of a number; an empty one where there is none. */
function fieldOf(bytes: Uint8Array, message: Field, number: number): Field {
  return fieldsOf(bytes, message).find((field) => field[0] === number) ?? [number, 0, 0, 0, undefined];
}

/** What the file says of an output; nothing where it cannot be a part. */
function typeOf(
  model: Uint8Array,
  output: Field,
): { readonly shape: Part["shape"]; readonly open?: readonly string[] } {
  const tensor = fieldOf(model, fieldOf(model, output, valueType), typeTensor);
  const described = fieldOf(model, tensor, tensorShape);
  const shape = fieldsOf(model, described).map(
    (dim) => fieldOf(model, dim, dimValue)[4] ?? nameOf(model, dim, dimName),
  );
  const open = shape.filter((size): size is string => typeof size === "string");
  const known = described[3] > 0 && fieldOf(model, tensor, tensorElement)[4] === ELEMENTS.float32.onnx;
  return known && !open.includes("") ? { shape, open } : { shape };
}

/** The nodes that make one output of several. */
function joining(parts: readonly Part[]): Uint8Array[] {
  const node = (operator: string, inputs: readonly string[], output: string, attributes: readonly Uint8Array[] = []) =>
    encoded(graphNode, [
      ...inputs.map((name) => encoded(nodeInput, name)),
      ...[encoded(nodeOutput, output), encoded(nodeOperator, operator), ...attributes],
    ]);
  const flatOf = ({ name, shape }: Part) => (shape.length === 1 ? name : `${packed}/${name}`);
  const axis = encoded(nodeAttribute, [
    ...[encoded(attributeName, "axis"), encoded(attributeInt, 0), encoded(attributeType, typeInt)],
  ]);
  const type = encoded(valueType, [encoded(typeTensor, [encoded(tensorElement, ELEMENTS.float32.onnx)])]);
  return [
    ...parts.flatMap((part) => (part.shape.length === 1 ? [] : [node("Reshape", [part.name, flat], flatOf(part))])),
    node("Concat", parts.map(flatOf), packed, [axis]),
    encoded(graphInitializer, [
      ...[encoded(tensorDims, 1), encoded(tensorDataType, ELEMENTS.int64.onnx), encoded(tensorName, flat)],
      encoded(tensorRawData, new Uint8Array(BigInt64Array.of(-1n).buffer)),
    ]),
    encoded(graphOutput, [encoded(valueName, packed), type]),
  ];
}

/** Takes them apart again. */
function cutting(parts: readonly Part[]): Compact["unpack"] {
  let [settled, each] = [0, 0];
  const forms = parts.map((part) => {
    const sizes = part.shape.filter((size): size is number => typeof size === "number");
    const [known, open] = [sizeOf(sizes), sizes.length < part.shape.length];
    if (open) each += known;
    else settled += known;
    return { ...part, known, open };
  });
  return ({ [packed]: whole, ...others }) => {
    const results: Record<string, Tensor> = others;
    const data = whole!.data as Float32Array;
    // No number where nothing is open, and nobody asks.
    const size = (data.length - settled) / each;
    let at = 0;
    for (const { name, shape, known, open } of forms) {
      const end = at + known * (open ? size : 1);
      results[name] = {
        dtype: "float32",
        shape: shape.map((dim) => (typeof dim === "string" ? size : dim)),
        data: data.subarray(at, end),
      };
      at = end;
    }
    return results;
  };
}

/** The bytes of a field: a varint, a text, bytes, or a message of fields. */
function encoded(number: number, content: number | string | Uint8Array | readonly Uint8Array[]): Uint8Array {
  if (typeof content === "number") return Uint8Array.of(...varint(number * 8), ...varint(content));
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return delimited(number, bytes instanceof Uint8Array ? [bytes] : bytes);
}

// Field numbers of onnx.proto.
const [graphNode, graphInitializer, graphInput, graphOutput] = [1, 5, 11, 12];
const [nodeInput, nodeOutput, nodeOperator, nodeAttribute] = [1, 2, 4, 5];
const [attributeName, attributeInt, attributeType, typeInt] = [1, 3, 20, 2];
const [valueName, valueType, typeTensor, tensorElement, tensorShape] = [1, 2, 1, 1, 2];
const [dimValue, dimName] = [1, 2];
const [tensorDims, tensorDataType, tensorName, tensorRawData] = [1, 2, 8, 9];
