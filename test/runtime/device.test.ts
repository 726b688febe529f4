// Tensors that stay where they were computed, on every provider that works here, and what a lack of memory or a lost device
// is called. WebGPU in software counts: VK_ICD_FILENAMES may name a Vulkan driver such as SwiftShader's.
import { InnerloopError, Learner } from "@innerloop/runtime";
import { type Device, openDevice, openSession, type ProviderName } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { floats, model, node, value, writeBundle } from "./fixture.ts";

const INT64 = 7;

function tensor(...data: number[]): Tensor {
  return { dtype: "float32", shape: [data.length], data: Float32Array.from(data) };
}

/** next = 2·x + g, and what it was made of: its sum, its number of entries and whether each is above 3. */
const step = model({
  inputs: [value("x", ["n"]), value("g", ["n"])],
  outputs: [value("next", ["n"]), value("total", []), value("count", [1], INT64), value("above", ["n"], 9)],
  initializers: [floats("three", [], [3])],
  nodes: [
    node("Add", ["x", "x"], ["twice"]),
    node("Add", ["twice", "g"], ["next"]),
    node("ReduceSum", ["next"], ["total"], { keepdims: 0 }),
    node("Shape", ["next"], ["count"]),
    node("Greater", ["next", "three"], ["above"]),
  ],
});

const PROVIDERS: readonly ProviderName[] = ["cpu", "webgpu", "cuda"];
const opened = new Map<ProviderName, Device | string>();
for (const provider of PROVIDERS) {
  opened.set(provider, await openDevice({ provider }).catch((cause: unknown) => (cause as Error).message));
}

for (const provider of PROVIDERS) {
  const device = opened.get(provider)!;
  if (typeof device === "string") describeUnless(device, `tensors on ${provider}`, () => undefined);
  else describe(`tensors on ${provider}`, () => tensorsStay(provider, device));
}

function tensorsStay(provider: ProviderName, device: Device): void {
  afterAll(() => device.dispose());

  it("are fed again without a way through the host where the provider keeps them", async () => {
    const session = await device.open(step);
    let x = device.upload(tensor(1, 2));
    for (let i = 0; i < 3; i++) {
      const results = await session.runOnDevice({ x, g: tensor(i, 0) }, ["next"]);
      expect(Object.keys(results)).toEqual(["next"]);
      x.dispose();
      x = results.next!;
      expect(x).toMatchObject({ dtype: "float32", shape: [2], location: provider === "webgpu" ? "device" : "host" });
    }
    expect(await x.read()).toEqual(tensor(12, 16));
    expect(await session.run({ x, g: x })).toEqual({
      next: tensor(36, 48),
      total: { dtype: "float32", shape: [], data: Float32Array.of(84) },
      count: { dtype: "int64", shape: [1], data: BigInt64Array.of(2n) },
      above: { dtype: "bool", shape: [2], data: Uint8Array.of(1, 1) },
    });
    x.dispose();
    await session.dispose();
  });

  it("have memory of their own, and none after they were disposed of", async () => {
    const data = Float32Array.of(1, 2);
    const x = device.upload({ dtype: "float32", shape: [2], data });
    data[0] = 9;
    const read = await x.read();
    (read.data as Float32Array)[1] = 9;
    expect(await x.read()).toEqual(tensor(1, 2));

    const session = await device.open(step);
    const { next } = await session.runOnDevice({ x, g: x }, ["next"]);
    for (const it of [x, next!]) {
      it.dispose();
      it.dispose();
      await expect(it.read()).rejects.toMatchObject({ code: "disposed" });
      await expect(session.run({ x: it, g: it })).rejects.toMatchObject({ code: "disposed" });
    }
    await session.dispose();
    await expect(session.run({ x: tensor(1), g: tensor(1) })).rejects.toMatchObject({ code: "disposed" });
  });

  it("do not pile up", async () => {
    const size = 1 << 20;
    const session = await device.open(step);
    let x = device.upload({ dtype: "float32", shape: [size], data: new Float32Array(size) });
    const g: Tensor = { dtype: "float32", shape: [size], data: new Float32Array(size) };
    const once = async () => {
      const { next } = await session.runOnDevice({ x, g }, ["next"]);
      x.dispose();
      x = next!;
    };
    for (let i = 0; i < 10; i++) await once();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 60; i++) await once();
    // Without freeing, 60 tensors of 4 MiB would lie about.
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 2 ** 20);
    x.dispose();
    await session.dispose();
  });
}

describe("what fails while a model runs", () => {
  it("is out-of-memory where memory ran out", async () => {
    const greedy = model({
      inputs: [value("shape", [1], INT64)],
      outputs: [value("y", ["n"])],
      nodes: [node("ConstantOfShape", ["shape"], ["y"])],
    });
    const session = await openSession(greedy, { provider: "cpu" });
    const shape = (count: bigint): Tensor => ({ dtype: "int64", shape: [1], data: BigInt64Array.of(count) });
    await expect(session.run({ shape: shape(1n << 44n) })).rejects.toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(/could not run the model: .+; memory ran out: give it fewer examples at once/s),
    });
    expect((await session.run({ shape: shape(2n) })).y).toEqual(tensor(0, 0));
    await session.dispose();
  });

  const words: [string, string][] = [
    ["CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size)", "out-of-memory"],
    ["BFCArena::AllocateRawInternal Available memory of 1024 is smaller than requested bytes of 4096", "out-of-memory"],
    ["std::bad_alloc", "out-of-memory"],
    ["Buffer size (3185049600) exceeds the max buffer size limit (1073741824)", "out-of-memory"],
    ["WebGPU device lost (1): Device was destroyed.", "device-lost"],
    ["CUDA failure 700: an illegal memory access was encountered", "device-lost"],
    ["887A0005 The GPU device instance has been suspended. DXGI_ERROR_DEVICE_REMOVED", "device-lost"],
    ["Non-zero status code returned while running MatMul node", "run-failed"],
    ["the device id 7 is out of range", "run-failed"],
  ];
  let spy: ReturnType<typeof vi.spyOn>;
  beforeAll(async () => {
    const { InferenceSession } = (await import("onnxruntime-node")).default;
    spy = vi.spyOn((InferenceSession as unknown as { prototype: { run(): Promise<never> } }).prototype, "run");
  });
  afterAll(() => spy.mockRestore());

  it.each(words)("%s: is %s", async (said, code) => {
    const session = await openSession(step, { provider: "cpu" });
    const cause = new Error(said);
    spy.mockRejectedValueOnce(cause);
    const error: unknown = await session.run({ x: tensor(1), g: tensor(1) }).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(InnerloopError);
    expect(error).toMatchObject({ code, cause, message: expect.stringContaining(said) });
    await session.dispose();
  });
});

describe("a learner whose device is lost", () => {
  it.each(["auto", "cpu"] as const)("says so once, and goes on with the next call (provider %s)", async (provider) => {
    const { InferenceSession } = (await import("onnxruntime-node")).default;
    const spy = vi.spyOn((InferenceSession as unknown as { prototype: { run(): Promise<never> } }).prototype, "run");
    const learner = await Learner.load(writeBundle("linear"), { provider });
    const before = learner.provider;
    const example = (value: number) => Float32Array.of(value, 1, -value, 0.5);
    const mine = await learner.adapt([
      { label: "a", data: example(1) },
      { label: "b", data: example(-1) },
    ]);
    const answer = await mine.predict(example(0.5));

    spy.mockRejectedValueOnce(new Error("WebGPU device lost (2): A device was removed."));
    const calls = [mine.predict(example(0.5)), mine.predict(example(0.5))];
    const [lost, other] = await Promise.allSettled(calls);
    expect(lost).toMatchObject({ status: "rejected", reason: { code: "device-lost" } });
    expect(other).toMatchObject({ status: "fulfilled", value: answer });
    expect(await mine.predict(example(0.5))).toEqual(answer);
    if (provider === "auto") {
      expect(learner.provider).toMatchObject({ name: "cpu", reason: `${before.name} was lost` });
      expect(learner.provider.rejected.at(-1)).toMatchObject({
        name: before.name,
        reason: expect.stringContaining("lost while it ran"),
      });
    } else {
      expect(learner.provider).toEqual(before);
    }
    await learner.dispose();
    spy.mockRestore();
  });
});
