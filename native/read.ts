// A model as it stands in an .onnx file: nodes with their attributes and graphs, and numbers.
import { type DType, dtypeBy, ELEMENTS, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import { decodeModel, onnx } from "@innerloop/schemas/onnx";
import { type ArraysBeside, asNumbers, type PlaceBeside } from "./beside.ts";
import { refused } from "./plan/refusal.ts";
import { apart } from "./plan/taken.ts";

/** What an attribute may be here. */
export interface Attribute {
  readonly ints: readonly number[];
  readonly floats: readonly number[];
  readonly text?: string;
  readonly texts?: readonly string[];
  readonly graph?: Graph;
  readonly tensor?: Tensor;
}

export interface Node {
  /** With its domain before it, where that is not ONNX's own. */
  readonly operator: string;
  /** What the model calls it; empty where it has no name. */
  readonly name: string;
  /** Empty names are what is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Of ONNX's own operators. */
  readonly opset: number;
}

/** Numbers of a model. */
export interface Numbers extends Tensor {
  /** Where they lie in a file beside the model, in which programs read them. */
  readonly beside?: PlaceBeside;
}

export interface Graph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly initializers: ReadonlyMap<string, Numbers>;
  readonly nodes: readonly Node[];
}

/** An input of a model. */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  /** A size is a number, or a name. */
  readonly shape: readonly (number | string)[];
  /** It has an initializer and need not be fed. */
  readonly optional: boolean;
}

/** What is told of a model without its nodes. */
export interface Outline extends Pick<Graph, "inputs" | "outputs"> {
  readonly ports: readonly Port[];
  readonly initializers: ReadonlyMap<string, { readonly shape: readonly number[] }>;
}

export interface Model extends Graph {
  readonly ports: readonly Port[];
}

/**
 * Large initializers are read from the bytes whenever somebody asks for their numbers: those of a model are many, and a program has its own.
 *
 * @param beside where those lie that have files of their own
 * @throws InnerloopError `onnx-unreadable`; `not-native` for numbers that lie in files which are not given, or are of types that are not read here
 */
export function readGraph(bytes: Uint8Array, beside: ArraysBeside = new Map()): Model {
  const model = decodeModel(bytes, "the model");
  if (model.functions.length > 0) throw refused("a model with functions of its own");
  const own = model.opsetImport.find(({ domain }) => !domain || domain === "ai.onnx");
  const graph = graphOf(model.graph!, Number(own?.version ?? 1), beside);
  return { ...graph, ports: portsOf(model.graph!, graph) };
}

export function outlineOf(graph: onnx.GraphProto.$Properties): Outline {
  const shapes = (graph.initializer ?? []).map(({ name, dims }) => [name ?? "", { shape: shapeOf(dims) }] as const);
  const outline = { ...endsOf(graph), initializers: new Map(shapes) };
  return { ...outline, ports: portsOf(graph, outline) };
}

const endsOf = ({ input, output }: onnx.GraphProto.$Properties): Pick<Graph, "inputs" | "outputs"> => ({
  inputs: (input ?? []).map(({ name }) => name ?? ""),
  outputs: (output ?? []).map(({ name }) => name ?? ""),
});

const shapeOf = (dims: onnx.TensorProto.$Properties["dims"]): number[] => (dims ?? []).map(Number);

const portsOf = (graph: onnx.GraphProto.$Properties, read: Pick<Outline, "initializers">): Port[] =>
  (graph.input ?? []).map((input) => portOf(input, read));

function portOf(input: onnx.ValueInfoProto.$Properties, { initializers }: Pick<Outline, "initializers">): Port {
  const [name, tensor] = [input.name ?? "", input.type?.tensorType];
  const dtype = dtypeBy("onnx", tensor?.elemType);
  if (!dtype) throw refused(`the input ${name} of a type that is not known here`);
  const shape = (tensor?.shape?.dim ?? []).map(({ dimParam, dimValue }) => dimParam || Number(dimValue ?? 0));
  return { name, dtype, shape, optional: initializers.has(name) };
}

/** @param beside of the model's own graph */
function graphOf(graph: onnx.GraphProto.$Properties, opset: number, beside?: ArraysBeside): Graph {
  if (graph.sparseInitializer?.length) throw refused("a sparse initializer");
  return {
    ...endsOf(graph),
    initializers: new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? "", tensorOf(tensor, beside)])),
    nodes: (graph.node ?? []).map(({ opType, domain, name, input, output, attribute }) => ({
      operator: domain && domain !== "ai.onnx" ? `${domain}.${opType}` : (opType ?? ""),
      name: name ?? "",
      inputs: input ?? [],
      outputs: output ?? [],
      attributes: Object.fromEntries((attribute ?? []).map((each) => [each.name ?? "", attributeOf(each, opset)])),
      opset,
    })),
  };
}

const { AttributeType } = onnx.AttributeProto;

function attributeOf(
  { type, i, f, s, ints, floats, strings, g, t }: onnx.AttributeProto.$Properties,
  opset: number,
): Attribute {
  return {
    ints: type === AttributeType.INT ? [Number(i)] : (ints ?? []).map(Number),
    floats: type === AttributeType.FLOAT ? [f ?? 0] : (floats ?? []),
    ...(s && type === AttributeType.STRING ? { text: new TextDecoder().decode(s) } : {}),
    ...(type === AttributeType.STRINGS ? { texts: (strings ?? []).map((text) => new TextDecoder().decode(text)) } : {}),
    ...(g ? { graph: graphOf(g, opset) } : {}),
    ...(t ? { tensor: tensorOf(t) } : {}),
  };
}

/** Dtypes whose numbers are held here, with the field that has them where they are no bytes. */
const lists = { float32: "floatData", int32: "int32Data", bool: "int32Data", int64: "int64Data" } as const;

const isHeld = (dtype: DType | undefined): dtype is keyof typeof lists => dtype !== undefined && dtype in lists;

/** Bytes from which on numbers are not read twice without need. */
const large = 2 ** 16;

/** @param beside of initializers of the model's own graph: those with many bytes stay where they lie */
function tensorOf(tensor: onnx.TensorProto.$Properties, beside?: ArraysBeside): Numbers {
  const { name, dims, dataType, dataLocation, rawData } = tensor;
  const dtype = dtypeBy("onnx", dataType);
  if (!isHeld(dtype)) throw refused(`the array ${name} of the type ${dataType}`);
  const shape = shapeOf(dims);
  if (dataLocation === onnx.TensorProto.DataLocation.EXTERNAL) return besideOf(tensor, dtype, shape, beside);
  const isLarge = rawData && rawData.length >= large && rawData.length === 4 * sizeOf(shape);
  if (beside && dtype === "float32" && isLarge)
    return {
      ...{ dtype, shape },
      get data() {
        return asNumbers(rawData);
      },
    };
  const data = rawData?.length ? ofBytes(dtype, rawData) : ofList(dtype, tensor[lists[dtype]] ?? []);
  if (data.length !== sizeOf(shape)) throw refused(`the array ${name} of ${data.length} numbers in [${shape}]`);
  return { dtype, shape, data };
}

/** An array whose numbers lie in a file beside the model. */
function besideOf(
  { name, externalData }: onnx.TensorProto.$Properties,
  dtype: keyof typeof lists,
  shape: readonly number[],
  beside: ArraysBeside | undefined,
): Numbers {
  const told = Object.fromEntries((externalData ?? []).map(({ key, value }) => [key ?? "", value ?? ""]));
  const file = told.location ?? "";
  const array = beside?.get(file);
  const [offset, size] = [Number(told.offset ?? 0), sizeOf(shape)];
  const length = ELEMENTS[dtype].array.BYTES_PER_ELEMENT * size;
  const isWhole = Number.isSafeInteger(offset) && offset >= 0 && Number(told.length ?? length) === length;
  if (!array || !isWhole || offset + length > array.byteLength) throw refused(`the array ${name} in another file`);
  const at = offset / 4;
  if (dtype === "float32" && Number.isInteger(at) && at + size + apart <= array.length)
    return { dtype, shape, data: array.subarray(at, at + size), beside: { file, at } };
  return { dtype, shape, data: ofBytes(dtype, new Uint8Array(array.buffer, array.byteOffset + offset, length)) };
}

function ofBytes(dtype: DType, bytes: Uint8Array): Tensor["data"] {
  const { array } = ELEMENTS[dtype];
  return new array(bytes.slice().buffer);
}

function ofList(dtype: keyof typeof lists, list: readonly (number | bigint)[]): Tensor["data"] {
  if (dtype === "int64") return BigInt64Array.from(list, BigInt);
  const numbers = Float64Array.from(list, Number);
  if (dtype === "float32") return Float32Array.from(numbers);
  return dtype === "bool" ? Uint8Array.from(numbers) : Int32Array.from(numbers);
}
