// The command `engines`: a meta-iteration on every engine that is here, against ONNX Runtime on the processor in the same
// run. Each engine has a process of its own, and the two that are compared take turns.
import { type ChildProcess, fork } from "node:child_process";
import { type EngineReport, listEngines } from "@innerloop/train";
import { type Contender, interleave, type Summary, summarize } from "./contender.ts";
import { machine, type Outcome, tell } from "./outcome.ts";
import { equalWithin, table } from "./report.ts";

/** What is timed. */
const workload =
  "one meta-iteration of second-order MAML: conv4 with 64 filters, 5 ways, 1 shot, 25 queries, 1 inner step, 4 tasks, Adam";

const referenceName = "onnxruntime:cpu";

export interface EnginesOptions {
  /** Engines by name; all that are here unless given. */
  readonly engines?: readonly string[];
  /** Pairs of turns. */
  readonly runs?: number;
  readonly json: boolean;
}

/** To the process of an engine: time so many iterations. */
export interface ToEngine {
  readonly times: number;
}

/** From it: once that it is ready, then the answer to each message. */
export type FromEngine =
  | { readonly loss: number; readonly way: string }
  | { readonly milliseconds: number[] }
  | { readonly failure: string };

interface Row {
  readonly engine: string;
  readonly version?: string;
  readonly device?: string;
  /** How tasks were run, in words. */
  readonly way?: string;
  /** How far the loss of the first iteration is from the reference's, relative. */
  readonly apart?: number;
  readonly summary?: Summary;
  /** Why it was not timed. */
  readonly reason?: string;
}

/** An engine that trains in a process of its own. */
class Racer implements Contender {
  readonly #child: ChildProcess;
  #answer: { resolve(message: FromEngine): void; reject(error: Error): void } | undefined;
  #ended: Error | undefined;

  constructor(engine: string) {
    this.#child = fork(new URL("./engine-child.js", import.meta.url), [engine], {
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child.on("message", (message: FromEngine) => this.#answer?.resolve(message));
    this.#child.on("exit", (status, signal) => {
      this.#ended = new Error(`its process ended with ${signal ?? `status ${status}`}`);
      this.#answer?.reject(this.#ended);
    });
  }

  /** The loss of the first iteration, which every engine sees alike, and how it runs tasks. */
  async ready(): Promise<{ loss: number; way: string }> {
    const message = await this.#next();
    if ("loss" in message) return message;
    throw new Error("failure" in message ? message.failure : "it timed something before it was asked");
  }

  async run(times: number): Promise<number[]> {
    const answer = this.#next();
    const request: ToEngine = { times };
    this.#child.send(request);
    const message = await answer;
    if ("milliseconds" in message) return message.milliseconds;
    throw new Error("failure" in message ? message.failure : "it began again");
  }

  async #next(): Promise<FromEngine> {
    if (this.#ended) throw this.#ended;
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  close(): void {
    this.#child.removeAllListeners();
    this.#child.kill("SIGKILL");
  }
}

/** Iterations that take longer than this, in milliseconds, are timed a few times only. */
const slow = 2000;

async function race(report: EngineReport, runs: number | undefined): Promise<Row> {
  const { name: engine, version, device } = report;
  const known = { engine, ...(version ? { version } : {}), ...(device ? { device } : {}) };
  if (!report.available) return { ...known, reason: `absent: ${report.reason}` };
  tell(engine);
  const [ours, reference] = [new Racer(engine), new Racer(referenceName)];
  try {
    const [{ loss, way }, { loss: expected }] = await Promise.all([ours.ready(), reference.ready()]);
    const apart = Math.abs(loss - expected) / expected;
    const compared = { ...known, way, apart };
    if (!(apart <= equalWithin)) return { ...compared, reason: "its loss is another" };
    const [first] = await ours.run(1);
    const turns = runs ?? (first! > slow ? 3 : undefined);
    return { ...compared, summary: summarize(await interleave(ours, reference, turns)) };
  } catch (cause) {
    return { ...known, reason: `failed: ${(cause as Error).message}` };
  } finally {
    ours.close();
    reference.close();
  }
}

/** Times every engine against the reference. */
export async function engines({ engines: names, runs, json }: EnginesOptions): Promise<Outcome> {
  const reports = await listEngines(names);
  const rows: Row[] = [];
  for (const report of reports) if (report.name !== referenceName) rows.push(await race(report, runs));
  const status = rows.some(({ reason }) => reason !== undefined && !reason.startsWith("absent")) ? 1 : 0;
  const text = json
    ? JSON.stringify({ machine: machine(), workload, reference: referenceName, rows }, null, 2)
    : [tableOf(rows), `${workload}; ratios are the engine's time to that of ${referenceName}`].join("\n");
  return { text, status };
}

const tableOf = (rows: readonly Row[]): string =>
  table(
    ["engine", "ms", `${referenceName} ms`, "ratio", "quartiles", "apart", ""],
    rows.map(({ engine, summary, apart, reason }) => [
      engine,
      summary?.ours.toFixed(1) ?? "–",
      summary?.theirs.toFixed(1) ?? "–",
      summary?.ratio.toFixed(2) ?? "–",
      summary?.quartiles.map((quartile) => quartile.toFixed(2)).join("–") ?? "–",
      apart?.toExponential(0) ?? "–",
      reason ?? "",
    ]),
  );
