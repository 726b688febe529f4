// Nodes by chance as networks have them together: recurrent ones, attention, products between orders of axes, arrays of other sizes.
import { sizeOf } from "@innerloop/schemas";
import type { Making, Value } from "./random-making.ts";

const kinds = { LSTM: 4, GRU: 3, RNN: 1 } as const;

export function recurrent(making: Making): void {
  const value = making.ranked(3, 3, true);
  if (!value || sizeOf(value.shape) > 600 * making.scale || value.shape[0]! > 9) return;
  const [steps = 0, batch = 0, inputs = 0] = value.shape;
  const kind = making.one(["LSTM", "GRU", "RNN"] as const);
  const direction = making.one(["forward", "reverse", "bidirectional"]);
  const [both, size] = [direction === "bidirectional" ? 2 : 1, making.one([1, 3, 5, 16, 17])];
  const gates = kinds[kind] * size;
  const small = (shape: readonly number[]) => {
    const half = making.fixed({ dtype: "float32", shape: [], data: Float32Array.of(0.5) });
    return making.add("Mul", [making.floats(shape), half], { shape, dtype: "float32", exact: false }).name;
  };
  const has = (name: string) => (making.choose(2) === 0 ? name : "");
  const lengths = Int32Array.from({ length: batch }, () => 1 + making.choose(steps));
  const slots = [
    making.choose(2) === 0 ? small([both, gates, inputs]) : making.floats([both, gates, inputs]),
    making.choose(2) === 0 ? small([both, gates, size]) : making.floats([both, gates, size]),
    has("B") && making.floats([both, 2 * gates]),
    has("lengths") && making.fixed({ dtype: "int32", shape: [batch], data: lengths }),
    has("h") && making.floats([both, batch, size]),
    kind === "LSTM" ? has("c") && making.floats([both, batch, size]) : "",
  ];
  while (slots.at(-1) === "") slots.pop();
  const outputs = [making.name(), making.name(), ...(kind === "LSTM" ? [making.name()] : [])];
  const reset = kind === "GRU" ? { linear_before_reset: making.choose(2) } : {};
  making.nodes.push([kind, [value.name, ...slots], outputs, { hidden_size: size, direction, ...reset }]);
  for (const [i, name] of outputs.entries()) {
    const shape = i === 0 ? [steps, both, batch, size] : [both, batch, size];
    making.values.push({ name, shape, dtype: "float32", exact: false });
  }
}

/** Attention of a few queries, or many, to as many keys; some of them masked. */
export function attended(making: Making): void {
  const value = making.ranked(2, 4, true);
  if (!value || sizeOf(value.shape) > 1000 * making.scale) return;
  const [batch, rows, size] = [value.shape.slice(0, -2), value.shape.at(-2)!, value.shape.at(-1)!];
  const keys = making.one([1, 2, 5, 17, rows]);
  const made = (shape: readonly number[]) => ({ shape, dtype: "float32", exact: false }) as const;
  const lead = batch.map((each) => (making.choose(4) === 0 ? 1 : each));
  const of = (last: number): Value => {
    const shape = [...lead, keys, last];
    const like = making.any((each) => each.dtype === "float32" && each.shape.join() === shape.join());
    return like && making.choose(2) === 0 ? like : { ...made(shape), name: making.floats(shape) };
  };
  const perm = [...lead.map((_, axis) => axis), lead.length + 1, lead.length];
  const key = of(size);
  const turned = making.add("Transpose", [key.name], made([...lead, size, keys]), { perm });
  let scores = making.add("MatMul", [value.name, turned.name], made([...batch, rows, keys]));
  if (making.choose(2) === 0) scores = making.add("Div", [scores.name, making.number(Math.sqrt(size))], scores);
  if (making.choose(2) === 0) {
    const mask = { dtype: "bool", shape: [rows, keys] } as const;
    const data = Uint8Array.from({ length: rows * keys }, () => making.choose(3));
    const name = making.fixed({ ...mask, data: data.map((x) => (x > 0 ? 1 : 0)) });
    scores = making.add("Where", [name, scores.name, making.number(-1e9)], scores);
  }
  const shares = making.add("Softmax", [scores.name], scores, { axis: -1 });
  const last = making.one([1, 3, 16, size]);
  making.add("MatMul", [shares.name, of(last).name], made([...batch, rows, last]));
}

/** Heads: an axis taken apart, moved, gone over by a product, moved back, and joined again. */
export function byHeads(making: Making): void {
  const value = making.ranked(3, 3, true);
  const [batch = 0, rows = 0, size = 0] = value?.shape ?? [];
  if (!value || (size % 2 !== 0 && size % 3 !== 0)) return;
  const heads = size % 2 === 0 ? 2 : 3;
  const [each, out] = [size / heads, making.one([1, 4, 16])];
  const made = (shape: readonly number[]) => ({ shape, dtype: "float32", exact: false }) as const;
  const apart = making.add("Reshape", [value.name, making.wholes([0, 0, heads, -1])], made([batch, rows, heads, each]));
  const moved = making.add("Transpose", [apart.name], made([batch, heads, rows, each]), { perm: [0, 2, 1, 3] });
  const weights = making.floats(making.choose(2) === 0 ? [heads, each, out] : [each, out]);
  const product = making.add("MatMul", [moved.name, weights], made([batch, heads, rows, out]));
  const back = making.add("Transpose", [product.name], made([batch, rows, heads, out]), { perm: [0, 2, 1, 3] });
  making.add("Reshape", [back.name, making.wholes([0, 0, -1])], made([batch, rows, heads * out]));
}

/** A product of two arrays along axes by their letters. */
export function byLetters(making: Making): void {
  const value = making.ranked(1, 4, true);
  if (!value) return;
  const [letters, other, out]: string[][] = [[], [], []];
  const shape: number[] = [];
  const size = new Map<string, number>();
  for (const [i, each] of value.shape.entries()) {
    const letter = "abcd"[i]!;
    letters!.push(letter);
    size.set(letter, each);
    const way = making.choose(3);
    if (way > 0) other!.push(letter);
    if (way < 2) out!.push(letter);
  }
  size.set("x", making.one([1, 3, 16]));
  other!.push("x");
  out!.push("x");
  for (const list of [other!, out!])
    for (let i = list.length - 1; i > 0; i--) {
      const at = making.choose(i + 1);
      [list[i], list[at]] = [list[at]!, list[i]!];
    }
  const sizes = (list: readonly string[]) => list.map((letter) => size.get(letter)!);
  shape.push(...sizes(out!));
  if (sizeOf(shape) > 4000 * making.scale || sizeOf(sizes(other!)) > 2000 * making.scale) return;
  const equation = `${letters!.join("")},${other!.join("")}->${out!.join("")}`;
  const made = { shape, dtype: "float32", exact: false } as const;
  making.add("Einsum", [value.name, making.floats(sizes(other!))], made, { equation });
}

/** Rows and columns of another size. */
export function resized(making: Making): void {
  const value = making.ranked(3, 4, true);
  if (!value || sizeOf(value.shape) > 700 * making.scale) return;
  const space = value.shape.slice(2);
  const mode = making.one(space.length === 2 ? ["nearest", "linear", "cubic"] : ["nearest", "linear"]);
  const coordinate_transformation_mode = making.one([
    "half_pixel",
    "asymmetric",
    "align_corners",
    "pytorch_half_pixel",
  ]);
  const nearest_mode = making.one(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]);
  const attributes = { mode, coordinate_transformation_mode, ...(mode === "nearest" ? { nearest_mode } : {}) };
  const made = { dtype: "float32", exact: mode === "nearest" && value.exact } as const;
  if (making.choose(2) === 0) {
    const to = space.map((size) => Math.max(1, size + making.choose(7) - 3));
    const shape = [...value.shape.slice(0, 2), ...to];
    making.add("Resize", [value.name, "", "", making.wholes(shape)], { ...made, shape }, attributes);
    return;
  }
  // Of a size that is no whole number ONNX Runtime takes the whole part for the last corner; the standard does not.
  const whole = coordinate_transformation_mode === "align_corners";
  const factors = [1, 1, ...space.map(() => making.one(whole ? [1, 2, 3] : [0.5, 1, 1.5, 2, 3]))];
  const shape = value.shape.map((size, axis) => Math.floor(size * factors[axis]!));
  if (shape.includes(0)) return;
  const scales = making.fixed({ dtype: "float32", shape: [factors.length], data: Float32Array.from(factors) });
  making.add("Resize", [value.name, "", scales], { ...made, shape }, attributes);
}
