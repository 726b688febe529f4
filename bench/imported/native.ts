// Ours of `imported` on native kernels, as a process that peer.py asks for a turn by lines of JSON, or with a file alone for the memory that it holds. What native
// kernels refuse, ONNX Runtime runs, as for whoever uses the engine.
//
//     native.js FOLDER NETWORK THREADS          answers {"op": "open" | "turn" | "results", "side": NAME, …} until the input ends
//     native.js FOLDER NETWORK THREADS KIND     prints the most MiB that the process holds which runs NETWORK.KIND.onnx
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { native } from "@innerloop/native";
import type { Tensor } from "@innerloop/schemas";
import { median, processorTime } from "../contender.ts";
import { mebibytesAtMost } from "../peers/peak.ts";

const [folder = "", network = "", threadsGiven, kindAlone] = process.argv.slice(2);
const threads = Number(threadsGiven);

type Tensors = Readonly<Record<string, Tensor>>;

interface Run {
  /** @param lent its results may lie where the next run writes */
  readonly once: (lent?: boolean) => Tensors | Promise<Tensors>;
  /** Whether native kernels run it. */
  readonly native: boolean;
}

/** What peer.py wrote for it: shapes by name, and the numbers beside it. */
function known(): Record<string, Tensor> {
  const at = join(folder, `${network}.feeds`);
  const shapes: Readonly<Record<string, readonly number[]>> = JSON.parse(readFileSync(`${at}.json`, "utf8"));
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]): [string, Tensor] => {
      const bytes = Uint8Array.from(readFileSync(`${at}.${name}`));
      return [name, { dtype: "float32", shape, data: new Float32Array(bytes.buffer) }];
    }),
  );
}

async function opened(kind: string): Promise<Run> {
  const bytes = readFileSync(join(folder, `${network}.${kind}.onnx`));
  const weights = `${network}.bin`;
  const path = join(folder, weights);
  const isBeside = existsSync(path);
  const model = native.open(bytes, { threads, ...(isBeside && { beside: { [weights]: path } }) });
  const all = known();
  const fed = (inputs: readonly string[]) =>
    Object.fromEntries(inputs.flatMap((name) => (all[name] ? [[name, all[name]]] : [])));
  if (model) {
    const feeds = fed(model.inputs);
    const once = (lent?: boolean) => model.run(feeds, model.outputs, lent);
    if (once(true)) return { once: (lent) => once(lent)!, native: true };
  }
  // Loaded here alone, since what a process holds is measured.
  const { openSession } = await import("@innerloop/runtime/session");
  const session = await openSession(bytes, { threads, ...(isBeside && { beside: { [weights]: readFileSync(path) } }) });
  const feeds = fed(session.inputs);
  return { once: () => session.run(feeds), native: false };
}

const now = (): number => (threads > 1 ? performance.now() : processorTime());

/** Milliseconds as turns.py takes them: the median of as many runs as take some time, after one that does not count unless it takes long. */
async function turn({ once }: Run, enough: number): Promise<number> {
  const timed = async () => {
    const start = now();
    await once();
    return now() - start;
  };
  const first = await timed();
  const times = first > 100 ? [first] : [];
  for (let sum = first > 100 ? first : 0; times.length === 0 || sum < enough; ) {
    const time = await timed();
    times.push(time);
    sum += time;
  }
  return median(times);
}

interface Request {
  readonly op: "open" | "turn" | "results";
  readonly side: string;
  /** Of the file, to open it. */
  readonly kind: string;
  /** Milliseconds that make a turn. */
  readonly enough: number;
  /** Where results are written, one after another. */
  readonly file: string;
}

const open = new Map<string, Run>();

const operations: Readonly<Record<Request["op"], (request: Request) => Promise<object>>> = {
  async open({ side, kind }) {
    const run = await opened(kind);
    open.set(side, run);
    return { native: run.native };
  },
  turn: async ({ side, enough }) => ({ milliseconds: await turn(open.get(side)!, enough) }),
  async results({ side, file }) {
    const results = await open.get(side)!.once();
    const all = Object.values(results).map(({ data }) => data as Float32Array);
    writeFileSync(
      file,
      Buffer.concat(all.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))),
    );
    return { results: Object.entries(results).map(([name, { shape }]) => [name, shape]) };
  },
};

if (kindAlone) {
  const { once, native } = await opened(kindAlone);
  // Results of a run go before the next, as on every side: here a collector would look for them later.
  const letGo = async (): Promise<void> => void (await once(true));
  for (let i = native ? 1 : 0; i < 3; i++) await letGo();
  process.stdout.write(`${mebibytesAtMost()}\n`);
} else
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    const answer = await operations[request.op](request).then(
      (reply) => ({ ok: true, ...reply }),
      (error: Error) => ({ ok: false, error: error.message.split("\n")[0] }),
    );
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
