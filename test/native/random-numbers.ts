// Nodes by chance that compute.
import { sizeOf, type Tensor } from "@innerloop/schemas";
import type { AttributeOf } from "./models.ts";
import { broadcast, type Making } from "./random-making.ts";

type Attributes = Readonly<Record<string, AttributeOf>>;

export function unary(making: Making): void {
  const value = making.any();
  if (!value) return;
  const moved = making.one(["Neg", "Abs", "Relu", "Identity"]);
  const smooth = making.one([
    "Tanh",
    "Sigmoid",
    "Erf",
    "Softplus",
    "Elu",
    "LeakyRelu",
    "HardSigmoid",
    "Sin",
    "Selu",
    "HardSwish",
    "Softsign",
  ]);
  if (making.choose(3) === 0) making.add(moved, [value.name], value);
  else if (value.exact && making.choose(4) === 0)
    making.add(making.one(["Floor", "Ceil", "Round", "Sign"]), [value.name], value);
  else if (making.choose(4) === 0) {
    const positive = making.add("Abs", [value.name], value);
    const more = making.add(
      "Add",
      [positive.name, making.fixed({ dtype: "float32", shape: [], data: Float32Array.of(0.5) })],
      {
        ...{ ...value, exact: false },
      },
    );
    making.add(making.one(["Sqrt", "Log", "Reciprocal"]), [more.name], more);
  } else making.add(smooth, [value.name], { ...value, exact: false });
}

export function binary(making: Making): void {
  const pair = making.pair();
  if (!pair) return;
  const [a, b] = making.choose(2) === 0 ? pair : [pair[1], pair[0]];
  const shape = broadcast(a.shape, b.shape)!;
  const operator = making.one(["Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean", "PRelu"]);
  if (operator === "PRelu" && shape.join() !== a.shape.join()) return;
  const chosen = operator === "Max" || operator === "Min";
  making.add(operator, [a.name, b.name], { shape, dtype: "float32", exact: chosen && a.exact && b.exact });
}

export function compared(making: Making): void {
  const pair = making.pair();
  if (!pair?.[0].exact || !pair[1].exact) return;
  const [a, b] = pair;
  const shape = broadcast(a.shape, b.shape)!;
  const operator = making.one(["Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal"]);
  let truth = making.add(operator, [a.name, b.name], { shape, dtype: "bool", exact: true });
  if (making.choose(3) === 0) truth = making.add("Not", [truth.name], truth);
  const other = making.floats(making.beside(shape));
  if (making.choose(3) === 0) {
    making.add("Cast", [truth.name], { shape, dtype: "float32", exact: true }, { to: 1 });
    return;
  }
  const sizes = broadcast(shape, making.sizesOf(other))!;
  making.add("Where", [truth.name, other, a.name], {
    shape: broadcast(sizes, a.shape)!,
    dtype: "float32",
    exact: true,
  });
}

export function clipped(making: Making): void {
  const value = making.any();
  if (!value) return;
  const bound = (number: number) => making.fixed({ dtype: "float32", shape: [], data: Float32Array.of(number) });
  const [least, most] = [making.choose(3) === 0 ? "" : bound(-0.25), making.choose(3) === 0 ? "" : bound(0.5)];
  making.add("Clip", [value.name, least, most], value);
}

export function divided(making: Making): void {
  const value = making.any();
  if (!value) return;
  const half = making.fixed({ dtype: "float32", shape: [], data: Float32Array.of(making.one([0.5, -2, 3])) });
  const operator = making.one(["Div", "Pow"]);
  if (operator === "Div") making.add("Div", [value.name, half], { ...value, exact: false });
  else {
    const by = making.fixed({ dtype: "float32", shape: [], data: Float32Array.of(making.one([2, 3, 1])) });
    const small = making.add("Tanh", [value.name], { ...value, exact: false });
    making.add("Pow", [small.name, by], { ...value, exact: false });
  }
}

/** Whole numbers: counted with, and looked up by. */
export function whole(making: Making): void {
  const shape = making.shape().map((size) => Math.min(size, 5));
  const whole = (least: number, most: number) =>
    making.fixed({
      ...{ dtype: "int64", shape },
      data: BigInt64Array.from({ length: sizeOf(shape) }, () => BigInt(least + making.choose(most - least + 1))),
    });
  const known = making.any(
    ({ dtype, shape: own }) => dtype === "int64" && broadcast(own, shape)?.join() === shape.join(),
  );
  const a = known?.name ?? whole(-9, 9);
  const operator = making.one(["Add", "Sub", "Mul", "Div", "Mod", "Max", "Min"]);
  const divides = operator === "Div" || operator === "Mod";
  const result = making.add(operator, [a, whole(divides ? 1 : -9, 9)], { shape, dtype: "int64", exact: true });
  const held = making.add("Clip", [result.name, making.fixed(whole0(-50)), making.fixed(whole0(50))], result);
  if (making.choose(3) === 0 && shape.length < 4 && shape.length > 0) {
    const depth = making.fixed({ dtype: "int64", shape: [], data: BigInt64Array.of(4n) });
    const values = making.fixed({ dtype: "float32", shape: [2], data: Float32Array.of(-0.5, 1.5) });
    const { axis, told } = making.axis(shape.length + 1);
    making.add(
      "OneHot",
      [held.name, depth, values],
      { shape: shape.toSpliced(axis, 0, 4), dtype: "float32", exact: true },
      { axis: told },
    );
  } else making.add("Cast", [held.name], { shape, dtype: "float32", exact: true }, { to: 1 });
}

export function reduced(making: Making): void {
  const value = making.ranked(0, 9, true);
  if (!value) return;
  const operator = making.one([
    "ReduceSum",
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceL2",
    "ReduceL1",
    "ReduceSumSquare",
    "ReduceLogSumExp",
  ]);
  const rank = value.shape.length;
  const axes = value.shape.flatMap((_, axis) => (making.choose(2) === 0 ? [axis] : []));
  const keepdims = making.choose(2);
  const over = axes.length > 0 ? axes : value.shape.map((_, axis) => axis);
  const shape =
    keepdims === 1
      ? value.shape.map((size, axis) => (over.includes(axis) ? 1 : size))
      : value.shape.filter((_, axis) => !over.includes(axis));
  const told = axes.map((axis) => (making.choose(2) === 0 ? axis : axis - rank));
  const chosen = operator === "ReduceMax" || operator === "ReduceMin";
  const made = { shape, dtype: "float32", exact: chosen && value.exact } as const;
  if (operator === "ReduceSum")
    making.add(operator, [value.name, ...(axes.length > 0 ? [making.wholes(told)] : [])], made, { keepdims });
  else making.add(operator, [value.name], made, axes.length > 0 ? { axes: told, keepdims } : { keepdims });
}

export function softmax(making: Making): void {
  const value = making.ranked(1);
  if (!value) return;
  const { told } = making.axis(value.shape.length);
  making.add(making.one(["Softmax", "LogSoftmax"]), [value.name], { ...value, exact: false }, { axis: told });
}

export function multiplied(making: Making): void {
  const value = making.ranked(1, 4);
  if (!value) return;
  const { shape } = value;
  const terms = shape.at(-1)!;
  // ONNX Runtime leaves what is there where nothing is summed.
  if (shape.includes(0)) return;
  const columns = making.one([1, 2, 3, 5, 16, 33, ...(making.scale > 1 ? [64, 100, 256] : [])]);
  const lead = shape.length > 2 ? making.beside(shape.slice(0, -2)) : making.one([[], [], [2], [1]]);
  // ONNX Runtime 1.30 joins a transpose and a product with a vector to something else.
  const alone =
    value.exact && making.nodes.every(([operator, , [name]]) => name !== value.name || operator !== "Transpose");
  const right = alone && making.choose(6) === 0 ? [terms] : [...lead, terms, columns];
  const other = making.any(
    (each) => each.dtype === "float32" && each.shape.length === right.length && each.shape.join() === right.join(),
  );
  const name = other && making.choose(2) === 0 ? other.name : making.floats(right);
  const rows = shape.length > 1 ? [shape.at(-2)!] : [];
  const over = right.length > 1 ? broadcast(shape.slice(0, -2), lead)! : shape.slice(0, -2);
  const out = [...over, ...rows, ...(right.length > 1 ? [columns] : [])];
  if (sizeOf(out) > 6000 * making.scale) return;
  making.add("MatMul", [value.name, name], { shape: out, dtype: "float32", exact: false });
}

export function gemm(making: Making): void {
  const value = making.ranked(2, 2);
  if (!value) return;
  const [transA, transB] = [making.choose(2), making.choose(2)];
  const [m, k] = transA ? [value.shape[1]!, value.shape[0]!] : (value.shape as [number, number]);
  if (k === 0) return;
  const n = making.one([1, 2, 3, 16, ...(making.scale > 1 ? [64, 100, 256] : [])]);
  const added = making.one([undefined, [n], [1, n], [m, 1], [m, n], [], [1]]);
  const inputs = [value.name, making.floats(transB ? [n, k] : [k, n]), ...(added ? [making.floats(added)] : [])];
  const scales: Attributes =
    making.choose(2) === 0 ? {} : { alpha: { float: 0.5 }, beta: { float: making.one([0, 2]) } };
  making.add("Gemm", inputs, { shape: [m, n], dtype: "float32", exact: false }, { transA, transB, ...scales });
}

export function normed(making: Making): void {
  const value = making.ranked(1, 4, true);
  if (!value) return;
  const { shape } = value;
  if (making.choose(2) === 0 && shape.length >= 2) {
    const given = [0, 1, 2].map(() => making.floats([shape[1]!]));
    const positive = making.fixed({
      dtype: "float32",
      shape: [shape[1]!],
      data: new Float32Array(shape[1]!).fill(0.7),
    });
    making.add("BatchNormalization", [value.name, ...given, positive], { ...value, exact: false });
    return;
  }
  const { axis, told } = making.axis(shape.length);
  const row = shape.slice(axis);
  const inputs = [value.name, making.floats(row), ...(making.choose(2) === 0 ? [making.floats(row)] : [])];
  making.add("LayerNormalization", inputs, { ...value, exact: false }, { axis: told, epsilon: { float: 0.1 } });
}

export function counted(making: Making): void {
  const value = making.any(
    ({ dtype, shape, exact }) => dtype === "float32" && exact && shape.length > 0 && !shape.includes(0),
  );
  if (!value) return;
  const { axis, told } = making.axis(value.shape.length);
  const keepdims = making.choose(2);
  const shape = keepdims === 1 ? value.shape.with(axis, 1) : value.shape.toSpliced(axis, 1);
  const at = making.add(
    making.one(["ArgMax", "ArgMin"]),
    [value.name],
    { shape, dtype: "int64", exact: true },
    { axis: told, keepdims },
  );
  making.add("Cast", [at.name], { shape, dtype: "float32", exact: true }, { to: 1 });
}

export function summedUp(making: Making): void {
  const value = making.ranked(1, 4, true);
  if (!value) return;
  const { told } = making.axis(value.shape.length);
  const axis = making.fixed({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(told)) });
  making.add(
    "CumSum",
    [value.name, axis],
    { ...value, exact: false },
    { exclusive: making.choose(2), reverse: making.choose(2) },
  );
}

const whole0 = (given: number): Tensor => ({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(given)) });
