// The command `passes`: what each pass of the compiler gives, or on native kernels each pass of their plans: nodes, or instructions, and processor time of graphs of
// training and adapting, with it and without it.
import { median, processorTime, quantile } from "../contender.ts";
import type { OurEngine } from "../ours/engines.ts";
import { machine, type Outcome, tell } from "../outcome.ts";
import { table } from "../report.ts";
import { graphs } from "./graphs.ts";
import { ofKernels } from "./native.ts";
import { ofFiles } from "./onnxruntime.ts";
import type { Side, Variant, Variants } from "./variants.ts";

const variants: Readonly<Record<OurEngine, Variants>> = { onnxruntime: ofFiles, native: ofKernels };

/** What a pass gives to a graph. */
interface Effect extends Pick<Variant, "pass" | "nodes"> {
  readonly graph: string;
  /** Processor time with the pass over that without it: the median over turns, and its quartiles. */
  readonly ratio: number;
  readonly quartiles: readonly [number, number];
}

/** The median processor time of a run, in milliseconds, over enough of them to make a turn. */
async function turn(side: Side): Promise<number> {
  const times: number[] = [];
  for (const end = performance.now() + 60; performance.now() < end || times.length < 3; ) {
    const start = processorTime();
    await side.run();
    times.push(processorTime() - start);
  }
  return median(times);
}

async function compared({ open }: Variant, turns: number): Promise<number[]> {
  const [without, with_] = await open();
  try {
    for (const side of [without, with_]) await side.run();
    const ratios: number[] = [];
    for (let i = 0; i < turns; i++) {
      if (i % 2 === 0) {
        const base = await turn(without);
        ratios.push((await turn(with_)) / base);
      } else {
        const now = await turn(with_);
        ratios.push(now / (await turn(without)));
      }
    }
    return ratios;
  } finally {
    for (const side of [without, with_]) await side.dispose();
  }
}

interface PassesOptions {
  /** Whose passes. */
  readonly engine: OurEngine;
  /** Pairs of turns. */
  readonly turns: number;
  readonly json: boolean;
  /** The names of the graphs that are timed; all unless given. */
  readonly only?: readonly string[];
}

/** Times each pass on each graph that it changes; `all` is all of them against none. */
export async function timePasses({ engine, turns, json, only }: PassesOptions): Promise<Outcome> {
  const effects: Effect[] = [];
  for (const graph of graphs(engine).filter(({ name }) => only === undefined || only.includes(name)))
    for (const variant of variants[engine](graph)) {
      const { pass, nodes } = variant;
      tell(`${graph.name}, ${pass}`);
      const ratios = await compared(variant, turns);
      effects.push({
        ...{ pass, graph: graph.name, nodes },
        ...{ ratio: median(ratios), quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)] },
      });
    }
  const rows = effects.map(({ pass, graph, nodes, ratio, quartiles }) => [
    ...[graph, pass, `${nodes[0]} → ${nodes[1]}`, ratio.toFixed(2)],
    quartiles.map((quartile) => quartile.toFixed(2)).join("–"),
  ]);
  const what = engine === "native" ? "instructions" : "nodes";
  const text = json
    ? JSON.stringify({ machine: machine(), engine, turns, effects }, null, 2)
    : table(["graph", "pass", what, "time with ÷ without", "quartiles"], rows);
  return { text, status: 0 };
}
