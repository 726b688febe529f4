// Low-rank adapters (Hu et al. 2022, LoRA) in an ONNX model: beside each product with a weight a product with two small factors,
// whose own product is what the weight would change by.
import { InnerloopError } from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { withStoredConstants } from "./reader/constants.ts";
import { numbersOf, tensorProto } from "./tensors.ts";

type NodeProto = onnx.NodeProto.$Properties;
type TensorProto = onnx.TensorProto.$Properties;
type GraphProto = onnx.GraphProto.$Properties;

export interface LoraOptions {
  /** How many rows and columns the factors have in common. */
  readonly rank: number;
  /** What the factors' product is multiplied by, times the rank; the rank unless given, so that it is as it is. */
  readonly alpha?: number;
  /** Whether a weight gets factors, by its name and that of the node that multiplies by it; every one unless given. */
  readonly of?: (weight: string, node: string) => boolean;
  /** Numbers in [0, 1) that the first factors come of. */
  readonly random: () => number;
}

/** The two factors of a weight. */
export interface LoraAdapter {
  readonly weight: string;
  /** The names of the factors: `[inputs, rank]` and `[rank, outputs]`, of a convolution `[rank, channels, …]` and `[outputs, rank, 1, …]`. */
  readonly down: string;
  readonly up: string;
  /** Whether it is one of a convolution, and whether it lies as outputs by inputs otherwise. */
  readonly convolution: boolean;
  readonly turned: boolean;
}

export interface LoraModel {
  readonly bytes: Uint8Array;
  readonly adapters: readonly LoraAdapter[];
  /** What the products of factors are multiplied by. */
  readonly scale: number;
}

const downOf = (weight: string): string => `lora/${weight}/down`;
const upOf = (weight: string): string => `lora/${weight}/up`;
const scaleName = "lora/scale";

/**
 * The model with factors beside the weights of its MatMul, Gemm and Conv nodes: the first at random, the second zero, so that it
 * computes what it did.
 * @param source the file's name, for messages
 * @throws InnerloopError where it is no ONNX file; `no-weights` (status 2) where no weight gets factors
 */
export function addLora(bytes: Uint8Array, source: string, options: LoraOptions): LoraModel {
  const model = decodeModel(bytes, source);
  const graph: GraphProto = withStoredConstants(model.graph ?? {});
  const stored = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const made = new Map((graph.node ?? []).flatMap((node) => (node.output ?? []).map((name) => [name, node] as const)));
  const adapters = new Map<string, LoraAdapter>();
  const added: TensorProto[] = [];
  const nodes = (graph.node ?? []).flatMap((node): NodeProto[] => {
    const weight = weightOf(node, stored, made);
    if (!weight || options.of?.(weight.name, node.name ?? "") === false) return [node];
    const factors = factorsOf(node, weight.shape, options.rank);
    if (!factors) return [node];
    const { name } = weight;
    if (!adapters.has(name)) {
      adapters.set(name, adapterOf(node, name, made));
      const reach = 1 / Math.sqrt(factors.fan);
      const first = Float32Array.from({ length: sizeOf(factors.down) }, () => reach * (2 * options.random() - 1));
      added.push(tensorProto(downOf(name), "float32", factors.down, first));
      added.push(tensorProto(upOf(name), "float32", factors.up, new Float32Array(sizeOf(factors.up))));
    }
    return besideNode(node, name, factors);
  });
  if (adapters.size === 0)
    throw new InnerloopError(
      "no-weights",
      `${source} has no weight of a MatMul, Gemm or Conv that gets factors; choose other weights, or train something else.`,
      { exitStatus: 2 },
    );
  const scale = (options.alpha ?? options.rank) / options.rank;
  const initializer = [...(graph.initializer ?? []), ...added, tensorProto(scaleName, "float32", [], [scale])];
  const changed = encodeModel({ ...model, graph: { ...graph, node: nodes, initializer } });
  return { bytes: changed, adapters: [...adapters.values()], scale };
}

const adapterOf = (node: NodeProto, weight: string, made: ReadonlyMap<string, NodeProto>): LoraAdapter => {
  const convolution = node.opType === "Conv";
  return { weight, down: downOf(weight), up: upOf(weight), convolution, turned: !convolution && isTurned(node, made) };
};

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What may stand between stored numbers and the product: the same numbers, turned or of another element type. */
const passing = new Set(["Identity", "Cast", "DequantizeLinear"]);

/** The weight of a node that multiplies by one, by the name that it is stored by, with the shape that reaches the node. */
function weightOf(
  node: NodeProto,
  stored: ReadonlyMap<string, TensorProto>,
  made: ReadonlyMap<string, NodeProto>,
): Weight | undefined {
  if (!["MatMul", "Gemm", "Conv"].includes(node.opType ?? "") || node.domain) return undefined;
  const behind = (name: string): Weight | undefined => {
    const tensor = stored.get(name);
    if (tensor) return { name, shape: (tensor.dims ?? []).map(Number) };
    const by = made.get(name);
    const inner = by?.input?.[0];
    if (inner === undefined) return undefined;
    if (passing.has(by?.opType ?? "")) return behind(inner);
    if (by?.opType !== "Transpose") return undefined;
    const weight = behind(inner);
    const order = by.attribute?.find((attribute) => attribute.name === "perm")?.ints?.map(Number);
    if (!weight) return undefined;
    return { ...weight, shape: weight.shape.map((_, i) => weight.shape[order?.[i] ?? weight.shape.length - 1 - i]!) };
  };
  return behind(node.input?.[1] ?? "");
}

interface Factors {
  readonly down: readonly number[];
  readonly up: readonly number[];
  /** How many numbers each of the first product's is made of. */
  readonly fan: number;
}

const numberOf = (node: NodeProto, name: string): number =>
  Number(node.attribute?.find((attribute) => attribute.name === name)?.i ?? 0);

/** The shapes of the factors beside a node; nothing where it does not take them. */
function factorsOf(node: NodeProto, shape: readonly number[], rank: number): Factors | undefined {
  if (node.opType === "Conv") {
    const [outputs, channels, ...window] = shape;
    if (outputs === undefined || channels === undefined || numberOf(node, "group") > 1) return undefined;
    const down = [rank, channels, ...window];
    return { down, up: [outputs, rank, ...window.map(() => 1)], fan: sizeOf(down) / rank };
  }
  if (shape.length !== 2 || numberOf(node, "transA") === 1) return undefined;
  const [inputs, outputs] = numberOf(node, "transB") === 1 ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!];
  return { down: [inputs, rank], up: [rank, outputs], fan: inputs };
}

/** A node with the products of the factors added to what it gives. */
function besideNode(node: NodeProto, weight: string, { up }: Factors): NodeProto[] {
  const [x = ""] = node.input ?? [];
  const [y = ""] = node.output ?? [];
  const named = (what: string) => `lora/${y}/${what}`;
  const convolution = node.opType === "Conv";
  const opType = convolution ? "Conv" : "MatMul";
  const step = (what: string, given: Omit<NodeProto, "name" | "output">, output = named(what)): NodeProto => ({
    name: named(what),
    output: [output],
    ...given,
  });
  const ones = { name: "kernel_shape", type: onnx.AttributeProto.AttributeType.INTS, ints: up.slice(2).map(() => 1) };
  return [
    { ...node, output: [named("own"), ...(node.output ?? []).slice(1)] },
    step("down", { opType, input: [x, downOf(weight)], attribute: convolution ? (node.attribute ?? []) : [] }),
    step("scaled", { opType: "Mul", input: [named("down"), scaleName] }),
    step("up", { opType, input: [named("scaled"), upOf(weight)], attribute: convolution ? [ones] : [] }),
    step("sum", { opType: "Add", input: [named("own"), named("up")] }, y),
  ];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/**
 * The model with what factors add put into its weights: one without factors that computes the same.
 * @param bytes the model as it was before {@link addLora}
 * @param arrays the factors by their names, as an adaptation gives them
 * @param source the file's name, for messages
 * @throws InnerloopError where it is no ONNX file; `bad-weights` for factors that do not fit a float32 weight of it
 */
export function mergeLora(
  bytes: Uint8Array,
  source: string,
  arrays: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>,
  options: Pick<LoraOptions, "rank" | "alpha">,
): Uint8Array {
  const model = decodeModel(bytes, source);
  const graph: GraphProto = withStoredConstants(model.graph ?? {});
  const stored = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const made = new Map((graph.node ?? []).flatMap((node) => (node.output ?? []).map((name) => [name, node] as const)));
  const merged = new Map<string, TensorProto>();
  const scale = (options.alpha ?? options.rank) / options.rank;
  for (const node of graph.node ?? []) {
    const weight = weightOf(node, stored, made);
    const [down, up] = weight ? [arrays[downOf(weight.name)], arrays[upOf(weight.name)]] : [];
    if (!weight || !down || !up || merged.has(weight.name)) continue;
    const tensor = stored.get(weight.name)!;
    const factors = factorsOf(node, weight.shape, options.rank);
    const { dtype, shape, data } = numbersOf(tensor, `${source}: the weight "${weight.name}"`);
    const fits = factors && down.shape.join() === factors.down.join() && up.shape.join() === factors.up.join();
    if (!fits || dtype !== "float32")
      throw new InnerloopError(
        "bad-weights",
        `${source}: the factors of "${weight.name}" have the shapes [${down.shape}] and [${up.shape}], and its own is ${dtype} [${shape}]; give those that were adapted for this model.`,
        { exitStatus: 2 },
      );
    const sum = withFactors(data, down, up, scale, adapterOf(node, weight.name, made));
    merged.set(weight.name, tensorProto(weight.name, "float32", shape, sum));
  }
  const initializer = (graph.initializer ?? []).map((tensor) => merged.get(tensor.name ?? "") ?? tensor);
  return encodeModel({ ...model, graph: { ...graph, initializer } });
}

type Factor = { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

/** A weight and what its factors add to it, as it lies in a model. */
export function withFactors(
  weight: ArrayLike<number>,
  down: Factor,
  up: Factor,
  scale: number,
  { convolution, turned }: Pick<LoraAdapter, "convolution" | "turned">,
): Float32Array {
  const [rows = 0, rank = 0] = convolution ? up.shape : down.shape;
  const [left, right] = convolution ? [up, down] : [down, up];
  const change = product(left.data, right.data, rows, rank);
  // The change is as it reaches the product; the weight lies turned where the model turns it.
  const columns = up.shape[1] ?? 0;
  return Float32Array.from(weight, (number, i) => {
    const at = turned ? (i % rows) * columns + Math.floor(i / rows) : i;
    return number + scale * change[at]!;
  });
}

/** Whether a weight lies as outputs by inputs. */
function isTurned(node: NodeProto, made: ReadonlyMap<string, NodeProto>): boolean {
  let turned = numberOf(node, "transB") === 1;
  for (let by = made.get(node.input?.[1] ?? ""); by; by = made.get(by.input?.[0] ?? ""))
    if (by.opType === "Transpose") turned = !turned;
  return turned;
}

/** A [rows, rank] times B [rank, columns]. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, rows: number, rank: number): Float64Array {
  const columns = b.length / rank;
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < rank; k++) {
      const factor = a[row * rank + k]!;
      for (let column = 0; column < columns; column++)
        result[row * columns + column]! += factor * b[k * columns + column]!;
    }
  return result;
}
