// What ONNX Runtime optimized once is opened again by later engines: with the same numbers, whole or not at all, within bounds.
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { input, op } from "@innerloop/graph";
import { cacheReport, conv4, type Episode, type Graph, MetaTrainer, maml, openEngine } from "@innerloop/train";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

let place: string;
const folder = () => join(place, "sessions");
const files = () => readdirSync(folder()).sort();

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "innerloop-kept-"));
  vi.stubEnv("INNERLOOP_CACHE", place);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true, force: true });
});

/** y = f(x·w), and its size; `by` makes it another graph. */
function graph(by: number): Graph {
  const [x, w] = [input("x", ["n", 3]), input("w", [3, 3])];
  return { outputs: { y: op.Softmax(op.Mul(op.Relu(op.MatMul(x, op.Transpose(w, [1, 0]))), by), 1) } };
}

const feeds = {
  x: { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, -2, 3, 0.5, 0.25, -1) },
  w: { dtype: "float32", shape: [3, 3], data: Float32Array.from({ length: 9 }, (_, i) => Math.sin(i)) },
} as const;

/** Two ways of two pictures, with two more to answer. */
function episode(seed: number): Episode {
  const pictures = (n: number) =>
    ({
      x: {
        dtype: "float32",
        shape: [n, 8, 8, 1],
        data: Float32Array.from({ length: n * 64 }, (_, i) => Math.sin(i * seed)),
      },
      y: { dtype: "int32", shape: [n], data: Int32Array.from({ length: n }, (_, i) => i % 2) },
    }) as const;
  return { support: pictures(4), query: pictures(2) };
}

async function answer(by: number) {
  const { engine } = await openEngine("onnxruntime:cpu", { threads: 1 });
  const prepared = await engine.portable!.prepare(graph(by));
  const program = await engine.portable!.load(prepared);
  const { y } = await program.run(feeds);
  const { inputs } = program;
  await program.dispose();
  await engine.dispose();
  return { y: y!.data, inputs, optimized: prepared.optimized ?? false };
}

describe("a program", () => {
  it("is found again by what it computes, and gives the same bits and takes the same inputs", async () => {
    const first = await answer(2.5);
    const kept = files();
    expect(kept).toHaveLength(1);
    const again = await answer(2.5);
    expect(again.optimized).toBe(true);
    expect(again.y).toEqual(first.y);
    expect(again.inputs).toEqual(first.inputs);
    const other = await answer(3.5);
    expect(other.optimized).toBe(false);
    expect(other.y).not.toEqual(first.y);
    expect(files()).toHaveLength(2);
    const sizes = files().map((name) => readFileSync(join(folder(), name)).length);
    expect(await cacheReport()).toEqual({ folder: folder(), files: 2, bytes: sizes[0]! + sizes[1]! });
  });

  it.each([
    ["cut short", (path: string) => truncateSync(path, 100)],
    [
      "altered",
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
    ["emptied", (path: string) => truncateSync(path, 0)],
  ])("is made anew where its file was %s", async (_, damage) => {
    const first = await answer(4.5);
    damage(join(folder(), files()[0]!));
    expect((await answer(4.5)).optimized).toBe(false);
    const again = await answer(4.5);
    expect(again.optimized).toBe(true);
    expect(again.y).toEqual(first.y);
  });

  it("is found by another process", async () => {
    await answer(4.5);
    const code = `
      const { openEngine } = await import("@innerloop/train");
      const { input, op } = await import("@innerloop/graph");
      const [x, w] = [input("x", ["n", 3]), input("w", [3, 3])];
      const y = op.Softmax(op.Mul(op.Relu(op.MatMul(x, op.Transpose(w, [1, 0]))), 4.5), 1);
      const { engine } = await openEngine("onnxruntime:cpu", { threads: 1 });
      console.log((await engine.portable.prepare({ outputs: { y } })).optimized ?? false);
    `;
    const there = { cwd: import.meta.dirname, env: { ...process.env, INNERLOOP_CACHE: place } };
    expect(execFileSync(process.execPath, ["--input-type=module", "-e", code], there).toString()).toBe("true\n");
  });

  it("is not kept where that is off, or where there is no place", async () => {
    vi.stubEnv("INNERLOOP_CACHE", "off");
    expect((await answer(5.5)).optimized).toBe(false);
    expect(await cacheReport()).toBeUndefined();
    const file = join(place, "file");
    writeFileSync(file, "");
    vi.stubEnv("INNERLOOP_CACHE", file);
    const first = await answer(6.5);
    expect((await answer(6.5)).y).toEqual(first.y);
    expect(await cacheReport()).toMatchObject({ files: 0, bytes: 0 });
    expect(readdirSync(place)).toEqual(["file"]);
  });

  it("is kept once by processes that open it at once", async () => {
    const answers = await Promise.all([answer(7.5), answer(7.5), answer(7.5)]);
    expect(new Set(answers.map(({ y }) => String(y))).size).toBe(1);
    expect(files()).toHaveLength(1);
  });

  it("makes room: what is old goes, then what was used the longest ago", async () => {
    mkdirSync(folder(), { recursive: true });
    const made = (name: string, bytes: number, days: number) => {
      const path = join(folder(), `${name.repeat(32)}.0123456789abcdef.onnx`);
      writeFileSync(path, "");
      truncateSync(path, bytes);
      const then = new Date(Date.now() - days * 24 * 3600 * 1000);
      utimesSync(path, then, then);
    };
    made("a", 10, 31);
    made("b", 200 * 2 ** 20, 2);
    made("c", 100 * 2 ** 20, 1);
    writeFileSync(join(folder(), "notes.txt"), "not ours");
    await answer(8.5);
    const left = files().filter((name) => name.includes("0123456789abcdef"));
    expect(left.map((name) => name[0])).toEqual(["c"]);
    expect(files()).toContain("notes.txt");
    expect(files()).toHaveLength(3);
  });
});

it("training starts from what is kept with the same numbers, over threads and in one graph", async () => {
  for (const workers of [0, 2]) {
    const losses: number[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const learner = maml(conv4([8, 8, 1], 2, { filters: 4 }), { task: "classification", steps: 2 });
      const trainer = await MetaTrainer.create(learner, { engine: "onnxruntime:cpu", workers, seed: 3 });
      const batch = [episode(1), episode(2)];
      await trainer.step(batch);
      losses.push((await trainer.step(batch)).loss);
      await trainer.dispose();
    }
    expect(losses[1]).toBe(losses[0]);
    expect(files().length).toBeGreaterThan(0);
  }
});
