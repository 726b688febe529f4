// What a graph with float16 in it computes on a device that has float16, found out on a processor: ONNX Runtime's cpu provider
// leaves out many of the Casts that it is given, so here every float16 value is a float32 one that is rounded on the spot.

import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { type Engine, openEngine } from "@innerloop/train";

type NodeProto = onnx.NodeProto.$Properties;
type TensorProto = onnx.TensorProto.$Properties;
const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

/** The number that float16 bits stand for. */
function numberOf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function inFloat32(tensor: TensorProto): TensorProto {
  if (tensor.dataType !== DataType.FLOAT16) return tensor;
  const bytes = tensor.rawData!.slice();
  const bits = new Uint16Array(bytes.buffer, 0, bytes.length / 2);
  const rawData = new Uint8Array(Float32Array.from(bits, numberOf).buffer);
  return { ...tensor, dataType: DataType.FLOAT, rawData };
}

const numbers = {
  split: 2 ** 13 + 1,
  zero: 0,
  largest: 65520,
  normal: 2 ** -14,
  up: 2 ** 24,
  down: 2 ** -24,
};
const nameOf = (key: keyof typeof numbers): string => `rounding/${key}`;

/** Rounds `from` to float16 (Dekker 1971 for the fraction; a fixed step below the normal numbers; infinity above the largest). */
function rounding(from: string, to: string): NodeProto[] {
  const nodes: NodeProto[] = [];
  const emit = (opType: string, input: string[], output = `${to}/${nodes.length}`): string => {
    nodes.push({ opType, input, output: [output], name: output });
    return output;
  };
  const large = emit("Mul", [from, nameOf("split")]);
  const near = emit("Sub", [large, emit("Sub", [large, from])]);
  const steps = emit("Mul", [emit("Round", [emit("Mul", [from, nameOf("up")])]), nameOf("down")]);
  const size = emit("Abs", [from]);
  const either = emit("Where", [emit("Less", [size, nameOf("normal")]), steps, near]);
  const beyond = emit("GreaterOrEqual", [size, nameOf("largest")]);
  emit("Where", [beyond, emit("Div", [from, nameOf("zero")]), either], to);
  return nodes;
}

const comparisons = new Set(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]);

/** The same model in float32, every value that is float16 in it rounded to one. */
export function emulated(bytes: Uint8Array): Uint8Array {
  const model = decodeModel(bytes, "the model");
  const graph = model.graph!;
  const halves = new Set(
    graph.initializer!.filter(({ dataType }) => dataType === DataType.FLOAT16).map(({ name }) => name!),
  );
  const nodes = (graph.node ?? []).flatMap((node): NodeProto[] => {
    const [output] = node.output as string[];
    if (node.opType === "Cast") {
      const to = node.attribute!.find(({ name }) => name === "to")!;
      if (Number(to.i) === DataType.FLOAT16) {
        halves.add(output!);
        const raw = `${output}/exact`;
        const plain = {
          ...node,
          name: raw,
          output: [raw],
          attribute: [{ name: "to", type: AttributeType.INT, i: DataType.FLOAT }],
        };
        return [plain, ...rounding(raw, output!)];
      }
      return [node];
    }
    if (!node.input!.some((input) => halves.has(input)) || comparisons.has(node.opType!)) return [node];
    halves.add(output!);
    const raw = `${output}/exact`;
    return [{ ...node, name: raw, output: [raw, ...node.output!.slice(1)] }, ...rounding(raw, output!)];
  });
  const constants = Object.entries(numbers).map(([key, value]) => ({
    name: nameOf(key as keyof typeof numbers),
    dataType: DataType.FLOAT,
    dims: [],
    rawData: new Uint8Array(Float32Array.of(value).buffer),
  }));
  return encodeModel({
    ...model,
    graph: { ...graph, node: nodes, initializer: [...graph.initializer!.map(inFloat32), ...constants] },
  });
}

/** An engine with float16 as a GPU has it. */
export async function float16Engine(): Promise<Engine> {
  const { engine } = await openEngine("onnxruntime:cpu", { threads: 1 });
  const { serialize, load } = engine.portable!;
  return {
    name: "emulated:float16",
    float16: true,
    compile: (graph) => (graph.precision ? load(emulated(serialize(graph))) : engine.compile(graph)),
    upload: (tensor) => engine.upload(tensor),
    dispose: () => engine.dispose(),
  };
}
