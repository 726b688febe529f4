// Passes of the compiler, by the files that they make for ONNX Runtime.
import { switches } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { decodeModel } from "@innerloop/schemas/onnx";
import { written } from "./graphs.ts";
import type { Side, Variants } from "./variants.ts";

type GraphOfFile = NonNullable<ReturnType<typeof decodeModel>["graph"]>;

function nodesIn({ node }: Pick<GraphOfFile, "node">): number {
  return (node ?? []).reduce(
    (sum, { attribute }) => sum + 1 + (attribute ?? []).reduce((inner, { g }) => inner + (g ? nodesIn(g) : 0), 0),
    0,
  );
}

export const ofFiles: Variants = function* (graph) {
  const names = switches();
  const whole = written(graph, []);
  const count = (bytes: Uint8Array) => nodesIn(decodeModel(bytes, graph.name).graph ?? {});
  const opened = async (file: Uint8Array): Promise<Side> => {
    const session = await openSession(file, { threads: 1 });
    const fed = Object.fromEntries(Object.entries(graph.feeds).filter(([name]) => session.inputs.includes(name)));
    return { run: () => session.run(fed), dispose: () => session.dispose() };
  };
  for (const [pass, without] of [...names.map((name) => [name, [name]] as const), ["all", names] as const]) {
    const bare = written(graph, without);
    if (Buffer.compare(bare, whole) === 0) continue;
    const nodes = [count(bare), count(whole)] as const;
    yield { pass, nodes, open: async () => [await opened(bare), await opened(whole)] };
  }
};
