// The pass `strides`: products over rows that are whole pages long are two products over a part each.
import { grad, input, lower, onnxTarget, op, readOnnx, Sidecar, topological, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { size } from "./numbers.ts";
import { apart, random, sumOf, type Values } from "./passing.ts";

describe("strides", () => {
  const hidden = 2048;
  const shapes = { first: [8, hidden], bias: [hidden], second: [hidden, 6] };
  const weights = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, random(shape)]));
  const x = input("x", [3, 16, 8]);
  const feeds = { x: random([3, 16, 8]) };
  /** What a network with a wide layer gives, and its slopes for the input and some of the weights. */
  const network = (moved: readonly string[] = []): Values => {
    const w = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]));
    const y = op.MatMul(op.Gelu(op.Add(op.MatMul(x, w.first!), w.bias!)), w.second!);
    const to = [x, ...moved.map((name) => w[name]!)];
    return { y, ...Object.fromEntries(grad(sumOf(op.Mul(y, y)), to).map((slope, i) => [`slope${i}`, slope])) };
  };
  const fixed = new Set(Object.keys(shapes));
  const file = (values: Values, without: readonly string[] = []) =>
    writeOnnx(values, { initializers: weights, fixed, passes: { without } });
  const results = async (bytes: Uint8Array) => {
    const session = await openSession(bytes);
    const found = await session.run(feeds);
    await session.dispose();
    return found;
  };
  /** How many numbers the products of a graph sum over. */
  const sums = (values: Values) =>
    topological(lower(Object.values(values), onnxTarget({ fixed })))
      .filter(({ operator: { name } }) => name === "MatMul" || name === "GemmSum")
      .map(({ inputs: [a], attributes: { transA } }) => a!.shape.at(transA === 1 ? 0 : -1));

  test("keeps the numbers, and each weight once", async () => {
    const [whole, parts] = [file(network(), ["strides"]), file(network())];
    expect(apart(await results(whole), await results(parts))).toBeLessThan(3e-6);
    expect(parts.length).toBeLessThan(whole.length + 2000);
    expect(sums(network())).not.toContain(hidden);
  });

  test("leaves what has a gradient for its weights as it is", async () => {
    expect(sums(network(["second"]))).toContain(hidden);
    expect(file(network(["second"]))).toEqual(file(network(["second"]), ["strides"]));
  });

  test("cuts what is computed again, and what is kept for that, as well", () => {
    const names = ["a", "b", "c"].map((name) => [`${name}1`, `${name}2`] as const);
    const pairs = names.map(([down, up]) => [input(down, [8, hidden]), input(up, [hidden, 8])] as const);
    const y = pairs.reduce((before, [down, up]) => op.MatMul(op.Gelu(op.MatMul(before, down)), up), x);
    const every = new Set(names.flat());
    for (const about of [0, 1e6, 1.5e6, 2e6, 2.5e6]) {
      const slopes = grad(sumOf(op.Mul(y, y)), [x], { recompute: { about } });
      const products = topological(lower(slopes, onnxTarget({ fixed: every }))).filter(
        ({ operator: { name }, inputs: [a] }) => ["MatMul", "GemmSum"].includes(name) && a!.shape.at(-1) === hidden,
      );
      expect(products).toHaveLength(0);
    }
  });

  test("goes by what a node of a model that was read is made of", () => {
    const [first, second] = [input("first", shapes.first), input("second", shapes.second)];
    const y = op.MatMul(op.Mul(op.MatMul(x, first), 3), second);
    const { graph, ...rest } = decodeModel(writeOnnx({ y }, { passes: { without: ["products"] } }), "m");
    const node = graph!.node!.map((each) => (each.opType === "Mul" ? { ...each, opType: "Div" } : each));
    const weight = ({ name }: onnx.ValueInfoProto.$Properties) => {
      const numbers = weights[name!];
      return numbers
        ? [
            {
              name: name!,
              dataType: onnx.TensorProto.DataType.FLOAT,
              dims: [...numbers.shape],
              floatData: [...numbers.data].map(Number),
            },
          ]
        : [];
    };
    const read = readOnnx(
      encodeModel({
        ...rest,
        graph: { ...graph, node, initializer: [...graph!.initializer!, ...graph!.input!.flatMap(weight)] },
      }),
      "m",
    );
    expect(read.outputs.y!.node.inputs[0]!.node.operator.writtenAs).toBe("Div");
    expect(sums(read.outputs)).toEqual([8, 8, hidden / 2 + 16, hidden / 2 - 16]);
  });

  test("puts parts into a file that models share once, beside narrow ones", async () => {
    const beside = new Sidecar("weights.bin");
    const written = [{ y: network().y! }, network()].map((values) =>
      writeOnnx(values, {
        ...{ initializers: weights, fixed, external: beside.external },
        elements: { first: "float16" },
      }),
    );
    const numbers = Object.entries(shapes).map(([name, shape]) => size(shape) * (name === "first" ? 2 : 4));
    expect(beside.size).toBeLessThan(numbers.reduce((sum, bytes) => sum + bytes) + 5 * 4096);
    expect(written.map((bytes) => bytes.length < 20_000)).toEqual([true, true]);
  });
});
