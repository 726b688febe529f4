// What `inspect --passes` and `--pass` tell of an .onnx file: what each pass of the compiler makes of its graph for ONNX Runtime on a
// processor.
import type { Value } from "@innerloop/graph";
import { wrongCall } from "../call/command.ts";
import { columns } from "../terminal/layout.ts";
import { resultStyle, resultWidth } from "../terminal/output.ts";

/** What one pass did, in numbers of nodes. */
interface PassCounts {
  readonly pass: string;
  readonly before: number;
  readonly after: number;
  readonly changed: boolean;
}

interface Found {
  readonly data: { readonly passes: readonly PassCounts[]; readonly printed?: readonly string[] };
  readonly text: string;
}

/**
 * Compiles a graph.
 * @param named a pass whose graph is printed as it was before it and after it
 * @throws InnerloopError `unknown-pass` (status 2)
 */
export async function inspectPasses(outputs: readonly Value[], named: string | undefined): Promise<Found> {
  const { lower, onnxTargetFor, passesFor, print, topological } = await import("@innerloop/graph");
  const target = onnxTargetFor("cpu");
  const known = [...new Set(passesFor(target).map(({ name }) => name))];
  if (named !== undefined && !known.includes(named))
    throw wrongCall("unknown-pass", `--pass is "${named}"; the passes are ${known.join(", ")}.`);
  const count = (values: readonly Value[]): number =>
    topological(values).filter(({ inputs }) => inputs.length > 0).length;
  const passes: PassCounts[] = [];
  const printed: string[] = [];
  lower(outputs, target, {
    onPass({ pass, before, after }) {
      const [was, is] = [print(before), print(after)];
      passes.push({ pass: pass.name, before: count(before), after: count(after), changed: was !== is });
      if (pass.name === named) printed.push(`before ${named}\n${was}`, `after ${named}\n${is}`);
    },
  });
  const rows = passes.map(({ pass, before, after, changed }) => [
    pass,
    `${before} → ${after}`,
    changed ? "" : "nothing to do",
  ]);
  const table = [
    resultStyle("bold", "passes of the compiler, in nodes"),
    columns([...rows], { right: false, width: resultWidth() }),
  ].join("\n");
  return {
    data: { passes, ...(printed.length > 0 ? { printed } : {}) },
    text: [table, ...printed].join("\n\n").trimEnd(),
  };
}
