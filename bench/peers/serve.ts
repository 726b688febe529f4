// A side that is written in JavaScript as a process: requests in lines of JSON, an answer to each (problems.py says which).
import { createInterface } from "node:readline";
import { processorTime } from "../contender.ts";
import type { OurEngine } from "../ours/engines.ts";
import type { Result } from "../ours/result.ts";
import type { Case } from "../workloads.ts";
import { mebibytesAtMost } from "./peak.ts";

export interface Request {
  readonly op: string;
  readonly case: Case;
  readonly threads: number;
  readonly once?: boolean;
  readonly times: number;
  /** Of ours; stock ONNX Runtime unless given. */
  readonly engine?: OurEngine;
  /** A bundle of the workload that is there already. */
  readonly folder?: string;
}

/** A workload that is ready. */
export interface Runnable {
  /** How it is run, in words. */
  readonly way: string;
  once(): Promise<unknown>;
  result(): Promise<Result>;
  close(): Promise<void>;
}

export interface JavaScriptSide {
  version(): string | Promise<string>;
  prepare(workload: Case, threads: number, engine: OurEngine): Promise<Runnable>;
  /** For a run in a process that holds as little as it can. */
  light?(request: Request): Promise<Runnable>;
}

/** Answers until the input ends. */
export async function serve({ version, prepare, light }: JavaScriptSide): Promise<void> {
  let open: Runnable | undefined;
  let byProcessor = false;

  /** Milliseconds of the clock, or of all threads of this process. */
  const now = (): number => (byProcessor ? processorTime() : performance.now());
  const operations: Readonly<Record<string, (request: Request) => Promise<object>>> = {
    hello: async () => ({ version: await version() }),
    async prepare({ case: workload, threads, engine = "onnxruntime", once }) {
      const start = performance.now();
      await open?.close();
      open = await prepare(workload, threads, engine);
      byProcessor = workload.processor ?? false;
      const result = await open.result();
      return { variant: open.way, result, ...(once ? {} : { seconds: (performance.now() - start) / 1000 }) };
    },
    async run({ times }) {
      const milliseconds: number[] = [];
      for (let i = 0; i < times; i++) {
        const start = now();
        await open?.once();
        milliseconds.push(now() - start);
      }
      return { milliseconds };
    },
    async memory(request) {
      open = await (light ? light(request) : prepare(request.case, request.threads, request.engine ?? "onnxruntime"));
      for (let i = 0; i < 5; i++) await open.once();
      return { mebibytes: mebibytesAtMost() };
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    const answer = await Promise.resolve()
      .then(() => operations[request.op]!(request))
      .then(
        (reply) => ({ ok: true, ...reply }),
        (error: Error) => ({ ok: false, error: error.message.split("\n")[0] }),
      );
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  await open?.close();
}
