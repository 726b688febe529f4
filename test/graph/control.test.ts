// Loops and choices: derivatives against central differences, batching against each task alone, and what a file says of them.
import {
  constant,
  evaluate,
  grad,
  input,
  op,
  readOnnx,
  type ShapedNumbers,
  type Value,
  vmap,
  writeOnnx,
} from "@innerloop/graph";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";
import { differences, distance, numbers, randomNumbers } from "./numbers.ts";

const total = (values: readonly Value[]): Value =>
  values.map((y) => op.ReduceSum(op.Mul(y, op.Sin(y)), { keepdims: false })).reduce((a, b) => op.Add(a, b));

const scalar = (number: number): Value => constant(number, [], "int64");

/** Loops as functions of a state `[2, 2]` and of weights `[2, 2]`. */
const loops: Record<string, (h: Value, w: Value) => readonly Value[]> = {
  "as long as a condition holds": (h, w) => {
    const { carried, collected } = op.While([h], ([s], turn) => {
      const next = op.Add(op.Tanh(op.MatMul(s!, w)), s!);
      return { going: op.Less(turn, 2), carried: [next], collected: [op.Mul(next, next)] };
    });
    return [...carried, op.ReduceSum(collected[0]!, { axes: [0], keepdims: false })];
  },
  "a condition on what it carries": (h, w) => {
    const { carried } = op.While([h], ([s]) => {
      const next = op.Add(s!, op.Sigmoid(op.MatMul(s!, w)));
      return { going: op.Less(op.ReduceSum(next, { keepdims: false }), 5), carried: [next], collected: [] };
    });
    return carried;
  },
  "a number of turns": (h, w) => {
    const turn = ([s]: readonly Value[], i: Value, going: Value) => {
      const next = op.Sin(op.Mul(op.Mul(s!, w), op.Add(op.Cast(i, "float64"), 1)));
      return { going, carried: [op.Add(next, s!)], collected: [] };
    };
    return op.While([h], turn, { count: scalar(3) }).carried;
  },
  "no turn": (h, w) =>
    op.While([h], ([s], _, going) => ({ going, carried: [op.Mul(s!, w)], collected: [] }), { count: scalar(0) })
      .carried,
  "a choice and a loop inside": (h, w) =>
    op.While(
      [h],
      ([s], _, going) => {
        const [next] = op.If(
          op.Greater(op.ReduceSum(s!, { keepdims: false }), 0),
          () => [op.Sin(op.Mul(s!, w))],
          () =>
            op.Scan([s!], [op.Unsqueeze(w, [0])], ([u], [v]) => ({ carried: [op.Add(op.Cos(u!), v!)], collected: [] }))
              .carried,
        );
        return { going, carried: [op.Add(next!, s!)], collected: [] };
      },
      { count: scalar(3) },
    ).carried,
  "over what is read more than once in a turn, of what is the same in each": (h, w) =>
    op.Scan([h], [op.Unsqueeze(w, [0])], ([s], [e]) => {
      const both = op.Add(s!, w);
      return { carried: [op.Add(op.Mul(op.Tanh(both), both), op.MatMul(op.Sin(both), e!))], collected: [] };
    }).carried,
};

describe("loops", () => {
  for (const [name, build] of Object.entries(loops)) {
    const inputs = [input("x0", [2, 2], "float64"), input("x1", [2, 2], "float64")] as const;
    const feeds = { x0: numbers([2, 2], randomNumbers(3)), x1: numbers([2, 2], randomNumbers(4)) };

    test(`${name}: derivatives of first and second order`, () => {
      let scalarValue = total(build(...inputs));
      for (const order of [1, 2]) {
        const slopes = grad(scalarValue, inputs);
        evaluate(slopes, feeds).forEach(({ data }, i) => {
          const expected = differences(scalarValue, feeds, `x${i}`);
          const size = 1 + Math.max(...expected.map(Math.abs));
          expect(distance(data, expected) / size, `order ${order}, input ${i}`).toBeLessThan(1e-5);
        });
        scalarValue = total(slopes);
      }
    });

    test(`${name}: written and read`, () => {
      const y = total(build(...inputs));
      const again = readOnnx(writeOnnx({ y, slope: grad(y, [inputs[0]])[0]! }), name);
      const [a, b] = [evaluate([y], feeds)[0]!, evaluate([again.outputs.y!], feeds)[0]!];
      expect(distance(b.data, a.data)).toBeLessThan(1e-12);
    });
  }

  test("tasks of their own states, and with weights of their own", () => {
    const build = loops["a number of turns"]!;
    const many: Record<string, ShapedNumbers> = {
      h: numbers([3, 2, 2], randomNumbers(5)),
      w: numbers([3, 2, 2], randomNumbers(6)),
    };
    const [h, w] = [input("h", [3, 2, 2], "float64"), input("w", [3, 2, 2], "float64")];
    const [all] = vmap((a, b) => build(a, b), [h, w]);
    const each = [0, 1, 2].map((i) => build(op.Gather(h, scalar(i), 0), op.Gather(w, scalar(i), 0))[0]!);
    const expected = evaluate(each, many).flatMap(({ data }) => [...data]);
    expect(distance(evaluate([all!], many)[0]!.data, expected)).toBeLessThan(1e-12);
  });

  test("tasks that go on for longer than others are refused", () => {
    const build = loops["a condition on what it carries"]!;
    expect(() => vmap((h) => build(h, input("w", [2, 2], "float64")), [input("h", [3, 2, 2], "float64")])).toThrow(
      /turns/,
    );
  });
});

describe("in a file", () => {
  const [x, h, w] = [input("x", ["steps", 2]), input("h", [2]), input("w", [2])];
  const { carried } = op.Scan([h], [x], ([s], [e]) => ({
    carried: [op.Tanh(op.Add(op.Mul(s!, w), e!))],
    collected: [],
  }));
  const loss = total(carried);

  test("a loop and its derivative are two, over an open number of turns, and no turn is gone through twice", () => {
    const nodes = decodeModel(writeOnnx({ loss, slope: grad(loss, [h])[0]! }), "file").graph?.node ?? [];
    expect(nodes.filter(({ opType }) => opType === "Scan").length).toBe(2);
  });

  test("a value, squeezed where its size is 1, is squeezed", () => {
    const { AttributeType } = onnx.AttributeProto;
    const array = (name: string, shape: (number | string)[], elemType = 1) => ({
      name,
      type: {
        tensorType: {
          elemType,
          shape: { dim: shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size })) },
        },
      },
    });
    const branch = (name: string, node: onnx.NodeProto.$Properties) => ({
      name,
      type: AttributeType.GRAPH,
      g: { name, node: [node], output: [array("b", [3])] },
    });
    const list = (name: string, ...int64Data: number[]) => ({ name, dataType: 7, dims: [int64Data.length], int64Data });
    const file = encodeModel({
      irVersion: 8,
      opsetImport: [{ domain: "", version: 17 }],
      graph: {
        name: "g",
        input: [array("all", [4, 3]), array("k", [1], 7)],
        output: [array("y", [3])],
        initializer: [list("zero", 0), list("one", 1)],
        node: [
          { opType: "Slice", input: ["all", "zero", "k", "zero"], output: ["x"] },
          { opType: "Shape", input: ["x"], output: ["s"] },
          { opType: "Gather", input: ["s", "zero"], output: ["size"] },
          { opType: "Equal", input: ["size", "one"], output: ["c"] },
          {
            opType: "If",
            input: ["c"],
            output: ["y"],
            attribute: [
              branch("then_branch", { opType: "Squeeze", input: ["x", "zero"], output: ["b"] }),
              branch("else_branch", { opType: "Identity", input: ["x"], output: ["b"] }),
            ],
          },
        ],
      },
    });
    const { y } = readOnnx(file, "squeezes.onnx").outputs;
    expect(y!.shape).toEqual([3]);
    const feeds = { all: numbers([4, 3], randomNumbers(1)), k: { shape: [1], data: [1] } };
    expect([...evaluate([y!], feeds)[0]!.data]).toEqual(Array.from(feeds.all.data).slice(0, 3));
  });

  test("what is nested beyond any use is refused", () => {
    const { code } = refusalOf(() => readOnnx(nested(10_000), "deep.onnx"));
    expect(code).toBe("onnx-unreadable");
  });
});

/** A model of so many choices, each in a branch of the one before. */
function nested(depth: number): Uint8Array {
  const header = (field: number, size: number): Buffer =>
    Buffer.concat([Buffer.from([(field << 3) | 2]), varint(size)]);
  const message = (field: number, body: Uint8Array): Buffer => Buffer.concat([header(field, body.length), body]);
  const text = (field: number, words: string): Buffer => message(field, Buffer.from(words));
  const number = (field: number, value: number): Buffer => Buffer.concat([Buffer.from([field << 3]), varint(value)]);
  const output = message(12, text(1, "y"));
  const kind = number(20, 5);
  const other = message(5, Buffer.concat([text(1, "else_branch"), message(6, output), kind]));
  const [start, name] = [Buffer.concat([text(1, "c"), text(2, "y"), text(4, "If")]), text(1, "then_branch")];
  const [before, after]: [Buffer[], Buffer[]] = [[], []];
  let size = output.length;
  for (let i = 0; i < depth; i++) {
    const graph = header(6, size);
    const branch = name.length + graph.length + size + kind.length;
    const attribute = header(5, branch);
    const node = header(1, start.length + attribute.length + branch + other.length);
    before.push(Buffer.concat([node, start, attribute, name, graph]));
    after.push(Buffer.concat([kind, other, output]));
    size += before.at(-1)!.length + after.at(-1)!.length;
  }
  const graph = [...before.reverse(), output, ...after];
  return Buffer.concat([number(1, 8), message(8, number(2, 17)), header(7, size), ...graph]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
