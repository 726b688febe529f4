// Models by chance, read and differentiated: value and derivatives are those that float64 gives of the same graph.
import { constant, evaluate, gradients, op, readOnnx, type Value, writeOnnx } from "@innerloop/graph";
import { NativeModel } from "@innerloop/native";
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import { expect, it } from "vitest";
import { kernelsInC } from "./kernels.ts";
import { modelOf, numbers } from "./models.ts";
import { type RandomModel, randomModel } from "./random-models.ts";
import { plainKernels } from "./words.ts";

const shaped = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.entries(tensors).map(([name, { shape, data }]) => [
    name,
    { shape, data: Array.from(data as Iterable<number | bigint>, Number) },
  ]);

/** A number out of a model, and its derivatives; nothing of a model that has none, or that is not read. */
function differentiated({ graph }: RandomModel, seed: number) {
  try {
    const { inputs, outputs, initializers } = readOnnx(modelOf(graph), "model.onnx");
    const terms = Object.values(outputs)
      .filter(({ dtype }) => dtype === "float32")
      .map((y, i): Value => {
        const weights = numbers(y.shape as number[], seed + 17 * i + 1);
        return op.ReduceSum(op.Mul(y, constant(Array.from(weights.data as Float32Array), weights.shape)), {
          keepdims: false,
        });
      });
    if (terms.length === 0) return undefined;
    const value = terms.reduce((a, b) => op.Add(a, b));
    const from = Object.entries(inputs).filter(([, { dtype }]) => dtype === "float32");
    const slopes = gradients(
      value,
      from.map(([, input]) => input),
    );
    const all = Object.fromEntries(
      [["value", value] as const, ...from.map(([name], i) => [`d ${name}`, slopes[i]] as const)].filter(([, y]) => y),
    ) as Record<string, Value>;
    return { all, initializers, bytes: writeOnnx(all, { initializers }) };
  } catch (cause) {
    if (cause instanceof InnerloopError) return undefined;
    throw cause;
  }
}

it.each([0, 1, 2])("derivatives of models %#", (part) => {
  let compared = 0;
  for (let seed = 30 * part; seed < 30 * part + 30; seed++) {
    const model = randomModel(seed + 10 ** 5, 3 + (seed % 7));
    const made = differentiated(model, seed);
    if (!made) continue;
    const { all, initializers, bytes } = made;
    const names = Object.keys(all);
    const feeds = Object.fromEntries([...shaped(model.feeds), ...shaped(initializers as Record<string, Tensor>)]);
    const expected = evaluate(Object.values(all), feeds);
    const native = new NativeModel(bytes, kernelsInC ?? plainKernels, { threads: 1 + (seed % 2) });
    const given = native.run(
      Object.fromEntries(native.inputs.flatMap((name) => (model.feeds[name] ? [[name, model.feeds[name]]] : []))),
    );
    if (!given) continue;
    compared++;
    for (const [k, { data, shape }] of expected.entries()) {
      const own = given[names[k]!]!;
      expect(own.shape, `seed ${seed}, ${names[k]}`).toEqual(shape);
      const most = Array.from(data).reduce((largest, number) => Math.max(largest, Math.abs(number)), 1);
      data.forEach((number, i) => {
        if (!(Math.abs(Number(own.data[i]) - number) <= 1e-4 * most))
          expect.fail(`seed ${seed}: ${names[k]}[${i}] of [${shape}] is ${own.data[i]}, not ${number}`);
      });
    }
  }
  expect(compared).toBeGreaterThan(24);
});
