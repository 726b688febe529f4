// `npm run bench -- gpu`: every engine that is asked for, PyTorch and JAX, on the same cases in the same run.
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { listEngines } from "@innerloop/train";
import { median } from "../contender.ts";
import { type GpuCase, gpuCases } from "./cases.ts";
import type { Answer } from "./engine.ts";

export interface GpuOptions {
  /** Names of engines; those on a GPU that work here unless given. */
  readonly engines?: readonly string[];
  /** `torch`, `torch-eager`, `jax`. */
  readonly peers: readonly string[];
  readonly models: readonly GpuCase["model"][];
  readonly tasks: readonly number[];
  /** Where the peers run. */
  readonly device: "cuda" | "cpu";
  /** Networks with few filters, to see that everything runs. */
  readonly small: boolean;
  /** How long each side is timed in a case; a case may take a hundred times as long to get ready. */
  readonly seconds: number;
  /** A file for everything as JSON. */
  readonly out?: string;
}

/** One side's answer to one case. */
export interface GpuRow {
  readonly side: string;
  readonly model: string;
  readonly tasks: number;
  readonly answer: Answer;
}

const gpuEngines = ["tfjs:node-gpu", "onnxruntime:cuda", "onnxruntime:webgpu", "tfjs:webgpu"];
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs all and gives the table as Markdown. */
export async function gpu(options: GpuOptions): Promise<{ text: string; status: 0 | 1 }> {
  const found = await listEngines();
  const wanted = options.engines ?? gpuEngines;
  const absent = wanted.filter((name) => !found.some((engine) => engine.name === name && engine.available));
  const notes = absent.map((name) => {
    const report = found.find((engine) => engine.name === name);
    return `${name} is not there: ${report?.reason ?? `known are ${found.map((engine) => engine.name).join(", ")}`}`;
  });
  const engines = wanted.filter((name) => !absent.includes(name));
  const python = process.env.INNERLOOP_PYTHON ?? "python3";
  const rows: GpuRow[] = [];
  for (const workload of gpuCases(options.models, options.tasks, options.small)) {
    const sides = [
      ...engines.map((name) => ({
        side: name,
        command: [process.execPath, script("./engine.js"), JSON.stringify(workload), name, String(options.seconds)],
      })),
      ...options.peers.map((framework) => ({
        side: framework,
        command: [
          python,
          script("../../gpu/peer.py"),
          JSON.stringify({ ...workload, framework, device: options.device, seconds: options.seconds }),
        ],
      })),
    ];
    for (const { side, command } of sides) {
      process.stderr.write(`${workload.model}, ${workload.tasks} tasks, ${side}\n`);
      rows.push({
        side,
        model: workload.model,
        tasks: workload.tasks,
        answer: await ask(command, 60 + 100 * options.seconds),
      });
    }
  }
  if (options.out !== undefined) await writeFile(options.out, `${JSON.stringify({ options, absent: notes, rows })}\n`);
  const unequal = unequalRows(rows);
  const text = [table(rows, [...engines, ...options.peers]), "", ...notes, ...unequal].join("\n");
  return { text, status: unequal.length > 0 ? 1 : 0 };
}

/** Runs a side and takes the last line that it says. */
function ask([file, ...args]: readonly string[], limit: number): Promise<Answer> {
  return new Promise((resolve) => {
    const child = spawn(file!, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 1000 * limit });
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        said[stream] += text;
      });
    child.on("error", (error) => resolve({ error: error.message }));
    child.on("close", (status, signal) => {
      const line = said.stdout.trim().split("\n").at(-1) ?? "";
      if (line.startsWith("{")) return resolve(JSON.parse(line) as Answer);
      const why = signal ? `ended by ${signal} within ${limit} s` : `ended with status ${status}`;
      resolve({ error: `${why}; ${said.stderr.trim().split("\n").at(-1) || "it said nothing"}` });
    });
  });
}

/** Largest relative difference of loss and gradient norm between sides; products may be rounded to TF32. */
const equalWithin = 0.02;

/** Sides that computed something else than the first that answered the case. */
function unequalRows(rows: readonly GpuRow[]): string[] {
  return rows.flatMap(({ side, model, tasks, answer }) => {
    const first = rows.find((row) => row.model === model && row.tasks === tasks && !("error" in row.answer));
    if (!first || "error" in answer || "error" in first.answer) return [];
    const apart = (key: "loss" | "norm"): number =>
      Math.abs(answer[key] - (first.answer as typeof answer)[key]) / Math.abs((first.answer as typeof answer)[key]);
    const worst = Math.max(apart("loss"), apart("norm"));
    if (worst <= equalWithin) return [];
    return [`${model}, ${tasks} tasks: ${side} is ${worst.toExponential(1)} apart from ${first.side}.`];
  });
}

/** Milliseconds of a meta-gradient, the median; and in brackets the seconds until the first one. */
function table(rows: readonly GpuRow[], sides: readonly string[]): string {
  const cases = [...new Set(rows.map(({ model, tasks }) => `${model}, ${tasks} tasks`))];
  const cell = (side: string, title: string): string => {
    const answer = rows.find((row) => row.side === side && `${row.model}, ${row.tasks} tasks` === title)?.answer;
    if (!answer) return "";
    if ("error" in answer) return /memory|OOM|RESOURCE_EXHAUSTED/i.test(answer.error) ? "out of memory" : "failed";
    return `${median([...answer.milliseconds]).toFixed(1)} (${answer.preparing.toFixed(0)} s)`;
  };
  const failures = rows.flatMap(({ side, model, tasks, answer }) =>
    "error" in answer ? [`${model}, ${tasks} tasks, ${side}: ${answer.error}`] : [],
  );
  return [
    `| ms a meta-gradient (until the first) | ${sides.join(" | ")} |`,
    `|---|${sides.map(() => "---:|").join("")}`,
    ...cases.map((title) => `| ${title} | ${sides.map((side) => cell(side, title)).join(" | ")} |`),
    ...(failures.length > 0 ? ["", ...failures] : []),
  ].join("\n");
}
