// The command `profile`: where one graph's time goes, by operator and by line of the model, and how near that is to what the same
// engine multiplies here.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { median } from "../contender.ts";
import type { OurEngine } from "../ours/engines.ts";
import { machine, type Outcome, threadsInWords } from "../outcome.ts";
import { fixed, table } from "../report.ts";
import { flameGraph, folded, stacksOf } from "./flame.ts";
import { openNative, rateNative, traceNative } from "./native.ts";
import { matMulRates, type Rates, rateOf } from "./rates.ts";
import { type Subject, subjectOf } from "./subject.ts";
import { type NodeTime, type Trace, timeOf, traceOf } from "./trace.ts";

export interface ProfileOptions {
  readonly what: string;
  /** What runs it. */
  readonly engine: OurEngine;
  readonly threads: number;
  readonly runs: number;
  /** Of open dimensions of a file. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly small: boolean;
  /** Folder for profile.svg, profile.folded and profile.json. */
  readonly out?: string;
  readonly json: boolean;
}

/** Time of some nodes, a run. */
interface Line {
  readonly name: string;
  readonly nodes: number;
  readonly milliseconds: number;
  /** Of these, in derivatives. */
  readonly derivatives: number;
  readonly gflops: number;
}

/** The line of the model that a scope stands for: its layer, whichever step and derivative it is in. */
export const lineOf = (scope: string): string =>
  scope
    .split("/")
    .filter((part) => part !== "grad" && !/^(step\d+|inner_loop|adapted)$/.test(part))
    .join("/") || "(between the layers)";

const isDerivative = (scope: string): boolean => scope.split("/").includes("grad");

export function grouped(nodes: readonly NodeTime[], runs: number, nameOf: (node: NodeTime) => string): Line[] {
  const lines = new Map<string, Line>();
  for (const node of nodes) {
    const name = nameOf(node);
    const before = lines.get(name) ?? { name, nodes: 0, milliseconds: 0, derivatives: 0, gflops: 0 };
    const time = node.microseconds / 1000 / runs;
    lines.set(name, {
      name,
      nodes: before.nodes + 1,
      milliseconds: before.milliseconds + time,
      derivatives: before.derivatives + (isDerivative(node.scope) ? time : 0),
      gflops: before.gflops + node.flops / 1e9 / runs,
    });
  }
  return [...lines.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

export async function profile(options: ProfileOptions): Promise<Outcome> {
  const { engine, threads, runs, out, json } = options;
  const subject = await subjectOf(options.what, options);
  const { trace, rates, whole } = await measured[engine](subject, threads, runs);
  const operators = grouped(trace.nodes, trace.runs, ({ op }) => op);
  const lines = grouped(trace.nodes, trace.runs, ({ scope }) => lineOf(scope));
  const summary = { ...summaryOf(subject, trace, rates, whole), operators, lines };
  if (out !== undefined) {
    await mkdir(out, { recursive: true });
    const stacks = stacksOf(trace.nodes, subject.name);
    await writeFile(join(out, "profile.folded"), folded(stacks));
    await writeFile(join(out, "profile.svg"), flameGraph(stacks, trace.runs));
    await writeFile(
      join(out, "profile.json"),
      `${JSON.stringify({ machine: machine(), engine, threads, ...summary }, null, 2)}\n`,
    );
  }
  if (json) return { text: JSON.stringify({ machine: machine(), engine, threads, ...summary }, null, 2), status: 0 };
  const { milliseconds, whole: ofRun, nodes, gflops, products, rate, matMul, share } = summary;
  const files =
    out === undefined ? [] : [`${join(out, "profile.svg")}, profile.folded (speedscope reads it), profile.json`];
  return {
    text: [
      `${subject.name}: ${subject.what}; ${engine}, ${threadsInWords(threads)}, ${trace.runs} runs`,
      "",
      tableOf(engine === "native" ? "instruction" : "operator", operators, milliseconds),
      "",
      tableOf("line of the model", lines, milliseconds),
      "",
      `${fixed(ofRun)} ms a run; ${fixed(milliseconds)} ms of ${nodes} ${apart[engine]}`,
      `products of the graph as it was built: ${fixed(gflops, 4)} GFLOP; of what ran: ${fixed(products, 4)}`,
      `${fixed(rate, 1)} GFLOP/s; MatMul of this engine, in this run: ${fixed(matMul.shapes, 1)} of the same shapes, ${fixed(matMul.large, 1)} of 768×768`,
      ...(share === undefined ? [] : [`${Math.round(100 * share)} % of the MatMul rate of the same shapes`]),
      ...files,
    ].join("\n"),
    status: 0,
  };
}

/** What is timed, and how that differs from a run. */
const apart: Readonly<Record<OurEngine, string>> = {
  onnxruntime: "nodes under the profiler, which takes time itself",
  native: "instructions, each by itself",
};

/** In which runs and products by themselves take turns, so that what else happens on the machine meets both. */
const rounds = 5;

interface Measured {
  readonly trace: Trace;
  readonly rates: Rates;
  readonly whole: number;
}

const measured: Readonly<
  Record<OurEngine, (subject: Subject, threads: number, runs: number) => Measured | Promise<Measured>>
> = {
  async onnxruntime(subject, threads, runs) {
    const trace = await traceOf(subject, threads, runs);
    const rates = await matMulRates(trace, (product) => rateOf(product, threads));
    return { trace, rates, whole: await timeOf(subject, threads, runs) };
  },
  async native(subject, threads, runs) {
    const trace = traceNative(subject, threads, runs);
    const run = openNative(subject, threads);
    const times: number[] = [];
    const rates: Rates[] = [];
    for (let round = 0; round < rounds; round++) {
      times.push(...run(Math.ceil(runs / rounds)));
      rates.push(await matMulRates(trace, (product) => rateNative(product, threads)));
    }
    const shapes = rates.flatMap((each) => each.shapes ?? []);
    return {
      trace,
      rates: {
        large: median(rates.map(({ large }) => large)),
        ...(shapes.length > 0 ? { shapes: median(shapes) } : {}),
      },
      whole: median(times),
    };
  },
};

/** Operators that multiply matrices, whatever they are called: what comes beside them is no arithmetic that a product could do. */
const multiplies = /MatMul|Gemm|Conv|LSTM|GRU|RNN|Einsum|Attention/;

function summaryOf({ arithmetic }: Subject, { nodes, runs, milliseconds: seen }: Trace, matMul: Rates, whole: number) {
  const milliseconds = nodes.reduce((sum, node) => sum + node.microseconds, 0) / 1000 / runs;
  const gflops =
    arithmetic.filter(({ operator }) => multiplies.test(operator)).reduce((sum, { flops }) => sum + flops, 0) / 1e9;
  const products = nodes.reduce((sum, { flops }) => sum + flops, 0) / 1e9 / runs;
  const rate = (gflops / whole) * 1000;
  return {
    /** Of the nodes, a run under the profiler; of the whole call, its profiler included; and of a call without it. */
    milliseconds,
    seen: median(seen),
    whole,
    nodes: nodes.length,
    gflops,
    products,
    rate,
    matMul,
    ...(matMul.shapes === undefined ? {} : { share: rate / matMul.shapes }),
    arithmetic,
  };
}

const tableOf = (what: string, lines: readonly Line[], all: number): string =>
  table(
    [what, "nodes", "ms", "%", "of it derivatives", "GFLOP/s"],
    lines
      .filter(({ milliseconds }) => milliseconds >= all / 1000)
      .map(({ name, nodes, milliseconds, derivatives, gflops }) => [
        name,
        String(nodes),
        fixed(milliseconds, 3),
        fixed((100 * milliseconds) / all, 1),
        fixed(derivatives, 3),
        gflops === 0 ? "–" : fixed((gflops / milliseconds) * 1000, 1),
      ]),
  );
