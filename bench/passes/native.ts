// Passes over plans of native kernels, by the programs that they make.
import { arrangements, layoutOf, Program, passes, planFor, readGraph, type Step } from "@innerloop/native/plan";
import type { Tensor } from "@innerloop/schemas";
import { builtKernels } from "../ours/kernels.ts";
import { written } from "./graphs.ts";
import type { Side, Variants } from "./variants.ts";

export const ofKernels: Variants = function* ({ name, outputs, feeds }) {
  const kernels = builtKernels();
  const graph = readGraph(written({ name, outputs, feeds }, []));
  const fed: Record<string, Tensor> = Object.fromEntries(graph.inputs.map((input) => [input, feeds[input]!]));
  const plan = planFor(graph, fed, kernels);
  const made = (without: ReadonlySet<string>) => {
    const instructions: Step[] = [];
    const isTaken = ({ name }: { readonly name: string }) => !without.has(name);
    const taken = { passes: passes.filter(isTaken), arranging: arrangements.filter(isTaken) };
    return { layout: layoutOf(plan, { ...taken, instructions }), count: instructions.length };
  };
  const whole = made(new Set());
  const opened = ({ layout }: typeof whole): Side => {
    const program = new Program(layout, kernels);
    return { run: () => program.run(kernels, fed), dispose: () => {} };
  };
  const names = [...passes, ...arrangements].map(({ name }) => name);
  const variants = [...names.map((one) => ({ name: one, left: [one] })), { name: "all", left: names }];
  for (const { name: pass, left } of variants) {
    const bare = made(new Set(left));
    if (same(bare.layout.words, whole.layout.words)) continue;
    const nodes = [bare.count, whole.count] as const;
    yield { pass, nodes, open: async () => [opened(bare), opened(whole)] };
  }
};

const same = (a: Int32Array, b: Int32Array): boolean => a.length === b.length && a.every((word, i) => word === b[i]);
