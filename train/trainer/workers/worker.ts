// One thread of a pool: opens programs on an engine of its own with one thread, and runs tasks on them one after another.
import { parentPort, workerData } from "node:worker_threads";
import type { ProviderName } from "@innerloop/runtime/session";
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { Program } from "../../engines/engine.ts";
import { openPrograms } from "../../engines/onnxruntime/program.ts";
import { only, type Tensors } from "../state.ts";
import type { Reply, Request } from "./messages.ts";

const { engine } = workerData as { engine: string };
const opened = openPrograms(engine.split(":")[1] as ProviderName, { threads: 1 });
const programs = new Map<string, Program>();
let parameters: Tensors = {};

async function answer(request: Request): Promise<Reply> {
  if (request.kind === "program") {
    programs.set(request.name, await (await opened).load(request.program));
    return { kind: "done" };
  }
  parameters = request.parameters ?? parameters;
  const results: Tensors[] = [];
  for (const { program: name, feeds } of request.jobs) {
    const program = programs.get(name)!;
    const result = await program.run(only(program, { ...parameters, ...feeds }) as Tensors);
    if (request.sum && results[0]) accumulate(results[0], result);
    else results.push(result);
  }
  return { kind: "done", results };
}

function accumulate(total: Tensors, more: Tensors): void {
  for (const [name, { data }] of Object.entries(more)) {
    const into = total[name]!.data as Float32Array;
    for (let i = 0; i < into.length; i++) into[i]! += (data as Float32Array)[i]!;
  }
}

let last: Promise<void> = Promise.resolve();
parentPort!.on("message", (request: Request) => {
  last = last.then(async () => {
    const reply = await answer(request).catch((error: unknown): Reply => {
      const message = error instanceof Error ? error.message : String(error);
      return { kind: "failed", message, ...(error instanceof InnerloopError ? { code: error.code } : {}) };
    });
    parentPort!.postMessage(reply);
  });
});
