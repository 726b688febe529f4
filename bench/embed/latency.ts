// How long a bundle takes beside PyTorch eager and TensorFlow.js on the same learner: a cold start, adapting, predicting. The sides
// take turns in one run.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Learner } from "@innerloop/runtime";
import { encodeSafetensors, sizeOf, type Tensor } from "@innerloop/schemas";
import type { TaskSource } from "@innerloop/train";
import { bodyOf } from "./body.ts";
import { openTfjsLearner } from "./tfjs.ts";

/** Milliseconds. */
export interface Times {
  readonly median: number;
  readonly p99: number;
}

export interface Latencies {
  readonly side: string;
  readonly coldStart?: Times;
  readonly adapt: Times;
  readonly predict: Times;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const python = process.env.INNERLOOP_PYTHON ?? "python3";

/** Five classes, one example each, one query. @throws Error where the peer gives other answers than the bundle */
export async function latencies(
  bundle: string,
  tasks: TaskSource,
  { starts, runs }: { readonly starts: number; readonly runs: number },
): Promise<{ sides: Latencies[]; notes: string[] }> {
  const body = await bodyOf(bundle);
  const { support, query } = tasks.episode("test", 0, 0, { ways: 5, shots: 1, queries: 1 });
  const size = sizeOf(tasks.inputShape);
  const asked = (query.x.data as Float32Array).slice(0, size);
  const labels = Array.from(support.y.data, String);
  const learner: Learner = await Learner.load(bundle, { provider: "cpu", threads: 1 });
  const examples = { data: support.x.data as Float32Array, shape: support.x.shape, labels };
  let mine = await learner.adapt(examples);
  const expected = await mine.predict(asked);

  const folder = await mkdtemp(join(tmpdir(), "innerloop-embed-"));
  const file = join(folder, "learner.safetensors");
  const { steps, rates } = learner.manifest.innerLoop;
  const one: Tensor = { dtype: "float32", shape: [1, ...tasks.inputShape], data: asked };
  const y: Tensor = { dtype: "float32", shape: support.y.shape, data: Float32Array.from(support.y.data as Int32Array) };
  await writeFile(
    file,
    encodeSafetensors(
      { ...body.weights, support_x: support.x, support_y: y, query_x: one },
      { steps: String(steps), weight_rate: String(rates["head.weight"]), bias_rate: String(rates["head.bias"]) },
    ),
  );
  const notes: string[] = [];
  const torch = await TorchPeer.start(file).catch((cause: Error) => {
    notes.push(`no PyTorch: ${cause.message}`);
    return undefined;
  });
  const tfjs = await openTfjsLearner(body, { ...support, ways: 5 }, one, steps);
  try {
    if (torch) {
      const { logits } = await torch.run("predict", 1);
      // The bundle names its labels in order of appearance; the peer has them in the order of the classes.
      const ours = logits.map((_, label) => expected.logits[mine.labels.indexOf(String(label))]!);
      const apart = Math.max(...ours.map((value, i) => Math.abs(value - ours[0]! - (logits[i]! - logits[0]!))));
      if (!(apart < 1e-3)) throw new Error(`PyTorch's logits are ${apart} apart from the bundle's.`);
    }
    await tfjs.adapt();
    const ways: { side: string; adapt(times: number): Promise<number[]>; predict(times: number): Promise<number[]> }[] =
      [
        {
          side: "this runtime",
          adapt: timed(async () => {
            mine = await learner.adapt(examples);
          }),
          predict: timed(() => mine.predict(asked)),
        },
        ...(torch
          ? [
              {
                side: "PyTorch eager",
                adapt: async (times: number) => (await torch.run("adapt", times)).milliseconds,
                predict: async (times: number) => (await torch.run("predict", times)).milliseconds,
              },
            ]
          : []),
        { side: "TensorFlow.js, head alone", adapt: timed(() => tfjs.adapt()), predict: timed(() => tfjs.predict()) },
      ];
    const found = ways.map(() => ({ adapt: [] as number[], predict: [] as number[] }));
    const turns = 20;
    for (let turn = -1; turn < turns; turn++)
      for (const [i, way] of ways.entries())
        for (const what of ["adapt", "predict"] as const) {
          const times = await way[what](Math.ceil(runs / turns));
          if (turn >= 0) found[i]![what].push(...times);
        }
    const cold = {
      "this runtime": await coldStarts(starts, process.execPath, [script("./cold.js"), bundle, file]),
      "PyTorch eager": torch
        ? await coldStarts(starts, python, [script("../../embed/torch_embed.py"), "cold", file])
        : undefined,
    } as Record<string, Times | undefined>;
    return {
      sides: ways.map(({ side }, i) => ({
        side,
        ...(cold[side] ? { coldStart: cold[side] } : {}),
        adapt: timesOf(found[i]!.adapt),
        predict: timesOf(found[i]!.predict),
      })),
      notes,
    };
  } finally {
    torch?.close();
    tfjs.dispose();
    await learner.dispose();
    await rm(folder, { recursive: true });
  }
}

const timed = (work: () => Promise<unknown>) => async (times: number) => {
  const found: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await work();
    found.push(performance.now() - start);
  }
  return found;
};

function timesOf(values: readonly number[]): Times {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { median: at(0.5), p99: at(0.99) };
}

/** From the start of a process until it says that it is ready. */
async function coldStarts(count: number, file: string, args: readonly string[]): Promise<Times> {
  const found: number[] = [];
  // The first start only warms the operating system's caches.
  for (let i = -1; i < count; i++) {
    const start = performance.now();
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [data] = (await Promise.race([once(child.stdout, "data"), once(child, "close").then(() => [])])) as unknown[];
    if (data === undefined) throw new Error(`${file} ${args[0]} ended before it was ready`);
    if (i >= 0) found.push(performance.now() - start);
    if (child.exitCode === null) await once(child, "close");
  }
  return timesOf(found);
}

/** torch_embed.py, one request at a time. */
class TorchPeer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#lines = createInterface({ input: process.stdout! })[Symbol.asyncIterator]();
  }

  static async start(file: string): Promise<TorchPeer> {
    const path = script("../../embed/torch_embed.py");
    const child = spawn(python, [path, "serve", file, "1"], { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    const failed = new Promise<never>((_, reject) => {
      child.on("error", reject);
      child.on("close", () => reject(new Error(complaint.trim().split("\n").at(-1) || "it ended")));
    });
    failed.catch(() => {});
    child.stdin.on("error", () => {});
    const peer = new TorchPeer(child);
    await Promise.race([peer.run("adapt", 1), failed]);
    return peer;
  }

  async run(op: "adapt" | "predict", times: number): Promise<{ milliseconds: number[]; logits: number[] }> {
    this.#process.stdin!.write(`${JSON.stringify({ op, times })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the PyTorch peer ended");
    return JSON.parse(value);
  }

  close(): void {
    this.#process.stdin!.end();
  }
}
