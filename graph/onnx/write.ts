// Writing a graph as an ONNX file: plain `ai.onnx`, readable names, every constant once, nothing unused.
import { type DType, InnerloopError, type Tensor } from "@innerloop/schemas";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { type Dim, showShape, termsOf } from "../core/dims.ts";
import {
  type Attributes,
  type Body,
  constantOf,
  dependents,
  inputName,
  isBody,
  isInput,
  type Node,
  type NumberArray,
  topological,
  type Value,
} from "../core/value.ts";
import { lower, type Target } from "../lowering/lower.ts";
import { defaultOpset, onnxTarget } from "../lowering/onnx.ts";
import { halfBits, halfNodes, isHalf } from "../lowering/precision.ts";
import { elementTypes } from "./tensors.ts";

export interface WriteOptions {
  /** Numbers that an input has unless the caller gives others. */
  readonly initializers?: Readonly<Record<string, Tensor>>;
  /** The graph's name. */
  readonly name?: string;
  /** Goes into the file's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Inputs in this order; others follow. Named inputs are declared even where nothing uses them. */
  readonly inputs?: readonly Value[];
  readonly opset?: number;
  /** `float16`: what can be is computed in it, between Casts; inputs, outputs and weights stay float32. */
  readonly precision?: "float16";
  readonly target?: Target;
  readonly producer?: { readonly name: string; readonly version: string };
}

type NodeProto = onnx.NodeProto.$Properties;
type AttributeProto = onnx.AttributeProto.$Properties;

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;
/** The IR version that came with an opset (ONNX, Versioning.md): enough for any runtime that knows the opset. */
const irVersionOf = (opset: number): number => (opset <= 18 ? 8 : opset <= 20 ? 9 : 10);

/** The IR version of the files written for an opset. */
export const irVersion = (opset = defaultOpset): number => irVersionOf(opset);

/**
 * The bytes of an ONNX model that computes `outputs`.
 * @param outputs by the names that they get
 * @throws InnerloopError where an operator has no ONNX form or a size cannot be known
 */
export function writeOnnx(outputs: Readonly<Record<string, Value>>, options: WriteOptions = {}): Uint8Array {
  const opset = options.opset ?? defaultOpset;
  const { precision } = options;
  const target = options.target ?? onnxTarget({ opset, ...(precision ? { precision } : {}) });
  const values = lower(Object.values(outputs), target);
  const writer = new Writer(options.initializers ?? {}, opset, precision ? halfNodes(values) : new Set());
  const graph = writer.graph(Object.keys(outputs), values, options.inputs ?? [], options.name ?? "innerloop");
  return encodeModel({
    irVersion: irVersionOf(opset),
    opsetImport: [{ domain: "", version: opset }],
    producerName: options.producer?.name ?? "innerloop",
    producerVersion: options.producer?.version ?? "",
    graph,
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
}

/** What the names of constants start with, which tells them from weights when a file is read. */
export const constantPrefix = "constant/";

/** Where nodes go: the graph itself or the body of a loop. */
interface Block {
  readonly nodes: NodeProto[];
}

class Writer {
  readonly #names = new Map<Value, string>();
  readonly #taken = new Set<string>();
  readonly #constants: onnx.TensorProto.$Properties[] = [];
  readonly #main: Block = { nodes: [] };
  /** For each symbol, a value that has it as the size of an axis. */
  readonly #symbols = new Map<string, [string, number]>();
  /** For each symbol that only data tell, the node that makes a value of that size. */
  readonly #binders = new Map<string, Node>();
  readonly #written = new Set<Node>();
  readonly #sizes = new Map<Dim, string>();
  readonly #initializers: Readonly<Record<string, Tensor>>;

  readonly #opset: number;
  /** The nodes that compute in float16. */
  readonly #halves: ReadonlySet<Node>;
  /** The names of values in float16. */
  readonly #halfNames = new Map<Value, string>();

  constructor(initializers: Readonly<Record<string, Tensor>>, opset: number, halves: ReadonlySet<Node>) {
    this.#initializers = initializers;
    this.#opset = opset;
    this.#halves = halves;
  }

  graph(
    names: readonly string[],
    values: readonly Value[],
    declared: readonly Value[],
    name: string,
  ): onnx.GraphProto.$Properties {
    const nodes = topological(values);
    const parameters = new Set(
      nodes.flatMap((node) => Object.values(node.attributes).filter(isBody)).flatMap((body) => body.parameters),
    );
    const used = nodes.flatMap((node) => node.outputs).filter((value) => isInput(value) && !parameters.has(value));
    const inputs = [...new Set([...declared, ...used])];
    for (const input of inputs) this.#claim(input, inputName(input));
    for (const output of names) {
      if (this.#taken.has(output))
        throw new InnerloopError(
          "name-taken",
          `The output "${output}" has the name of an input; ONNX needs another one, such as "next/${output}".`,
        );
      this.#taken.add(output);
    }
    values.forEach((value, i) => {
      const own = !this.#names.has(value) && !constantOf(value) && !isHalf(value, this.#halves);
      if (own) this.#names.set(value, names[i]!);
    });
    for (const input of inputs) this.#learnSymbols(input);
    for (const node of nodes)
      if (node.inputs.length > 0 && typeof node.attributes.size === "string")
        this.#binders.set(node.attributes.size, node);
    const inside = insideLoops(nodes, parameters);
    for (const node of nodes) if (!inside.has(node)) this.#write(node, this.#main);
    values.forEach((value, i) => {
      const half = this.#names.has(value) ? undefined : this.#halfNames.get(value);
      const own = half === undefined ? this.#name(value) : this.#cast(half, "float32", names[i]!);
      this.#names.set(value, own);
      if (own !== names[i])
        this.#main.nodes.push({ opType: "Identity", input: [own], output: [names[i]!], name: `output/${names[i]}` });
    });
    return {
      name,
      node: this.#main.nodes,
      input: inputs.map((value) => valueInfo(inputName(value), value)),
      output: values.map((value, i) => valueInfo(names[i]!, value)),
      initializer: [
        ...inputs.flatMap((value) => {
          const tensor = this.#initializers[inputName(value)];
          return tensor
            ? [tensorProto(inputName(value), tensor.dtype, tensor.shape, tensor.data as ArrayLike<number | bigint>)]
            : [];
        }),
        ...this.#constants,
      ],
    };
  }

  #claim(value: Value, wanted: string): string {
    const name = this.#unique(wanted);
    this.#names.set(value, name);
    return name;
  }

  #learnSymbols(value: Value): void {
    value.shape.forEach((dim, axis) => {
      if (typeof dim === "string" && /^[A-Za-z_]\w*$/.test(dim) && !this.#symbols.has(dim))
        this.#symbols.set(dim, [this.#names.get(value)!, axis]);
    });
  }

  #name(value: Value): string {
    const known = this.#names.get(value);
    if (known) return known;
    const array = constantOf(value);
    if (array) return this.#constant(array, value);
    const half = this.#halfNames.get(value);
    if (!half) throw new Error(`${value.node.operator.name} is used before it is written.`);
    const name = this.#cast(half, "float32", this.#unique(`${half}/float32`));
    this.#names.set(value, name);
    return name;
  }

  /** The name of a value in float16: as it was made, else a constant, else a Cast of it. */
  #halfName(value: Value): string {
    const known = this.#halfNames.get(value);
    if (known) return known;
    const array = constantOf(value);
    const name = array
      ? this.#halfConstant(array)
      : this.#cast(this.#name(value), "float16", this.#unique(`${this.#name(value)}/float16`));
    this.#halfNames.set(value, name);
    return name;
  }

  #cast(from: string, to: "float32" | "float16", name: string): string {
    const type = to === "float16" ? DataType.FLOAT16 : elementTypes.float32;
    this.#main.nodes.push({ opType: "Cast", input: [from], output: [name], name, attribute: [integer("to", type)] });
    return name;
  }

  #halfConstant({ shape, data }: NumberArray): string {
    const name = this.#unique(`${constantPrefix}float16/${data.length === 1 ? data[0] : shape.join("x")}`);
    const rawData = new Uint8Array(halfBits(data).buffer);
    this.#constants.push({ name, dataType: DataType.FLOAT16, dims: [...shape], rawData });
    return name;
  }

  #constant(array: NumberArray, value?: Value): string {
    const kind = array.data.length === 1 ? String(array.data[0]) : showShape(array.shape).replaceAll(", ", "x");
    const name = this.#unique(`${constantPrefix}${kind}`);
    if (value) this.#names.set(value, name);
    this.#constants.push(tensorProto(name, array.dtype, array.shape, array.data));
    return name;
  }

  readonly #lists = new Map<string, string>();

  /** A small int64 list as a constant. */
  #list(numbers: readonly number[]): string {
    const key = numbers.join();
    const known = this.#lists.get(key);
    if (known) return known;
    const name = this.#constant({ dtype: "int64", shape: [numbers.length], data: Float64Array.from(numbers) });
    this.#lists.set(key, name);
    return name;
  }

  /** A size as an int64 list of one, computed from the shapes of values where it is symbolic. */
  #size(dim: Dim): string {
    if (typeof dim === "number") return this.#list([dim]);
    const known = this.#sizes.get(dim);
    if (known) return known;
    const emit = (opType: string, input: string[], hint: string, attribute: AttributeProto[] = []): string => {
      const output = this.#unique(hint);
      this.#main.nodes.push({ opType, input, output: [output], name: output, attribute });
      return output;
    };
    const symbol = (name: string): string => {
      const cached = this.#sizes.get(name);
      if (cached) return cached;
      const binder = this.#binders.get(name);
      if (!this.#symbols.has(name) && binder)
        for (const node of topological(binder.outputs)) this.#write(node, this.#main);
      const source = this.#symbols.get(name);
      if (!source)
        throw new InnerloopError(
          "open-dim",
          `The size "${name}" is the size of no input and of no range of labels, so it cannot be computed in the exported graph.`,
        );
      const size = emit("Shape", [source[0]], `size/${name}`, [
        integer("start", source[1]),
        integer("end", source[1] + 1),
      ]);
      this.#sizes.set(name, size);
      return size;
    };
    const terms = termsOf(dim).map(([coefficient, names]) => {
      const factors = [
        ...(coefficient === 1 && names.length > 0 ? [] : [this.#list([coefficient])]),
        ...names.map(symbol),
      ];
      return factors.reduce((a, b) => emit("Mul", [a, b], "size/product"));
    });
    const total = terms.reduce((a, b) => emit("Add", [a, b], "size/sum"));
    this.#sizes.set(dim, total);
    return total;
  }

  /** A shape as an int64 list. */
  #shape(shape: readonly Dim[]): string {
    if (shape.every((dim) => typeof dim === "number")) return this.#list(shape as number[]);
    const key = `shape:${shape.join()}`;
    const known = this.#lists.get(key);
    if (known) return known;
    const parts = shape.map((dim) => this.#size(dim));
    const name = this.#unique("size/shape");
    this.#main.nodes.push({ opType: "Concat", input: parts, output: [name], name, attribute: [integer("axis", 0)] });
    this.#lists.set(key, name);
    return name;
  }

  #write(node: Node, block: Block): void {
    const { operator, outputs } = node;
    if (outputs.length === 0 || constantOf(outputs[0]!) || isInput(outputs[0]!) || this.#written.has(node)) return;
    this.#written.add(node);
    const form = this.#form(node);
    const where = node.scope ? `${node.scope}/` : "";
    const names = outputs.map((output) => {
      const wanted = `${where}${form.opType}`;
      if (!isHalf(output, this.#halves)) return this.#names.get(output) ?? this.#claim(output, wanted);
      const name = this.#unique(wanted);
      this.#halfNames.set(output, name);
      return name;
    });
    block.nodes.push({
      opType: form.opType,
      input: form.input,
      attribute: form.attribute ?? [],
      output: names,
      name: names[0] === undefined ? operator.name : `${names[0]}`,
    });
    for (const output of outputs) if (block === this.#main && !isHalf(output, this.#halves)) this.#learnSymbols(output);
  }

  #form(node: Node): { opType: string; input: string[]; attribute?: AttributeProto[] } {
    const { operator, attributes } = node;
    const opType = operator.writtenAs ?? operator.name;
    const body = Object.values(attributes).find(isBody);
    if (body) return this.#loop(node, body);
    const half = this.#halves.has(node);
    const input = node.inputs.map((value) =>
      half && value.dtype === "float32" ? this.#halfName(value) : this.#name(value),
    );
    const [x] = node.inputs;
    const num = (key: string) => attributes[key] as number;
    switch (opType) {
      case "Reshape":
        return { opType, input: [input[0]!, this.#reshapeTo(x!, node.outputs[0]!)] };
      case "Expand":
        return { opType, input: [input[0]!, this.#shape(expandTarget(x!, node.outputs[0]!))] };
      case "Slice": {
        const end =
          attributes.end === x!.shape[num("axis")]
            ? this.#list([Number.MAX_SAFE_INTEGER])
            : this.#size(attributes.end as Dim);
        return { opType, input: [input[0]!, this.#size(attributes.start as Dim), end, this.#list([num("axis")])] };
      }
      case "Pad": {
        const pads = [...(attributes.before as number[]), ...(attributes.after as number[])];
        const array: NumberArray = { dtype: x!.dtype, shape: [], data: Float64Array.of(num("value")) };
        const fill = half ? this.#halfConstant(array) : this.#constant(array);
        return { opType, input: [input[0]!, this.#list(pads), fill] };
      }
      case "ReduceSum":
      case "ReduceMax":
      case "ReduceMin":
      case "ReduceProd": {
        const keepdims = integer("keepdims", attributes.keepdims ? 1 : 0);
        const axes = attributes.axes as number[];
        // Axes became an input of ReduceSum in opset 13, of the others in 18.
        return this.#opset >= 18 || opType === "ReduceSum"
          ? { opType, input: [input[0]!, this.#list(axes)], attribute: [keepdims] }
          : { opType, input, attribute: [integers("axes", axes), keepdims] };
      }
      case "Range": {
        const scalar = (n: number) => this.#constant({ dtype: "int64", shape: [], data: Float64Array.of(n) });
        return { opType, input: [scalar(0), input[0] ?? this.#scalarSize(attributes.size as Dim), scalar(1)] };
      }
      case "CumSum":
        return {
          opType,
          input: [input[0]!, this.#constant({ dtype: "int64", shape: [], data: Float64Array.of(num("axis")) })],
          attribute: [integer("exclusive", num("exclusive")), integer("reverse", num("reverse"))],
        };
      case "Clip":
        return { opType, input: attributes.sides === "high" ? [input[0]!, "", input[1]!] : input };
      case "Conv":
      case "ConvTranspose": {
        const pads = [...(attributes.before as number[]), ...(attributes.after as number[])];
        const padding = attributes.outputPadding as number[] | undefined;
        return {
          opType,
          input,
          attribute: [
            integers("strides", attributes.strides as number[]),
            integers("dilations", attributes.dilations as number[]),
            integers("pads", pads),
            integer("group", num("group")),
            ...(padding ? [integers("output_padding", padding)] : []),
          ],
        };
      }
      case "Cast":
        return half
          ? { opType, input: [this.#name(x!)], attribute: [integer("to", DataType.FLOAT16)] }
          : { opType, input, attribute: plainAttributes(attributes) };
      case "BatchNormalization":
        return { opType, input, attribute: [float("epsilon", num("epsilon"))] };
      default:
        return { opType, input, attribute: plainAttributes(attributes) };
    }
  }

  #scalarSize(dim: Dim): string {
    const list = this.#size(dim);
    const name = `${list}/scalar`;
    if (!this.#taken.has(name)) {
      this.#taken.add(name);
      this.#main.nodes.push({ opType: "Squeeze", input: [list], output: [name], name });
    }
    return name;
  }

  /** A reshape's target with at most one size left open (−1) and kept ones as 0, so that it stays a constant. */
  #reshapeTo(x: Value, y: Value): string {
    let open = false;
    const target = y.shape.map((dim, axis) => {
      if (typeof dim === "number") return dim;
      if (dim === x.shape[axis] && y.shape.slice(0, axis).every((d, i) => d === x.shape[i])) return 0;
      if (open) return undefined;
      open = true;
      return -1;
    });
    return target.includes(undefined) ? this.#shape(y.shape) : this.#list(target as number[]);
  }

  #loop(node: Node, body: Body): { opType: string; input: string[]; attribute: AttributeProto[] } {
    const [count, ...initial] = node.inputs;
    const inner: Block = { nodes: [] };
    const prefix = node.scope ? `${node.scope}/` : "";
    for (const parameter of body.parameters) this.#claim(parameter, `${prefix}${inputName(parameter)}`);
    const own = dependents(body.results, body.parameters);
    for (const inside of topological(body.results)) if (own.has(inside)) this.#write(inside, inner);
    const results = body.results.map((value, i) => {
      const name = this.#unique(`${prefix}next${i}`);
      inner.nodes.push({ opType: "Identity", input: [this.#name(value)], output: [name], name });
      return valueInfo(name, value);
    });
    const going = this.#unique(`${prefix}going`);
    const on = this.#unique(`${prefix}go_on`);
    inner.nodes.push({ opType: "Identity", input: [going], output: [on], name: on });
    const condition = (name: string) => ({
      name,
      type: { tensorType: { elemType: DataType.BOOL, shape: { dim: [] } } },
    });
    const graph: onnx.GraphProto.$Properties = {
      name: `${prefix}body`,
      node: inner.nodes,
      input: [
        valueInfo(this.#name(body.parameters[0]!), body.parameters[0]!),
        condition(going),
        ...body.parameters.slice(1).map((p) => valueInfo(this.#name(p), p)),
      ],
      output: [condition(on), ...results],
    };
    return {
      opType: "Loop",
      input: [this.#name(count!), "", ...initial.map((value) => this.#name(value))],
      attribute: [{ name: "body", type: AttributeType.GRAPH, g: graph }],
    };
  }

  #unique(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted}_${n}`;
    this.#taken.add(name);
    return name;
  }
}

/** Nodes that belong in a loop's body because they depend on what it carries. */
function insideLoops(nodes: readonly Node[], parameters: ReadonlySet<Value>): Set<Node> {
  const inside = new Set<Node>();
  for (const node of nodes) {
    const bodies = Object.values(node.attributes).filter(isBody);
    for (const body of bodies) for (const own of dependents(body.results, body.parameters)) inside.add(own);
  }
  for (const parameter of parameters) inside.add(parameter.node);
  return inside;
}

/** Expand broadcasts both ways, so sizes that the input has already can be left at 1. */
function expandTarget(x: Value, y: Value): Dim[] {
  return y.shape.map((dim, axis) => (typeof dim === "string" && x.shape[axis - y.rank + x.rank] === dim ? 1 : dim));
}

const integer = (name: string, i: number): AttributeProto => ({ name, type: AttributeType.INT, i });
const float = (name: string, f: number): AttributeProto => ({ name, type: AttributeType.FLOAT, f });
const integers = (name: string, ints: readonly number[]): AttributeProto => ({
  name,
  type: AttributeType.INTS,
  ints: [...ints],
});

const floatAttributes = new Set(["alpha", "beta", "gamma", "epsilon"]);

/** Attributes that ONNX has under the same name. */
function plainAttributes(attributes: Attributes): AttributeProto[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (name === "to") return [integer("to", elementTypes[value as DType])];
    if (typeof value === "number") return [floatAttributes.has(name) ? float(name, value) : integer(name, value)];
    if (typeof value === "boolean") return [integer(name, value ? 1 : 0)];
    if (typeof value === "string") return [{ name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }];
    return Array.isArray(value) ? [integers(name, value as number[])] : [];
  });
}

function valueInfo(name: string, { dtype, shape }: Value): onnx.ValueInfoProto.$Properties {
  const dim = shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: elementTypes[dtype], shape: { dim } } } };
}

function tensorProto(
  name: string,
  dtype: DType,
  shape: readonly number[],
  data: ArrayLike<number | bigint>,
): onnx.TensorProto.$Properties {
  return { name, dataType: elementTypes[dtype], dims: [...shape], rawData: rawBytes(dtype, data) };
}

function rawBytes(dtype: DType, data: ArrayLike<number | bigint>): Uint8Array {
  const numbers = data as ArrayLike<number>;
  const typed =
    dtype === "float32"
      ? Float32Array.from(numbers)
      : dtype === "float64"
        ? Float64Array.from(numbers)
        : dtype === "int32"
          ? Int32Array.from(numbers)
          : dtype === "int64"
            ? BigInt64Array.from({ length: data.length }, (_, i) => BigInt(data[i]!))
            : Uint8Array.from(numbers);
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}
