// Derivatives that compute the way of a loss again: the same numbers, and fewer arrays at once, in the very graph that ONNX Runtime runs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  constant,
  evaluate,
  grad,
  innerLoop,
  input,
  inputName,
  numbersFrom,
  op,
  type Recompute,
  scope,
  topological,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { openDevice } from "@innerloop/runtime/session";
import { decodeModel } from "@innerloop/schemas/onnx";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const [rows, width, layers] = [3, 5, 24];

const random = numbersFrom(7);
const array = (shape: readonly number[]) => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1);
  return { dtype: "float32" as const, shape, data };
};

/** A way of many layers, with what it is read by at both ends and something that goes past all of them. */
function network() {
  const x = input("x", ["n", width]);
  const weights = Array.from({ length: layers }, (_, i) => input(`w${i}`, [width, width]));
  const loss = (given: readonly Value[]): Value => {
    const start = op.Softmax(x, 1);
    const end = given.reduce(
      (value, w, i) => scope(`layer${i}`, () => op.Sin(op.Add(op.MatMul(value, w), op.Mul(0.1, value)))),
      start,
    );
    return op.ReduceMean(op.Mul(end, op.Add(end, start)), { keepdims: false });
  };
  const feeds = Object.fromEntries([
    ["x", array([rows, width])] as const,
    ...weights.map((w) => [inputName(w), array([width, width])] as const),
  ]);
  return { x, weights, loss, feeds };
}

/** What a graph gives on ONNX Runtime, and how many arrays that Sin made are there at once as its nodes follow one another there. */
async function run(
  outputs: Readonly<Record<string, Value>>,
  inputs: readonly Value[],
  feeds: ReturnType<typeof network>["feeds"],
) {
  const device = await openDevice({ provider: "cpu" });
  const saveTo = join(temporaryFolder(), "optimized.onnx");
  const session = await device.open(writeOnnx(outputs, { inputs }), { saveTo });
  const found = await session.run(feeds);
  await session.dispose();
  await device.dispose();
  const nodes = decodeModel(new Uint8Array(readFileSync(saveTo)), saveTo).graph!.node!;
  const last = new Map(nodes.flatMap(({ input: names = [] }, i) => (names ?? []).map((name) => [name, i] as const)));
  const alive = new Set<string>();
  let most = 0;
  nodes.forEach(({ opType, output }, i) => {
    if (opType === "Sin") alive.add(output![0]!);
    most = Math.max(most, alive.size);
    for (const name of alive) if (last.get(name) === i) alive.delete(name);
  });
  return { found, most, count: nodes.filter(({ opType }) => opType === "Sin").length };
}

describe("derivatives that compute the way again", () => {
  it("are the same numbers with fewer arrays at once on ONNX Runtime", async () => {
    const { x, weights, loss, feeds } = network();
    const value = loss(weights);
    const named = (slopes: readonly Value[]) => ({
      loss: value,
      ...Object.fromEntries(slopes.map((slope, i) => [`slope${i}`, slope])),
    });
    const kept = await run(named(grad(value, weights)), [x, ...weights], feeds);
    const again = await run(named(grad(value, weights, { recompute: true })), [x, ...weights], feeds);
    expect(again.found).toEqual(kept.found);
    expect(kept).toMatchObject({ most: layers, count: layers });
    // Once more all but the last stretch and what is kept, and at once little more than 2·√24.
    expect(again.count).toBeGreaterThan(1.5 * layers);
    expect(again.count).toBeLessThanOrEqual(2 * layers);
    expect(again.most).toBeLessThanOrEqual(12);
  });

  it("have the same derivatives", async () => {
    const { x, weights, loss, feeds } = network();
    const second = (recompute: boolean) => {
      const slopes = grad(loss(weights), weights, { recompute });
      const squares = slopes.map((slope) => op.ReduceSum(op.Mul(slope, slope), { keepdims: false }));
      const sum = squares.reduce((a, b) => op.Add(a, b), constant(0));
      return { first: grad(sum, weights, { recompute })[0]!, last: grad(sum, weights, { recompute }).at(-1)! };
    };
    const kept = await run(second(false), [x, ...weights], feeds);
    const again = await run(second(true), [x, ...weights], feeds);
    for (const name of ["first", "last"] as const) {
      const expected = kept.found[name]!.data as Float32Array;
      const largest = Math.max(...expected.map(Math.abs));
      expect(largest).toBeGreaterThan(0);
      (again.found[name]!.data as Float32Array).forEach((number, i) => {
        expect(Math.abs(number - expected[i]!)).toBeLessThan(1e-5 * largest);
      });
    }
  });

  it("stay in the body of a loop", async () => {
    const { x, weights, loss, feeds } = network();
    const adapted = (recompute: boolean) => {
      const parameters = Object.fromEntries(weights.map((w) => [inputName(w), w]));
      const { losses } = innerLoop((given) => loss(weights.map((w) => given[inputName(w)]!)), parameters, {
        steps: input("steps", [], "int64"),
        rates: Object.fromEntries(Object.keys(parameters).map((name) => [name, 0.5])),
        recompute,
      });
      return writeOnnx({ losses }, { inputs: [x, ...weights] });
    };
    const countIn = (bytes: Uint8Array) => {
      const { node = [] } = decodeModel(bytes, "loop").graph!;
      const body = node!.find(({ opType }) => opType === "Loop")!.attribute!.find(({ name }) => name === "body")!.g!;
      return body.node!.filter(({ opType }) => opType === "Sin").length;
    };
    expect(countIn(adapted(false))).toBe(layers);
    expect(countIn(adapted(true))).toBeGreaterThan(1.5 * layers);
    const losses = await Promise.all(
      [false, true].map(async (recompute) => {
        const device = await openDevice({ provider: "cpu" });
        const session = await device.open(adapted(recompute));
        const found = await session.run({ ...feeds, steps: { dtype: "int64", shape: [], data: BigInt64Array.of(4n) } });
        await device.dispose();
        return [...(found.losses!.data as Float32Array)];
      }),
    );
    expect(losses[1]).toEqual(losses[0]);
    expect(losses[0]!.at(-1)).toBeLessThan(losses[0]![0]!);
  });

  it("keep no more than a number of bytes, and compute no more again than that takes", async () => {
    const { x, weights, loss, feeds } = network();
    const value = loss(weights);
    const named = (slopes: readonly Value[]) => Object.fromEntries(slopes.map((slope, i) => [`slope${i}`, slope]));
    /** An array of the way, with eight rows in the place of an open number; a layer's derivative reads two of them. */
    const array = 4 * 8 * width;
    const kept = await run(named(grad(value, weights)), [x, ...weights], feeds);
    const counts: number[] = [];
    for (const arrays of [40, 30, 20, 15]) {
      const again = await run(named(grad(value, weights, { recompute: arrays * array })), [x, ...weights], feeds);
      expect(again.found).toEqual(kept.found);
      expect(again.most).toBeLessThanOrEqual(arrays);
      counts.push(again.count);
    }
    expect(Math.max(...counts)).toBeLessThanOrEqual(2 * layers);
    expect(counts[0]).toBeLessThan(1.5 * layers);
    expect(counts.at(-1)).toBeGreaterThan(counts[0]!);
  });

  it("are the way itself where it may be kept", () => {
    const { weights, loss } = network();
    const value = loss(weights);
    const names = (recompute: boolean | number) =>
      topological(grad(value, weights, { recompute })).map(({ operator }) => operator.name);
    expect(names(2 ** 20)).toEqual(names(false));
    expect(names(2 ** 12)).not.toEqual(names(false));
  });

  it("say how much is kept in any case", () => {
    const { weights, loss } = network();
    const value = loss(weights);
    expect(() => grad(value, weights, { recompute: 1 })).toThrow(/keep about 1 MiB in any case, with 8 of whatever/);
    const nodes = (recompute: Recompute) => topological(grad(value, weights, { recompute })).length;
    expect(nodes({ about: 1 })).toBeGreaterThan(nodes(false));
  });

  it("compute again what is cheap", () => {
    const weights = Array.from({ length: 6 }, (_, i) => input(`w${i}`, [256, 256]));
    const value = op.ReduceSum(
      weights.reduce((before, w) => op.Cos(op.Exp(op.Sin(op.MatMul(before, w)))), input("x", [16, 256])),
      { keepdims: false },
    );
    const counted = (recompute: boolean | number) => {
      const names = topological([value, ...grad(value, weights, { recompute })]).map(({ operator }) => operator.name);
      return ["MatMul", "Exp"].map((name) => names.filter((each) => each === name).length);
    };
    const array = 4 * 16 * 256;
    // A layer's derivatives read what goes into Sin, what comes out of Exp, and what the next product takes.
    const [products, others] = counted(false);
    const [few, more] = counted(array * 12);
    expect(few).toBe(products);
    expect(more).toBeGreaterThan(others!);
    expect(counted(true)[0]).toBeGreaterThan(products!);
  });

  it("are those of the way itself where nothing orders nodes", () => {
    const { weights, loss, feeds } = network();
    const value = loss(weights);
    const [kept, again] = [false, true].map((recompute) => evaluate(grad(value, weights, { recompute }), feeds));
    expect(again).toEqual(kept);
  });
});
