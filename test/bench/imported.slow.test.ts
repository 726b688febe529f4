// Ours of `imported` on native kernels, as the process of Python asks for it: a turn, results, and what is refused.
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { input, op, type Value, writeOnnx } from "@innerloop/graph";
import { kernelsHere } from "@innerloop/native";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { repository } from "../support/root.ts";

const folder = temporaryFolder("imported");
const program = join(repository, "bench", "dist", "imported", "native.js");

type Child = ChildProcessByStdio<Writable, Readable, null>;

function started(network: string): (request: object) => Promise<Record<string, unknown>> {
  const child: Child = spawn(process.execPath, [program, folder, network, "1"], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.stdin.end());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return JSON.parse((await lines.next()).value);
  };
}

const numbers = Float32Array.from({ length: 6 }, (_, i) => i - 2);

/** A file of x, and what the process is fed. */
function written(network: string, y: (x: Value) => Value): void {
  writeFileSync(join(folder, `${network}.ours.onnx`), writeOnnx({ y: y(input("x", [2, 3])) }));
  writeFileSync(join(folder, `${network}.feeds.json`), JSON.stringify({ x: [2, 3], adj_y: [2, 3] }));
  for (const name of ["x", "adj_y"])
    writeFileSync(join(folder, `${network}.feeds.${name}`), new Uint8Array(numbers.buffer));
}

async function resultsOf(ask: ReturnType<typeof started>): Promise<readonly number[]> {
  const file = join(folder, "results");
  expect(await ask({ op: "results", side: "rewritten native", file })).toEqual({ ok: true, results: [["y", [2, 3]]] });
  return Array.from(new Float32Array(Uint8Array.from(readFileSync(file)).buffer));
}

test.skipIf(!kernelsHere())("a model that native kernels run gives its results and the time of a turn", async () => {
  written("plain", (x) => op.Add(op.Mul(x, x), x));
  const ask = started("plain");
  expect(await ask({ op: "open", side: "rewritten native", kind: "ours" })).toEqual({ ok: true, native: true });
  expect(await resultsOf(ask)).toEqual(Array.from(numbers, (x) => x * x + x));
  const { milliseconds } = await ask({ op: "turn", side: "rewritten native", enough: 5 });
  // A run of six numbers.
  expect(milliseconds).toBeGreaterThanOrEqual(0);
  expect(milliseconds).toBeLessThan(5);
});

test("what native kernels refuse ONNX Runtime runs, and that is said", async () => {
  // Numbers of 64 bits, which native kernels do not hold.
  written("other", (x) => op.Cast(op.Add(op.Cast(x, "float64"), op.Cast(x, "float64")), "float32"));
  const ask = started("other");
  expect(await ask({ op: "open", side: "rewritten native", kind: "ours" })).toEqual({ ok: true, native: false });
  expect(await resultsOf(ask)).toEqual(Array.from(numbers, (x) => 2 * x));
});

test("what is wrong comes back in words, and the process goes on", async () => {
  written("plain", (x) => x);
  const ask = started("plain");
  expect(await ask({ op: "open", side: "no file", kind: "none" })).toMatchObject({
    ok: false,
    error: expect.stringContaining("plain.none.onnx"),
  });
  expect(await ask({ op: "open", side: "rewritten native", kind: "ours" })).toMatchObject({ ok: true });
});

test("a process of its own tells the memory that it holds", () => {
  written("plain", (x) => op.Mul(x, x));
  expect(Number(execFileSync(process.execPath, [program, folder, "plain", "1", "ours"]))).toBeGreaterThan(20);
});
