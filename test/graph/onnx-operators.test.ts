// What ONNX operators are as ONNX: those that only take values are read as they are called, whatever opset brought them, and a
// node of an older opset is the node of the newest that ONNX's own converter makes of it.
import {
  evaluate,
  input,
  op,
  operators,
  print,
  readableOperators,
  readableOpsets,
  readOnnx,
  type ShapedNumbers,
  type Value,
} from "@innerloop/graph";
import { type DType, ELEMENT_TYPES } from "@innerloop/schemas";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { distance } from "./numbers.ts";

type NodeProto = onnx.NodeProto.$Properties;
const { AttributeType } = onnx.AttributeProto;

/** A model of inputs of one type, and what it stores, whose output is `y`. */
function modelOf(
  node: readonly NodeProto[],
  inputs: Readonly<Record<string, readonly (number | string)[]>>,
  { opset = 21, dtype = "float32" as DType, initializer = [] as onnx.TensorProto.$Properties[] } = {},
): Uint8Array {
  const elemType = ELEMENT_TYPES[dtype].onnx;
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "g",
      node: [...node],
      initializer,
      input: Object.entries(inputs).map(([name, shape]) => ({
        name,
        type: {
          tensorType: {
            elemType,
            shape: { dim: shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size })) },
          },
        },
      })),
      output: [{ name: "y" }],
    },
  });
}

/** What a value is computed by that was kept as it was authored. */
function takenApart(y: Value): Value {
  const { operator, inputs, attributes } = y.node;
  return operator.writtenAs === undefined ? y : operator.decompose!(inputs, attributes)[y.index]!;
}

describe("an operator of values alone is read as it is called", () => {
  const functions = op as unknown as Record<string, (...x: Value[]) => Value>;
  /** What takes attributes, or a shape, and so has a case in what is recorded of the reference implementation. */
  const others = new Set(["BitCast", "BitShift", "Cast", "Clip"]);
  const elementwise = operators().filter(
    ({ name, family, since = 99 }) =>
      ["elementwise", "comparison", "activation"].includes(family) &&
      since <= readableOpsets.newest &&
      !others.has(name),
  );

  test.each([...elementwise.map(({ name }) => name), "MatMul", "GlobalAveragePool", "GlobalMaxPool", "CastLike"])(
    "%s",
    (name) => {
      const apply = functions[name]!;
      const names = ["a", "b", "c"].slice(0, apply.length);
      const dtype = ["And", "Or", "Xor", "Not", "Where"].includes(name) ? "bool" : "float32";
      const shape = ["n", 4, 4];
      const bytes = modelOf(
        [{ opType: name, input: names, output: ["y"] }],
        Object.fromEntries(names.map((n) => [n, shape])),
        {
          dtype,
        },
      );
      const values = names.map((n) => input(n, shape, dtype));
      const { y } = readOnnx(bytes, name).apply(Object.fromEntries(values.map((value, i) => [names[i]!, value])));
      expect(takenApart(y!)).toBe(apply(...values));
    },
  );

  test("and those are some forty of all that are read", () => {
    expect(elementwise.length).toBeGreaterThan(40);
    expect(readableOperators.length).toBeGreaterThan(elementwise.length);
  });
});

interface Older {
  readonly operator: string;
  readonly opset: number;
  readonly note: string;
  readonly model: string;
}
const recorded = <T extends Older>(name: string): (readonly [string, T])[] =>
  readRecorded<readonly T[]>(`graph/recorded/${name}.json`).map((r) => [`${r.operator} ${r.opset} ${r.note}`, r]);

describe("a node of an older opset", () => {
  test.each(recorded<Older & Record<"inputs" | "outputs", Record<string, ShapedNumbers>>>("older"))(
    "%s has the numbers of ONNX Runtime",
    (_, { model, inputs, outputs }) => {
      const { outputs: values, initializers } = readOnnx(Buffer.from(model, "base64"), "m");
      const stored = Object.fromEntries(
        Object.entries(initializers).map(([name, { shape, data }]) => [
          name,
          { shape, data: Array.from(data, Number) },
        ]),
      );
      for (const [name, { shape, data }] of Object.entries(outputs)) {
        const [got] = evaluate([values[name]!], { ...inputs, ...stored });
        expect(got!.shape).toEqual(shape);
        expect(distance(got!.data, data)).toBeLessThan(1e-5);
      }
    },
  );

  test.each(recorded<Older & { readonly converted: string }>("upgrades"))(
    "%s is what ONNX's converter makes of it",
    (_, { model, converted }) => {
      const graphs = [model, converted].map((bytes) => {
        const { outputs, initializers } = readOnnx(Buffer.from(bytes, "base64"), "m");
        return { text: print(Object.values(outputs)), initializers };
      });
      expect(graphs[0]).toEqual(graphs[1]);
    },
  );

  test("is named as in the file where it is wrong", () => {
    const axes = { name: "axes", i: 1, type: AttributeType.INT };
    const node: NodeProto = { opType: "ReduceMax", name: "most", input: ["x"], output: ["y"], attribute: [axes] };
    expect(() => readOnnx(modelOf([node], { x: [2, 3] }, { opset: 17 }), "model.onnx")).toThrow(
      'model.onnx: ReduceMax (node "most"): has the attribute axes of another type than INTS.',
    );
  });

  test("reads sizes that are open", () => {
    const nodes: NodeProto[] = [
      { opType: "Shape", input: ["x"], output: ["s"] },
      {
        opType: "ReduceProd",
        input: ["s"],
        output: ["all"],
        attribute: [{ name: "axes", ints: [0], type: AttributeType.INTS }],
      },
      { opType: "Reshape", input: ["x", "all"], output: ["y"] },
    ];
    const { outputs } = readOnnx(modelOf(nodes, { x: ["n", 3] }, { opset: 13 }), "m");
    expect(outputs.y!.shape).toEqual(["3*n"]);
  });
});
