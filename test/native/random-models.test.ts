// Models by chance beside ONNX Runtime: nothing is refused, and all numbers are right, on kernels in C, with threads, and in plain loops; for further numbers too.
import { NativeModel } from "@innerloop/native";
import type { Tensor } from "@innerloop/schemas";
import { expect, it } from "vitest";
import { kernelsInC } from "./kernels.ts";
import { besideFile, modelOf, movedOut, usual } from "./models.ts";
import { type RandomModel, randomModel } from "./random-models.ts";
import { plainKernels } from "./words.ts";

type Tensors = Readonly<Record<string, Tensor>>;

function alike(given: Tensors | undefined, expected: Tensors, which: string): void {
  expect(given, which).toBeDefined();
  for (const [name, { dtype, shape, data }] of Object.entries(expected)) {
    const ours = given![name]!;
    expect({ dtype: ours.dtype, shape: ours.shape }, `${which}, ${name}`).toEqual({ dtype, shape });
    const wanted = Array.from(data as Iterable<number | bigint>, Number);
    const most = wanted.reduce((largest, number) => Math.max(largest, Math.abs(number)), 1);
    wanted.forEach((number, i) => {
      const own = Number(ours.data[i]);
      if (!(own === number || Math.abs(own - number) <= 2e-5 * most))
        expect.fail(`${which}: ${name}[${i}] of [${shape}] is ${own}, not ${number}`);
    });
  }
}

/** Other numbers of the same sizes. */
const others = (feeds: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [
      name,
      tensor.dtype === "float32" ? { ...tensor, data: (tensor.data as Float32Array).map((x) => 0.75 - x) } : tensor,
    ]),
  );

/** What ONNX Runtime gives; nothing where it refuses arrays of nothing, or a Scan of sizes that it cannot tell. */
const expectedOf = (bytes: Uint8Array, feeds: Tensors): Promise<Tensors | undefined> =>
  usual(bytes, feeds).catch(() => undefined);

it.each([0, 1, 2, 3, 4, 5])("models %#", async (part) => {
  let compared = 0;
  for (let seed = 40 * part; seed < 40 * part + 40; seed++) {
    const { graph, feeds } = randomModel(seed, 4 + (seed % 8), seed % 10 === 4 ? 8 : 1);
    const bytes = modelOf(graph);
    const expected = await expectedOf(bytes, feeds);
    if (!expected) continue;
    compared++;
    const model = new NativeModel(bytes, kernelsInC ?? plainKernels, { threads: 1 + (seed % 3) });
    alike(model.run(feeds), expected, `seed ${seed}`);
    const further = seed % 4 === 0 ? await expectedOf(bytes, others(feeds)) : undefined;
    if (further) alike(model.run(others(feeds)), further, `seed ${seed}, other numbers`);
    if (seed % 5 === 0) alike(new NativeModel(bytes, plainKernels).run(feeds), expected, `seed ${seed}, plain`);
  }
  expect(compared).toBeGreaterThan(35);
});

/** The same with all inputs of numbers but the first as weights. */
function withWeights({ graph, feeds }: RandomModel): RandomModel {
  const weights = Object.keys(feeds).filter((name) => name !== "x0" && feeds[name]!.dtype === "float32");
  const without = <Item>(all: Readonly<Record<string, Item>>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !weights.includes(name)));
  const initializers = Object.fromEntries(weights.map((name) => [name, feeds[name]!]));
  return {
    feeds: without(feeds),
    graph: { ...graph, inputs: without(graph.inputs), initializers: { ...graph.initializers, ...initializers } },
  };
}

it.each([0, 1, 2])("models %# whose weights lie in a file beside them, read where they lie", async (part) => {
  let compared = 0;
  for (let seed = 1000 + 40 * part; seed < 1040 + 40 * part; seed++) {
    const { graph, feeds } = withWeights(randomModel(seed, 4 + (seed % 8), seed % 5 === 4 ? 8 : 1));
    const bytes = modelOf(graph);
    const expected = await expectedOf(bytes, feeds);
    if (!expected) continue;
    compared++;
    const { model, beside } = movedOut(bytes, 64);
    // Behind the last of them, too.
    const weights = Buffer.concat([beside, new Uint8Array(64)]);
    const threads = 1 + (seed % 3);
    const ours = new NativeModel(model, kernelsInC ?? plainKernels, { threads, beside: { [besideFile]: weights } });
    const given = ours.run(feeds);
    alike(given, expected, `seed ${seed}`);
    expect(given).toEqual(new NativeModel(bytes, kernelsInC ?? plainKernels, { threads }).run(feeds));
  }
  expect(compared).toBeGreaterThan(35);
});
