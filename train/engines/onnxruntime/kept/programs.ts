// The program of a graph: as an earlier process left it, as this one wrote it before, or written now.
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fingerprint } from "@innerloop/graph";
import { versionOf } from "../../choose/finding.ts";
import type { Graph, ProgramBytes } from "../../engine.ts";
import { cacheFolder, find } from "./store.ts";

/** Larger programs have numbers of a model in them; reading them back would save little. */
const mostBytes = 64 * 2 ** 20;

/** What this process has written, the latest last. */
const written = new Map<string, ProgramBytes>();
const mostWritten = 32;

/**
 * @param how what else decides about the bytes: the provider, and how graphs are written for it
 * @param write the graph as ONNX
 */
export async function keptOrWritten(
  graph: Graph,
  how: Readonly<Record<string, string>>,
  write: () => Uint8Array,
): Promise<ProgramBytes> {
  // Numbers of inputs would be lost where ONNX Runtime writes the model; other providers lay models out for their device.
  if (graph.initializers || how.provider !== "cpu") return { bytes: write() };
  const key = keyOf(graph, how);
  const folder = cacheFolder();
  const before = folder === undefined ? undefined : find(folder, key);
  if (before) return { bytes: before, optimized: true };
  const known = written.get(key);
  if (known) return known;
  const bytes = write();
  const program = folder === undefined || bytes.length > mostBytes ? { bytes } : { bytes, keepAs: key };
  written.set(key, program);
  for (const oldest of written.keys()) if (written.size > mostWritten) written.delete(oldest);
  return program;
}

function keyOf({ outputs, inputs = [], precision }: Graph, how: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256");
  hash.update(
    JSON.stringify([
      machine(),
      writer(),
      process.env.INNERLOOP_WITHOUT ?? "",
      how,
      precision ?? "float32",
      Object.keys(outputs),
      inputs.map(String),
    ]),
  );
  fingerprint([...Object.values(outputs), ...inputs], (text) => hash.update(text));
  return hash.digest("hex").slice(0, 32);
}

/** What ONNX Runtime optimizes for: the number of threads makes no difference, the instructions of the processor do. */
const machine = (): string => [versionOf("onnxruntime-node"), process.platform, process.arch, cpus()[0]?.model].join();

let ofGraph: string | undefined;

/** What writes graphs, by the file that it is loaded as: its version is the same from build to build. */
function writer(): string {
  if (ofGraph === undefined) {
    const folder = join(dirname(createRequire(import.meta.url).resolve("@innerloop/graph")), "bundle");
    const seen = readdirSync(folder).map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name));
      return `${name}:${size}:${mtimeMs}`;
    });
    ofGraph = seen.join();
  }
  return ofGraph;
}
