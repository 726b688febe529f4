// The order of a file's nodes: ONNX Runtime, by its own profile, runs what leaves fewer bytes alive first; numbers and nodes stay.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { input, op, type Value, writeOnnx } from "@innerloop/graph";
import { decodeModel } from "@innerloop/schemas/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomNumbers } from "./numbers.ts";

const next = randomNumbers(5);
const numbers = (...dims: number[]) =>
  new Tensor(
    "float32",
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => next()),
    dims,
  );

/**
 * A number that takes two arrays of `rows` rows to compute, and an array of 2048 rows that it is added to: computed first, that one
 * waits while the two are there.
 */
function graph(rows: number): Record<string, Value> {
  const [x, a, b] = [input("x", [rows / 4, 512]), input("a", [2048, 8]), input("b", [8, 512])];
  const parts = [op.Exp(x), op.Tanh(x), op.Sigmoid(x), op.Softplus(x)];
  const scale = op.ReduceSum(op.Sin(op.Concat(parts, 0)), { keepdims: false });
  return { y: op.Add(scale, op.Atan(op.MatMul(a, b))) };
}

const file = (rows: number, without: readonly string[] = []) => writeOnnx(graph(rows), { passes: { without } });
const operators = (bytes: Uint8Array) => (decodeModel(bytes, "m").graph?.node ?? []).map(({ opType }) => opType);

/** What ONNX Runtime computes, and its operators in the order in which it ran them. */
async function profiled(bytes: Uint8Array, rows: number) {
  const folder = await mkdtemp(join(tmpdir(), "innerloop-test-"));
  try {
    const prefix = join(folder, "trace");
    const options = { enableProfiling: true, profileFilePrefix: prefix, graphOptimizationLevel: "disabled" } as const;
    const session = await InferenceSession.create(bytes, { ...options, executionProviders: ["cpu"] });
    const { y } = await session.run({ x: feeds(rows), a: numbersOf.a, b: numbersOf.b });
    session.endProfiling();
    const [name = ""] = await readdir(folder);
    const events: { cat: string; name: string; args: { op_name?: string } }[] = JSON.parse(
      await readFile(join(folder, name), "utf8"),
    );
    const ran = events.filter(({ cat, name: event }) => cat === "Node" && event.endsWith("_kernel_time"));
    await session.release();
    return { y: Array.from(y!.data as Float32Array), ran: ran.map(({ args }) => args.op_name) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const numbersOf = { a: numbers(2048, 8), b: numbers(8, 512) };
const known = new Map<number, Tensor>();
function feeds(rows: number): Tensor {
  const x = known.get(rows) ?? numbers(rows / 4, 512);
  known.set(rows, x);
  return x;
}

describe("the order of a file", () => {
  test("lets ONNX Runtime compute first what needs more, and keeps the numbers", async () => {
    const [plain, ordered] = [file(2048, ["order"]), file(2048)];
    expect([...operators(ordered)].sort()).toEqual([...operators(plain)].sort());
    const [before, after] = [await profiled(plain, 2048), await profiled(ordered, 2048)];
    expect(before.ran.indexOf("MatMul")).toBeLessThan(before.ran.indexOf("Concat"));
    expect(after.ran.indexOf("MatMul")).toBeGreaterThan(after.ran.indexOf("Sin"));
    expect(after.y).toEqual(before.y);
  });

  test("has each node after what it needs", () => {
    const made = decodeModel(file(2048), "m").graph!;
    const given = new Set([...made.input!, ...made.initializer!].map(({ name }) => name));
    for (const { input: needs, output } of made.node!) {
      for (const name of needs!) expect(given).toContain(name);
      for (const name of output!) given.add(name);
    }
  });

  test("stays where nothing is gained by another", () => {
    expect(file(64)).toEqual(file(64, ["order"]));
  });
});
